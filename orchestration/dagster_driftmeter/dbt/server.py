"""A process that keeps dbt imported and the project parsed, and forks for each call of dbt.

dbt takes four seconds to start, more than it takes over a day: its imports, and the whole project
parsed anew for every other day, since the days are variables. A fork has both, and ends with its
call, so that nothing of one call is left for the next.
"""

import contextlib
import gc
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import yaml

from dagster_driftmeter.dbt.client import ADDRESS
from dagster_driftmeter.dbt.packages import TARGET, installed_packages
from dagster_driftmeter.dbt.profile import profiles_dir
from dagster_driftmeter.dbt.project_manifest import PARTIAL_PARSE, source_files
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.imports import many_imports

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# The days of a run: a project that asks for them while it is parsed has to be parsed for every run.
DAYS = ("start_date", "end_date")
ASKED = re.compile(rf"""var\(\s*['"]({"|".join(DAYS)})['"]""")
# What of SQL is looked at while it is parsed: configuration, and what decides to what it refers.
PARSED = re.compile(r"\bconfig\((.*?)\)\s*-?}}|{%(.*?)%}", re.DOTALL)


@contextlib.contextmanager
def kept_dbt(monitor: str | None = None) -> Iterator[None]:
    """Keep a dbt process for as long as the block is on; every call of dbt in it is the process's.

    A block within another uses the other's.

    Parameters
    ----------
    monitor : str, optional
        The one that calls will be of: the project is parsed for it before the first comes.
    """
    if os.environ.get(ADDRESS):
        yield
        return
    folder = tempfile.mkdtemp(prefix="driftmeter-")
    address = os.path.join(folder, "dbt")
    log = settings.home() / "logs" / "dbt_server.log"
    settings.make_private(log.parent)
    with log.open("w") as lines, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        # Calls that come before dbt is imported wait here.
        listener.bind(address)
        listener.listen()
        # Its end of the pipe ends with this process, however that does.
        command = [sys.executable, "-m", "dagster_driftmeter.dbt.server", str(listener.fileno())]
        server = subprocess.Popen(
            [*command, monitor or ""],
            pass_fds=[listener.fileno()],
            stdin=subprocess.PIPE,
            stdout=lines,
            stderr=lines,
        )
    os.environ[ADDRESS] = address
    try:
        yield
    finally:
        del os.environ[ADDRESS]
        # No call is on any more; it may still be importing dbt, for a run that had nothing to do.
        server.terminate()
        server.communicate()
        shutil.rmtree(folder, ignore_errors=True)


def files_of_team() -> list[Path]:
    """What the project is made of, and its packages but for Driftmeter's own."""
    own = (installed_packages() / "driftmeter").resolve()
    return [file for file in source_files() if own not in file.parents]


def depends_on_days(files: Iterable[Path]) -> bool:
    """Whether what dbt keeps of a parsed project may differ from day to day.

    Parameters
    ----------
    files : iterable of Path
        What is parsed.
    """
    for file in files:
        if file.suffix not in (".yml", ".yaml", ".sql") or not file.is_file():
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.suffix == ".sql":
            text = "\n".join("".join(parts) for parts in PARSED.findall(text))
        if ASKED.search(text):
            return True
    return False


def serve(listener: socket.socket, monitor: str) -> None:
    """Answer calls, first of all of this monitor or of all, until their caller is gone."""
    with listener:
        with many_imports():
            import dbt.cli.main  # noqa: F401
        parsed = Parsed(Path(listener.getsockname()).parent)
        # What most runs ask for: the references that monitors declare.
        parsed.project({"monitor": monitor} if monitor else {})
        # Forks that ended leave nothing behind.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            with Connection(listener.accept()[0].detach()) as call:
                try:
                    asked, outputs = call.recv(), [recv_handle(call), recv_handle(call)]
                except (EOFError, OSError):
                    # Its caller is gone already.
                    continue
                manifest = parsed.of_call(asked)
                # A fork that looks for garbage looks through none of what all of them share.
                gc.freeze()
                if os.fork() == 0:
                    listener.close()
                    _answer(call, asked, outputs, manifest)
            for output in outputs:
                os.close(output)


