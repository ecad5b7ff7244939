"""TCP ports on 127.0.0.1."""

import random
import socket

from driftmeter.errors import DriftmeterError

# Below the ports that outgoing connections use (from 32768 on Linux), so that a stopped
# warehouse's port is not lent to one of them and its address stays.
RANGE = range(20_000, 32_000)


def free_port() -> int:
    """A port that nobody listens on, another each time."""
    for port in random.sample(RANGE, 200):
        if is_free(port):
            return port
    raise DriftmeterError(
        f"no port of {RANGE.start} to {RANGE.stop} is free on 127.0.0.1",
        fix="stop a process that listens there, or set DRIFTMETER_DATABASE_URL to your own "
        "Postgres",
    )


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as listener:
        # Else a port whose last connections are only closing would count as taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
