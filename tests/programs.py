"""Runs `driftmeter` and dbt for tests, as forks of a process that has imported what they need."""

import atexit
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from driftmeter import settings

FOLDER = Path(sys.executable).parent
DRIFTMETER, DBT, KEPT_DBT, PYTHON = (
    str(FOLDER / name) for name in ("driftmeter", "dbt", "driftmeter-dbt", "python")
)


def run_program(
    *command: str, directory: Path | None = None, environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end, without the seconds of its imports.

    A process of its own all the same: what is asked of a process that Python has just started, of
    its signals for example, is asked with `subprocess`.

    Parameters
    ----------
    command : str
        One of the programs above, and its arguments; of Python `-c` and a script.
    directory : Path, optional
        Where it is run; here without.
    environment : mapping of str to str, optional
        All that it sees; that of this process without.
    """
    asked = {
        "command": command,
        "directory": str(directory or Path.cwd()),
        "environment": dict(os.environ if environment is None else environment),
    }
    ended, told = os.pipe()
    with (
        tempfile.TemporaryFile("w+") as call,
        open(os.devnull) as nothing,
        tempfile.TemporaryFile("w+") as output,
        tempfile.TemporaryFile("w+") as errors,
        open(ended) as end,
    ):
        json.dump(asked, call)
        call.seek(0)
        files = [file.fileno() for file in (call, nothing, output, errors)]
        try:
            socket.send_fds(_ready_programs(), [b"."], [*files, told])
        finally:
            os.close(told)
        code = end.read()
        for file in (output, errors):
            file.seek(0)
        if not code:
            raise RuntimeError("the process of tests.ready_programs has ended")
        return subprocess.CompletedProcess(command, int(code), output.read(), errors.read())


@functools.cache
def _ready_programs() -> socket.socket:
    """Where calls are sent to the process of `tests.ready_programs`, started by the first."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.ready_programs", str(theirs.fileno())],
            cwd=settings.PROJECT_ROOT,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
