"""Small HTTP servers of Driftmeter, with a clear error if an address is taken."""

from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from driftmeter.errors import DriftmeterError


class QuietHandler(BaseHTTPRequestHandler):
    """Names no version of anything, and logs nothing."""

    server_version = "driftmeter"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with the content."""
        self.answer()

    def do_HEAD(self) -> None:
        """Answer as GET does, without the content."""
        self.answer()

    def answer(self) -> None:
        """Send what the path names, by `send_content`, or an error; a server says what it has."""
        self.send_error(404)

    def send_content(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        """Send an answer, its content only where that was asked for."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

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
