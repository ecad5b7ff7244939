"""A progress bar for whoever watches a terminal, and silence for a log file."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


@contextmanager
def spinner(label: str) -> Iterator[None]:
    """Show that work of unknown length goes on."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    started = time.perf_counter()
    with console.status(label):
        yield
    console.print(f"{label:<22} {time.perf_counter() - started:.0f} s")


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
