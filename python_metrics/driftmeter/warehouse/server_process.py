"""Whether a cluster's server runs, and what a crash left behind in its ``postmaster.pid``."""

from pathlib import Path

import psutil  # type: ignore[import-untyped]

# Above what Linux (2**22) and macOS (99999) give to any process.
NO_PROCESS = 2**22 + 1


def server_pid(data: Path) -> int | None:
    """Process id of the cluster's server; None where none runs.

    A process id alone proves nothing: after a crash or in a copied directory the recorded one may
    be any other process's. Postgres works in its data directory, so that is what is compared.
    """
    recorded = _recorded(data, line=0)
    if recorded is None:
        return None
    try:
        at = _directory(psutil.Process(recorded))
        return recorded if at is not None and at.samefile(data) else None
    except (psutil.Error, OSError):
        return None


def _directory(process: psutil.Process) -> Path | None:
    try:
        return Path(process.cwd())
    except psutil.AccessDenied:
        # Root of a container may not look at other accounts' processes, but sees how they began.
        command = process.cmdline()
        return Path(command[command.index("-D") + 1]) if "-D" in command[:-1] else None


def server_port(data: Path) -> int | None:
    """Port that the running server listens on, as it recorded it."""
    return _recorded(data, line=3)


def forget_foreign_pid(data: Path) -> None:
    """Make Postgres see that its recorded process is gone, though its number is in use again.

    The number is replaced and not the file removed: its other lines let Postgres find children of
    a killed server that are still at work, which must not be joined by a second server.
    """
    recorded = _recorded(data, line=0)
    if recorded is None or server_pid(data) is not None or not psutil.pid_exists(recorded):
        return
    lines = (data / "postmaster.pid").read_text().splitlines()
    (data / "postmaster.pid").write_text("\n".join([str(NO_PROCESS), *lines[1:]]) + "\n")


def _recorded(data: Path, line: int) -> int | None:
    """A number that the server wrote down; a single-user server's process is a negative one."""
    try:
        return abs(int((data / "postmaster.pid").read_text().splitlines()[line]))
    except (OSError, IndexError, ValueError):
        return None
