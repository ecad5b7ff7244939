"""The warm process: has imported what takes seconds, and forks for each program that is started."""

import contextlib
import fcntl
import gc
import importlib
import json
import multiprocessing
import os
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

# Of others only: what is Driftmeter's own is imported by each fork, in its own environment.
IMPORTED = (
    "dagster",
    "dagster_dbt",
    "dagster_postgres",
    "dbt.adapters.postgres",
    "dbt.cli.main",
    "evidently.presets",
    "alembic.command",
    "pyarrow.csv",
    "pyarrow.parquet",
    "psycopg",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.inspection",
    "sqlalchemy",
    "typer",
    "yaml",
)
MOST_FILES, ABOVE = 64, 300


def serve(listener: socket.socket, lives: int) -> Callable[[], object]:
    """Answer until those who start programs are gone; in each fork, returns what it has to be."""
    woken, wakes = os.pipe2(os.O_NONBLOCK)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([listener, lives, woken, *running.values()], [], [])
        if lives in ready:
            for process in running:
                os.kill(process, signal.SIGKILL)
            sys.exit()
        for process, client in list(running.items()):
            if client in ready:
                _pass_on(process, client)
        if woken in ready:
            os.read(woken, 4096)
            _tell_ended(running)
        if listener in ready:
            client, _ = listener.accept()
            asked, files = _read(client)
            process = os.fork()
            if process == 0:
                for own in (listener, client, *running.values()):
                    own.close()
                for number in (lives, woken, wakes):
                    os.close(number)
                return _become(asked, files)
            running[process] = client
            for file in files:
                os.close(file)


def _read(client: socket.socket) -> tuple[Mapping[str, Any], list[int]]:
    """What a client asks for, and its open files."""
    length, files, _, _ = socket.recv_fds(client, 4, MOST_FILES)
    message = b""
    while len(message) < int.from_bytes(length, "big") and (part := client.recv(65536)):
        message += part
    return json.loads(message), files


def _pass_on(process: int, client: socket.socket) -> None:
    """Send a fork the signals that its client got; one that is gone was killed."""
    with contextlib.suppress(ProcessLookupError):
        for number in client.recv(16) or [signal.SIGKILL]:
            os.kill(process, number)


def _tell_ended(running: dict[int, socket.socket]) -> None:
    """Tell clients how their forks ended."""
    for process in list(running):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            with running.pop(process) as client, contextlib.suppress(OSError):
                client.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(asked: Mapping[str, Any], files: list[int]) -> Callable[[], object]:
    """Take over a client's surroundings; returns what it runs."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    # First out of the way of the numbers that they shall have.
    moved = [fcntl.fcntl(file, fcntl.F_DUPFD, ABOVE) for file in files]
    for file in files:
        os.close(file)
    for file, number in zip(moved, asked["files"], strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    os.chdir(asked["directory"])
    programs = os.path.dirname(asked["program"])
    sys.executable = os.path.join(programs, "python")
    multiprocessing.set_executable(sys.executable)
    arguments = asked["arguments"]
    if os.path.basename(asked["program"]) != "python":
        script = os.path.join(sys.prefix, "bin", os.path.basename(asked["program"]))
        sys.argv, sys.path[0] = [asked["program"], *arguments], programs
        return lambda: runpy.run_path(script, run_name="__main__")
    sys.path[0] = asked["directory"]
    if "-m" in arguments:
        place = arguments.index("-m") + 1
        sys.argv = arguments[place:]
        return lambda: runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    place = arguments.index("-c") + 1
    sys.argv = ["-c", *arguments[place + 1 :]]
    return lambda: exec(arguments[place], {"__name__": "__main__"})


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    # What no fork frees, none copies.
    gc.collect()
    gc.freeze()
    serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))()
