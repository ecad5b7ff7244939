"""Work of one monitor in independent pieces: its days, or pages of its incidents."""

import functools
import os
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import joblib

from dagster_driftmeter.runs.workers import (
    begin_worker,
    killed_worker,
    sendable,
    worker_context,
)

Piece = TypeVar("Piece")
Result = TypeVar("Result")
Shared = TypeVar("Shared")
# Processes for the pieces of one monitor; the run that starts several monitors at once shares cores
# out among them.
PROCESSES_TAG = "driftmeter/processes"
# A process takes a second to start and to be handed the reference; a day takes about half of one,
# a page of an incident somewhat more than one.
FEWEST_PIECES = 8


def processes_of(tags: Mapping[str, str]) -> int:
    """Processes that a run may start for one monitor; all cores where it says nothing."""
    return int(tags.get(PROCESSES_TAG) or joblib.cpu_count())


def over_pieces(
    work: Callable[[Shared, Piece], Result],
    shared: Shared,
    pieces: Sequence[Piece],
    processes: int,
) -> Iterator[Result]:
    """What work gives for each piece, in their order.

    Parameters
    ----------
    work : callable
        Function of a module, called with what is shared and a piece. Each piece is a transaction of
        its own, so that an error leaves those before it done, and maybe some after it.
    shared : object
        Handed to each process once, so it can be pickled; the warehouse is not among it.
    processes : int
        At most. With one, or few pieces, all is done in this process.

    Raises
    ------
    Exception
        The first, in order of pieces, that the work raised.
    DriftmeterError
        If a process was killed.
    """
    processes = min(processes, len(pieces) // (FEWEST_PIECES // 2))
    if processes <= 1:
        for piece in pieces:
            yield work(shared, piece)
        return
    handed = pickle.dumps((work, shared))
    begin = functools.partial(_begin, handed, dict(os.environ))
    pool = ProcessPoolExecutor(processes, worker_context(), begin)
    try:
        yield from pool.map(_one, pieces)
    except BrokenProcessPool as error:
        raise killed_worker() from error
    finally:
        # The pieces that are on come to their end, no other begins.
        pool.shutdown(cancel_futures=True)


_handed: Any = None


def _begin(handed: bytes, environment: dict[str, str]) -> None:
    """What a process does first."""
    global _handed
    begin_worker()
    os.environ.clear()
    os.environ.update(environment)
    _handed = pickle.loads(handed)


def _one(piece: Any) -> Any:
    work, shared = _handed
    with sendable():
        return work(shared, piece)
