"""`driftmeter-dbt`: dbt in the warehouse that every other command uses, with no further settings.

Hands its arguments, environment and output to the process of `dagster_driftmeter.dbt.server` where
one is named, which saves the seconds that dbt takes to start, and is dbt itself where none is.
Imports nothing that takes time where it is told the profile.
"""

import json
import os
import signal
import socket
import sys
from types import FrameType

ADDRESS = "DRIFTMETER_DBT_SERVER"
# What says where dbt's profile is.
PROFILES, OPTION = "DBT_PROFILES_DIR", "--profiles-dir"


def main() -> None:
    """Run dbt with this process's arguments; exits as dbt does."""
    if PROFILES not in os.environ and not any(word.startswith(OPTION) for word in sys.argv):
        os.environ[PROFILES] = _profiles_dir()
    server = _server()
    if server is not None:
        raise SystemExit(_ask(server))
    dbt = os.path.join(os.path.dirname(sys.executable), "dbt")
    os.execv(dbt, [dbt, *sys.argv[1:]])


def _profiles_dir() -> str:
    """Directory of the profile, or an end with one line."""
    from dagster_driftmeter.dbt.profile import profiles_dir
    from driftmeter.errors import DriftmeterError

    try:
        return str(profiles_dir())
    except DriftmeterError as error:
        print(f"error: {error}", file=sys.stderr)
        # As dbt's own where it does not start.
        raise SystemExit(2) from None


def _server() -> socket.socket | None:
    """A connection to the process that keeps dbt; None where there is none, or it is gone."""
    address = os.environ.get(ADDRESS)
    if not address:
        return None
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.connect(address)
    except OSError:
        return None
    return server


def _ask(server: socket.socket) -> int:
    def cancel(number: int, frame: FrameType | None) -> None:
        # dbt cancels its queries, and then ends.
        server.shutdown(socket.SHUT_WR)

    signal.signal(signal.SIGINT, cancel)
    signal.signal(signal.SIGTERM, cancel)
    asked = {"arguments": sys.argv[1:], "directory": os.getcwd(), "environment": {**os.environ}}
    message = json.dumps(asked).encode()
    outputs = [sys.stdout.fileno(), sys.stderr.fileno()]
    socket.send_fds(server, [len(message).to_bytes(4, "big")], outputs)
    server.sendall(message)
    code = server.recv(1)
    if not code:
        print("dbt's process was killed", file=sys.stderr)
        return 2
    return code[0]
