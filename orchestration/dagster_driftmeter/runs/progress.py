"""Shows the progress of long work: bars in a terminal, lines in a log file.

Work in a worker process tells the process that started it, which shows all of it together.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from driftmeter.errors import spelled

T = TypeVar("T")
# The terminal, if there is one: while a step is on, Dagster sends standard error to a file.
_TERMINAL = os.fdopen(os.dup(2), "w") if sys.stderr is not None and sys.stderr.isatty() else None
# A log file gets a line of work that takes long, so many seconds after the last.
LINE_SECONDS = 10
# What workers sent is shown so many seconds later at most.
READ_SECONDS = 0.1


@dataclass(frozen=True)
class State:
    """How far one piece of work is.

    Attributes
    ----------
    total : int or None
        Steps in all; None where nobody knows.
    is_over : bool
        Whether it ended, done or failed.
    """

    label: str
    done: int
    total: int | None
    is_over: bool = False

    @property
    def count(self) -> str:
        """Steps done of all; nothing where nobody knows how many there are."""
        return "" if self.total is None else f"{self.done}/{self.total}"


class Bars:
    """A bar for each piece of work that is on, on a terminal."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<30}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            console=console,
            # dbt's lines go to a file, wherever bars are.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._tasks: dict[str, TaskID] = {}

    def show(self, state: State) -> None:
        """Draw it; a piece of work that is over stays above those that are on."""
        if state.label not in self._tasks:
            self._tasks[state.label] = self._progress.add_task(state.label, count=state.count)
            self._progress.start()
        task = self._tasks[state.label]
        total = state.total if state.total is not None else 1 if state.is_over else None
        done = total if state.total is None and state.is_over else state.done
        self._progress.update(task, completed=done, total=total, count=state.count)
        if state.is_over:
            self._progress.stop_task(task)
            del self._tasks[state.label]
        if not self._tasks:
            self._progress.stop()
            for over in self._progress.task_ids:
                self._progress.remove_task(over)


class Lines:
    """A line when a piece of work is over, and now and then while it is on."""

    def __init__(self) -> None:
        self._started: dict[str, float] = {}
        self._told: dict[str, float] = {}

    def show(self, state: State) -> None:
        """Print it where it is time to."""
        now = time.monotonic()
        started = self._started.setdefault(state.label, now)
        told = self._told.setdefault(state.label, now)
        if not state.is_over and now - told < LINE_SECONDS:
            return
        self._told[state.label] = now
        count = f"{state.count}  " if state.count else ""
        print(
            f"{state.label:<30} {count}{now - started:.0f} s{'' if state.is_over else ', running'}",
            file=sys.stderr,
            flush=True,
        )
        if state.is_over:
            del self._started[state.label], self._told[state.label]


@dataclass
class _Shown:
    """The one display of this process: what is called with each newer state."""

    display: Callable[[State], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def show(self, state: State) -> None:
        # Nobody may be there to see it any more: a closed pipe or terminal ends no run.
        state = replace(state, label=spelled(state.label))
        with self.lock, suppress(OSError):
            if self.display is None:
                console = Console(file=_TERMINAL) if _TERMINAL else Console(stderr=True)
                self.display = (Bars(console) if console.is_terminal else Lines()).show
            self.display(state)


_shown = _Shown()


def send_to(pipe: "Connection[State, State]") -> None:
    """From here on, send what this process does to the one that reads the pipe.

    It is in the pipe before the work goes on, so before the work is over.
    """
    _shown.display = pipe.send


@contextmanager
def shown_from(pipes: "Sequence[Connection[State, State]]") -> Iterator[None]:
    """Show what workers send, a pipe for each, beside what this process does.

    A worker that is killed can leave no lock behind that others wait for.
    """
    is_over = threading.Event()

    def read() -> None:
        open_pipes = list(pipes)
        is_last = False
        while not is_last:
            is_last = is_over.wait(READ_SECONDS)
            while ready := [pipe for pipe in open_pipes if pipe.poll()]:
                for pipe in ready:
                    try:
                        _shown.show(pipe.recv())
                    except EOFError:
                        open_pipes.remove(pipe)

    reader = threading.Thread(target=read, name="progress of workers", daemon=True)
    reader.start()
    try:
        yield
    finally:
        is_over.set()
        reader.join()


@contextmanager
def spinner(label: str) -> Iterator[None]:
    """Show that work of unknown length goes on."""
    _shown.show(State(label, 0, None))
    try:
        yield
    finally:
        _shown.show(State(label, 0, None, is_over=True))


def track(label: str, steps: Sequence[T]) -> Generator[T, None, None]:
    """Yield the steps, and show how far they are."""
    done = 0
    _shown.show(State(label, done, len(steps)))
    try:
        for step in steps:
            yield step
            done += 1
            _shown.show(State(label, done, len(steps)))
    finally:
        _shown.show(State(label, done, len(steps), is_over=True))
