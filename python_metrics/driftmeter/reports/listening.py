"""Small HTTP servers of Driftmeter, with a clear error if an address is taken."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from driftmeter.errors import DriftmeterError


class QuietHandler(BaseHTTPRequestHandler):
    """Names no version of anything, and logs nothing."""

    server_version = "driftmeter"
    sys_version = ""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: whoever runs it watches other lines."""


def listen(handler: type[BaseHTTPRequestHandler], host: str, port: int) -> ThreadingHTTPServer:
    """A server that the caller runs and closes.

    Raises
    ------
    DriftmeterError
        If the address is taken, or not this user's to take.
    """
    try:
        return ThreadingHTTPServer((host, port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DriftmeterError(
            f"the port is not available ({reason})",
            where=f"{host}:{port}",
            fix="stop the process that listens there, or choose another port with --port",
        ) from error
