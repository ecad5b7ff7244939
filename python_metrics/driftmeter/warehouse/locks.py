"""One process at a time, by a file that the system frees when its holder ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """Hold a lock for as long as the block is on; waits for whoever holds it.

    Parameters
    ----------
    file : Path
        Made where it is missing, in a directory that exists. Two blocks of one process wait for
        each other too.
    """
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
