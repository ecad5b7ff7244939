"""Parallel Dagster runs: each in a worker process, on one warehouse.

Workers fork from a process that has imported what they need, so that a second one costs no import.
"""

import functools
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext

from dagster_driftmeter.runs import progress
from driftmeter.errors import DriftmeterError

# The module that imports what takes seconds.
PRELOADED = "dagster_driftmeter.runs.preloaded"
Work = Callable[[], None]


def prepare_workers() -> None:
    """Begin to import what workers need, while this process does something else."""
    from multiprocessing import forkserver

    worker_context().set_forkserver_preload([PRELOADED])
    forkserver.ensure_running()


def side_by_side(work: Sequence[Work], most: int) -> None:
    """Do pieces of work in worker processes, so many at once; returns when all have ended.

    Parameters
    ----------
    work : sequence of callables
        Functions of modules or partials of them: workers get them by name.
    most : int
        Workers at once. With one, or one piece of work, all is done in this process.

    Raises
    ------
    Exception
        The first that a piece of work raised; the others have come to their end by then.
    DriftmeterError
        If a worker was killed.
    """
    most = min(most, len(work))
    if most <= 1:
        for piece in work:
            piece()
        return
    with kept_workers() as workers:
        workers.do(work, most)


@contextmanager
def kept_workers() -> Iterator["Workers"]:
    """Keep workers for as long as the block is on, with what they learned and imported.

    A block within another uses the other's.
    """
    global _kept
    if _kept is not None:
        yield _kept
        return
    _kept = Workers()
    try:
        yield _kept
    finally:
        _kept.end()
        _kept = None


class Workers:
    """Processes by number: the same piece of the same work is always the same process's."""

    def __init__(self) -> None:
        self._pools: dict[int, ProcessPoolExecutor] = {}
        # What each of them sends of its progress.
        self._pipes: dict[int, Connection[progress.State, progress.State]] = {}

    def do(self, work: Sequence[Work], most: int) -> None:
        """Do pieces of work, as `side_by_side` says."""
        prepare_workers()
        pools = [self._pool(number) for number in range(most)]
        with progress.shown_from(list(self._pipes.values())):
            environment = dict(os.environ)
            ended = [
                pools[number % most].submit(_do, piece, environment)
                for number, piece in enumerate(work)
            ]
            wait(ended)
        try:
            for future in ended:
                future.result()
        except BrokenProcessPool as error:
            self.end()
            raise killed_worker() from error

    def end(self) -> None:
        """End the processes."""
        for pool in self._pools.values():
            pool.shutdown()
        for pipe in self._pipes.values():
            pipe.close()
        self._pools.clear()
        self._pipes.clear()

    def _pool(self, number: int) -> ProcessPoolExecutor:
        if number not in self._pools:
            self._pipes[number], sender = worker_context().Pipe(duplex=False)
            begin = functools.partial(_begin, sender)
            self._pools[number] = ProcessPoolExecutor(1, worker_context(), begin)
        return self._pools[number]


_kept: Workers | None = None


def _begin(pipe: "Connection[progress.State, progress.State]") -> None:
    """What a worker of a monitor does first."""
    progress.send_to(pipe)
    begin_worker()


def begin_worker() -> None:
    """What every worker does first."""
    # Ctrl-C is for the process that started it, which ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Work for a process that is gone is nobody's: a day stays as it was, and is run again."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(piece: Work, environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    with sendable():
        piece()


@contextmanager
def sendable() -> Iterator[None]:
    """Raise what can be sent to another process: an error that cannot would take others with it."""
    try:
        yield
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            raise RuntimeError("".join(traceback.format_exception(error))) from None
        raise


def killed_worker() -> DriftmeterError:
    """What is said where a process of a pool is gone."""
    return DriftmeterError(
        "a worker process was killed",
        where="driftmeter run",
        fix="run the same days again; add --workers 1 if the machine ran out of memory",
    )


def worker_context() -> ForkServerContext:
    """How workers are started: forked from a process that has imported what they need."""
    return multiprocessing.get_context("forkserver")
