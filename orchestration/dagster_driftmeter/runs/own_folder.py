"""A folder for all temporary files of this process and of those that it starts.

Whoever ends a process removes one folder with it. A process that was killed removes nothing: the
next one that makes a folder does, once the lock in it is free.
"""

import fcntl
import os
import shutil
import tempfile
from multiprocessing.util import Finalize
from pathlib import Path

PREFIX, LOCK = "driftmeter-", "in_use.lock"
_folders: list[Path] = []


def make_own_folder() -> None:
    """Put temporary files of this process into a folder of its own, once."""
    if _folders:
        return
    place = Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    # Held before it has its name: a free lock is one of a process that is gone.
    lock = os.open(folder / "new.lock", os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(folder / "new.lock", folder / LOCK)
    _folders.append(folder)
    # After those of multiprocessing's own, which are in it.
    Finalize(None, remove_own_folder, exitpriority=-200)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)


def remove_own_folder() -> None:
    """Remove the folder, if there is one, with all that is in it."""
    while _folders:
        shutil.rmtree(_folders.pop(), ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove what killed processes left."""
    for lock in place.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with lock.open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            # In use, or another user's.
            continue
