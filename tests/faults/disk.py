"""A file system of a size that can change, to be full at a moment's notice."""

import os
import shutil
import subprocess
from pathlib import Path

# Of memory, as it is used: several databases and their log.
WHOLE_MIB = 8192
MIB = 2**20


class Disk:
    """A file system in memory, mounted in a directory; that needs root.

    Parameters
    ----------
    place : Path
        A directory, which is made.

    Raises
    ------
    PermissionError
        If this account or machine may mount nothing.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0 or not _mount("-t", "tmpfs", "-o", _size(WHOLE_MIB), "tmpfs", place):
            raise PermissionError("a full disk needs root, who may mount a file system")

    def fill(self, left_mib: int) -> None:
        """Leave so many MiB for what comes."""
        used = shutil.disk_usage(self.place).used // MIB + 1
        self._resize(used + left_mib)

    def relieve(self) -> None:
        """Give all of its room back."""
        self._resize(WHOLE_MIB)

    def unmount(self) -> None:
        """Forget what it holds."""
        subprocess.run(["umount", str(self.place)], check=True)

    def _resize(self, mib: int) -> None:
        assert _mount("-o", f"remount,{_size(mib)}", self.place)


def _size(mib: int) -> str:
    return f"size={mib}m,mode=755"


def _mount(*arguments: str | Path) -> bool:
    return subprocess.run(["mount", *map(str, arguments)], capture_output=True).returncode == 0
