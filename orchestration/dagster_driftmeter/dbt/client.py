"""`driftmeter-dbt`: dbt in the warehouse that every other command uses, with no further settings.

Hands its arguments, environment and output to the process of `dagster_driftmeter.dbt.server` where
one is named, which saves the seconds that dbt takes to start, and is dbt itself where none is.
Imports nothing that takes time where it is told the profile.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing.connection import Client, Connection
from multiprocessing.reduction import send_handle
from types import FrameType

from driftmeter.errors import DriftmeterError

ADDRESS = "DRIFTMETER_DBT_SERVER"
# What says where dbt's profile is.
PROFILES, OPTION = "DBT_PROFILES_DIR", "--profiles-dir"


def main() -> None:
    """Run dbt with this process's arguments; exits as dbt does."""
    # Dagster cancels dbt by it, and a command that starts this process may keep it to itself. Until
    # dbt is at work there is nothing to cancel and nothing to say.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with _one_line():
        if PROFILES not in os.environ and not any(word.startswith(OPTION) for word in sys.argv):
            from dagster_driftmeter.dbt.profile import profiles_dir

            os.environ[PROFILES] = str(profiles_dir())
        server = _server()
        if server is not None:
            raise SystemExit(_ask(server))
        # dbt itself is to find Driftmeter's package, in a project that was cloned just now too.
        from dagster_driftmeter.dbt.packages import link_package

        link_package()
    dbt = os.path.join(os.path.dirname(sys.executable), "dbt")
    os.execv(dbt, [dbt, *sys.argv[1:]])


@contextlib.contextmanager
def _one_line() -> Iterator[None]:
    """End with one line where the profile or the package is not to be had."""
    try:
        yield
    except DriftmeterError as error:
        print(f"error: {error}", file=sys.stderr)
        # As dbt's own where it does not start.
        raise SystemExit(2) from None


def _server() -> Connection | None:
    """A connection to the process that keeps dbt; None where there is none, or it is gone."""
    address = os.environ.get(ADDRESS)
    try:
        return Client(address) if address else None
    except OSError:
        return None


def _ask(server: Connection) -> int:
    def cancel(number: int, frame: FrameType | None) -> None:
        # dbt cancels its queries, and then ends.
        server.send_bytes(b"")

    signal.signal(signal.SIGINT, cancel)
    signal.signal(signal.SIGTERM, cancel)
    server.send(
        {"arguments": sys.argv[1:], "directory": os.getcwd(), "environment": {**os.environ}}
    )
    for output in (sys.stdout, sys.stderr):
        send_handle(server, output.fileno(), None)
    try:
        return int(server.recv())
    except (EOFError, OSError):
        print("dbt's process was killed", file=sys.stderr)
        return 2
