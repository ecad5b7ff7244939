"""Programs of Python that start warm: in a fork of a process that has imported what takes seconds.

Dagster, dbt and Evidently take nine seconds of a processor to import, a command's own work often
one. `warm_programs` makes a directory beside the virtual environment's `bin`, of the same names;
a test that starts `driftmeter`, `dbt` or a worker from there has a real process all the same, with
its own arguments, environment, directory, files, signals and exit code. The warm process has
imported nothing of Driftmeter's own, so that no state of one test reaches another.

Tests of what a start itself does take programs from `COLD`.
"""

import contextlib
import json
import multiprocessing
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

# Where programs start as they do for everybody.
COLD = Path(sys.prefix) / "bin"
HERE = Path(__file__).parent
# Those that import much; all others are the virtual environment's own.
WARM = ("python", "driftmeter", "driftmeter-dbt", "dbt")
# What Python reads only when it starts.
AT_START = ("PYTHON", "LC_", "LANG")


@contextlib.contextmanager
def warm_programs() -> Iterator[Path]:
    """A directory of programs that start warm, used by everything in this process from here on."""
    folder = Path(tempfile.mkdtemp(prefix="driftmeter-warm-"))
    programs = folder / "bin"
    programs.mkdir()
    for program in COLD.iterdir():
        if program.name not in WARM:
            (programs / program.name).symlink_to(program)
    client = f"#!{COLD / 'python'} -IS\n{(HERE / 'client.py').read_text()}"
    for name in WARM:
        (programs / name).write_text(client)
        (programs / name).chmod(0o755)
    (folder / "cold").symlink_to(COLD)
    decided = {name: value for name, value in os.environ.items() if name.startswith(AT_START)}
    (folder / "decided.json").write_text(json.dumps([AT_START, decided]))
    cold, sys.executable = sys.executable, str(programs / "python")
    multiprocessing.set_executable(sys.executable)
    address = str(folder / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen(100)
        # Its end of this pipe ends with this process, however that does.
        lives, life = os.pipe()
        starter = threading.Thread(target=_start_when_asked, args=(listener, lives), daemon=True)
        starter.start()
        try:
            yield programs
        finally:
            sys.executable = cold
            multiprocessing.set_executable(cold)
            os.close(life)
            starter.join()
            os.close(lives)
            shutil.rmtree(folder, ignore_errors=True)


def _start_when_asked(listener: socket.socket, lives: int) -> None:
    """Start the warm process with the first program, for most tests need none; wait for its end."""
    ready, _, _ = select.select([listener, lives], [], [])
    if listener in ready:
        subprocess.run(
            [COLD / "python", HERE / "server.py", str(listener.fileno()), str(lives)],
            pass_fds=[listener.fileno(), lives],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