class Parsed:
    """The project as dbt parsed it, for each set of variables beside the days.

    Parameters
    ----------
    folder : Path
        For what dbt writes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_kept = not depends_on_days(files_of_team())
        self._environment = _ours(os.environ)
        self._manifests: dict[str, Manifest | None] = {}

    def of_call(self, asked: Mapping[str, Any]) -> "Manifest | None":
        """What a call may use; None where dbt has to parse for itself."""
        arguments = asked["arguments"]
        if "--vars" not in arguments or _ours(asked["environment"]) != self._environment:
            # Another warehouse or schema: they are in what dbt parses.
            return None
        variables = yaml.safe_load(arguments[arguments.index("--vars") + 1]) or {}
        others = {name: value for name, value in variables.items() if name not in DAYS and value}
        return self.project(others)

    def project(self, variables: Mapping[str, Any]) -> "Manifest | None":
        """The project with these variables, parsed the first time; None where it is not kept."""
        from dbt.cli.main import dbtRunner
        from dbt.contracts.graph.manifest import Manifest

        key = json.dumps(variables, sort_keys=True, default=str)
        if not self._is_kept:
            return None
        if key not in self._manifests:
            os.chdir(settings.dbt_project_dir())
            os.environ["DBT_PROFILES_DIR"] = str(profiles_dir())
            # Not where the project's own manifest is: another process may read it at this moment.
            target = self._folder / "target"
            kept = Path(TARGET, PARTIAL_PARSE)
            if kept.is_file() and not target.exists():
                target.mkdir()
                shutil.copy2(kept, target)
            # The static parser keeps threads, which no fork has: one that parses waits for them.
            arguments = ["--quiet", "--no-static-parser", "parse", "--target-path", str(target)]
            parsed = dbtRunner().invoke([*arguments, "--vars", key]).result
            # A project that does not parse: the call says what is wrong.
            self._manifests[key] = parsed if isinstance(parsed, Manifest) else None
        return self._manifests[key]


def _answer(
    call: Connection, asked: Mapping[str, Any], outputs: list[int], manifest: "Manifest | None"
) -> None:
    """Be dbt for one call, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    # The command that started this process keeps Ctrl-C to itself.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for place, output in enumerate(outputs, start=1):
        os.dup2(output, place)
        os.close(output)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["directory"])
    is_over = threading.Event()
    threading.Thread(target=_cancel_with, args=(call, is_over), daemon=True).start()
    code = _run(asked["arguments"], manifest)
    is_over.set()
    sys.stdout.flush()
    # A caller that is gone asks for no answer.
    with contextlib.suppress(OSError):
        call.send(code)
    os._exit(code)


def _ours(environment: Mapping[str, str]) -> dict[str, str]:
    """Driftmeter's variables, but for where the process is."""
    return {
        name: value
        for name, value in environment.items()
        if name.startswith("DRIFTMETER_") and name != ADDRESS
    }


def _run(arguments: list[str], manifest: "Manifest | None") -> int:
    from dbt.cli.main import dbtRunner

    result = dbtRunner(manifest=manifest).invoke(arguments)
    if result.exception:
        say(result.exception, err=True)
    # As dbt's own: 1 where a node failed, 2 where dbt itself did.
    return 0 if result.success else 2 if result.exception else 1


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Let dbt cancel its queries; one more signal, as Ctrl-C sends, does not end that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def _cancel_with(call: Connection, is_over: threading.Event) -> None:
    """Interrupt dbt when its caller is interrupted or gone."""
    with contextlib.suppress(EOFError, OSError):
        call.recv_bytes()
    if not is_over.is_set():
        os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2])
