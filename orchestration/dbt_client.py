"""`driftmeter-dbt`: dbt, without the seconds that it takes to start.

Hands its arguments, environment and output to the process of `orchestration.dbt_server` where one
is named, and is dbt itself where none is. Imports nothing that takes time.
"""

import json
import os
import signal
import socket
import sys
from types import FrameType

ADDRESS = "DRIFTMETER_DBT_SERVER"


def main() -> None:
    """Run dbt with this process's arguments; exits as dbt does."""
    server = _server()
    if server is not None:
        raise SystemExit(_ask(server))
    dbt = os.path.join(os.path.dirname(sys.executable), "dbt")
    os.execv(dbt, [dbt, *sys.argv[1:]])


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
