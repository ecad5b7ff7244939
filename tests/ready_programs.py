"""A process that has imported what programs need, and forks to be one of them for each call.

A `driftmeter run` imports for five seconds, and dbt for two, more than they take over a day of a
test. A fork has all that, is a process of its own in every other respect, and begins with the
arguments, the directory and the environment that it is given, as the product's own workers do.
Of `driftmeter` nothing is imported that asks the environment anything.
"""

import contextlib
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import traceback
import types
from collections.abc import Mapping, Sequence
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, NoReturn

from driftmeter.imports import many_imports

# Where each program begins, as its script in the environment's folder does.
ENTRIES = {
    "driftmeter": ("dagster_driftmeter.cli.main", "main"),
    "driftmeter-dbt": ("dagster_driftmeter.dbt.client", "main"),
    "dbt": ("dbt.cli.main", "cli"),
}
IMPORTED = (
    "dagster_driftmeter.runs.preloaded",
    "dagster_driftmeter.runs.chain",
    "dagster_driftmeter.runs.environment",
    "dbt.cli.main",
    "dagster_postgres",
    "typer",
    "rich.progress",
    "plotly.graph_objects",
)
# What of `driftmeter` is a process for dbt's sake.
OF_DBT = ("dagster_driftmeter.dbt.server", "dagster_driftmeter.dbt.profile_login")
# Streams of processes that this one was forked from: freed, they would send what they hold.
_left: list[tuple[Any, ...]] = []


def serve(calls: socket.socket) -> None:
    """Fork for each call, one after the other, until whoever calls is gone."""
    with many_imports():
        for name in IMPORTED:
            importlib.import_module(name)
    # What a program finds beside its script, instead of the directory of the tests.
    sys.path[0] = str(Path(sys.executable).parent)
    # A fork that looks for garbage looks through none of what all of them share.
    gc.freeze()
    while True:
        _, files, _, _ = socket.recv_fds(calls, 1, 5)
        if not files:
            return
        asked, *streams, told = files
        program = os.fork()
        if program == 0:
            calls.close()
            os.close(told)
            with open(asked) as file:
                call = json.load(file)
            _become(call, streams)
        _, status = os.waitpid(program, 0)
        os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
        for file in files:
            os.close(file)


def _become(call: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be the program that was asked for."""
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    os.chdir(call["directory"])
    os.execv = _go_on_as
    subprocess.Popen = _Started  # type: ignore[misc]
    _be(call["command"], call["environment"])


def _be(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Be a program whose streams and directory are in place, and end as its own process would."""
    code = 1
    # What another process wrote and did not yet send is its own.
    _left.append((sys.stdin, sys.stdout, sys.stderr))
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    try:
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
        sys.path[1:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
        # As of a script: a module's name would be in every line about its use.
        sys.modules["__main__"] = types.ModuleType("__main__")
        _run(command)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    for output in (sys.stdout, sys.stderr):
        output.flush()
    os._exit(code)


def _run(command: Sequence[str]) -> None:
    """Run a program, or what Python is told to run: a script after `-c`, a module after `-m`."""
    program, *words = command
    if Path(program).name != "python":
        module, name = ENTRIES[Path(program).name]
        sys.argv = list(command)
        getattr(importlib.import_module(module), name)()
        return
    option, what, *arguments = words
    sys.argv, sys.path[0] = [option, *arguments], os.getcwd()
    if option == "-c":
        exec(what, {"__name__": "__main__"})
    else:
        sys.modules.pop(what, None)
        runpy.run_module(what, run_name="__main__", alter_sys=True)


def _go_on_as(program: str, words: Sequence[str]) -> NoReturn:
    """Be another program from here on, as `driftmeter-dbt` does where no dbt is kept for it."""
    _run([program, *words[1:]])
    raise SystemExit


class _Started(subprocess.Popen):  # type: ignore[type-arg]
    """A process that a program starts: where that is dbt, a fork too, which has its imports."""

    def __init__(self, args: Any, **how: Any) -> None:
        words = [str(args)] if isinstance(args, (str, Path)) else list(map(str, args))
        if Path(words[0]).name == "dbt" or (words[1:2] == ["-m"] and words[2] in OF_DBT):
            environment = dict(how.get("env") or os.environ)
            kept = how.get("pass_fds", ())
            how["preexec_fn"] = functools.partial(_be_started, words, environment, kept)
        super().__init__(args, **how)


def _be_started(
    command: Sequence[str], environment: Mapping[str, str], kept: Sequence[int]
) -> NoReturn:
    """Be that process, to which nothing is left of the one that started it."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    # The process that tracks what is to be removed is the other's; dbt starts its own.
    tracker = resource_tracker._resource_tracker
    tracker._fd = tracker._pid = None
    nothing = os.open(os.devnull, os.O_RDWR)
    for file in {*map(int, os.listdir("/dev/fd"))} - {0, 1, 2, nothing, *kept}:
        # Not closed: Arrow ends a fork that finds its own pipe closed. The listing's is already.
        with contextlib.suppress(OSError):
            os.dup2(nothing, file)
    subprocess.Popen = _Started.__base__  # type: ignore[misc]
    _be(command, environment)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
