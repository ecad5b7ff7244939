"""A progress bar for whoever watches a terminal, and silence for a log file."""

import sys
from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


def track(label: str, steps: Sequence[T]) -> Iterator[T]:
    """Yield the steps; a terminal sees how far they are and how long they will take."""
    bar = Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        yield from bar.track(steps, description=label)
