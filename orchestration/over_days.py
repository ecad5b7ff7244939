"""Days of one monitor side by side: what is done for a day and rests on no other day."""

import contextlib
import datetime as dt
import functools
import os
import pickle
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from orchestration.workers import begin_worker, cores, killed_worker, sendable, worker_context

T = TypeVar("T")
S = TypeVar("S")
# Processes for the days of one monitor; the run that starts several monitors at once shares cores
# out among them.
PROCESSES_TAG = "driftmeter/processes"
# A process takes a second to start and to be handed the reference; a day takes about half of one.
FEWEST_DAYS = 8


def processes_of(tags: Mapping[str, str]) -> int:
    """Processes that a run may start for the days of a monitor; all cores where it says nothing."""
    return int(tags.get(PROCESSES_TAG) or cores())


def over_days(
    work: Callable[[S, dt.date], T], shared: S, days: Sequence[dt.date], processes: int
) -> Iterator[T]:
    """What a piece of work gives for each day, in order of days.

    Parameters
    ----------
    work : callable
        Function of a module, called with what is shared and a day. Each day is a transaction of
        its own, so that an error leaves the days before it done, and maybe some after it.
    shared : object
        Handed to each process once, so it can be pickled; the warehouse is not among it.
    processes : int
        At most. With one, or few days, all is done in this process.

    Raises
    ------
    Exception
        The first, in order of days, that a piece of work raised.
    DriftmeterError
        If a process was killed.
    """
    processes = min(processes, len(days) // (FEWEST_DAYS // 2))
    if processes <= 1:
        for day in days:
            yield work(shared, day)
        return
    handed = pickle.dumps((work, shared))
    begin = functools.partial(_begin, handed, dict(os.environ))
    pool = ProcessPoolExecutor(processes, worker_context(), begin)
    try:
        yield from pool.map(_one, days)
    except BrokenProcessPool as error:
        raise killed_worker() from error
    finally:
        # The days that are on come to their end, no other begins.
        pool.shutdown(cancel_futures=True)


_handed: Any = None


def _begin(handed: bytes, environment: dict[str, str]) -> None:
    """What a process does first."""
    global _handed
    begin_worker()
    # Ctrl-C is for the process that started it, which lets it finish its day.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    _handed = pickle.loads(handed)


def _one(day: dt.date) -> Any:
    work, shared = _handed
    with sendable():
        return work(shared, day)
