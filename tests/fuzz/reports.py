"""Requests to the server of reports, byte for byte: it gives its own pages and nothing else."""

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import strategies as st

from driftmeter.reports.serve_reports import server
from tests.fuzz.target import Target

SECRET = b"nobody may read this"
PAGE = b"<p>a page</p>"
PARTS = st.sampled_from(
    [
        "..", ".", "/", "//", "\\", "%2e%2e", "%2f", "%5c", "%00", "\0", "?", "#", "day.html",
        "secret", "secret.html", "link.html", "inner", "etc/passwd", ".html", "http://127.0.0.1",
        "é", "%ff", " ", "\t", ";", "&", "a" * 300,
    ]
)  # fmt: skip
PATHS = st.just("day.html") | st.lists(PARTS | st.text(max_size=5), max_size=8).map("".join)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "get", "TRACE", ""])
HEADERS = st.lists(
    # The server answers to its own names alone.
    st.just(("Host", "localhost"))
    | st.tuples(st.sampled_from(["Host", "Range", "Content-Length", "X"]), st.text(max_size=8)),
    max_size=3,
)


def _request(method: str, path: str, version: str, headers: list[tuple[str, str]]) -> bytes:
    lines = [f"{method} /{path} {version}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


REQUESTS = st.builds(
    _request,
    METHODS,
    PATHS,
    st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "X", ""]),
    HEADERS,
) | st.binary(max_size=200)


@contextlib.contextmanager
def opened() -> Iterator[Callable[[bytes], str]]:
    with tempfile.TemporaryDirectory(prefix="driftmeter-fuzz-") as root:
        folder = Path(root) / "reports"
        (folder / "inner").mkdir(parents=True)
        (folder / "day.html").write_bytes(PAGE)
        (folder / "secret").write_bytes(SECRET)
        (folder / "inner" / "secret.html").write_bytes(SECRET)
        (Path(root) / "secret.html").write_bytes(SECRET)
        (folder / "link.html").symlink_to(Path(root) / "secret.html")
        faults: list[object] = []
        running = server(folder, "127.0.0.1", 0)
        running.handle_error = lambda request, client: faults.append(client)  # type: ignore[method-assign]
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()

        def attempt(request: bytes) -> str:
            answer = ask(running.server_port, request)
            assert not faults, "the server's handler raised"
            assert SECRET not in answer
            head = answer.split(b"\r\n", 1)[0]
            is_head = request.startswith(b"HEAD") and head.endswith(b" 200 OK")
            if PAGE in answer or is_head:
                return "loaded"
            # Nothing, where the request was nothing; else a refusal with its code.
            refused = (b"HTTP/1.0 4", b"HTTP/1.0 5")
            assert not answer or b"Error response" in answer or head.startswith(refused), head
            return "rejected"

        try:
            yield attempt
        finally:
            running.shutdown()
            running.server_close()
            thread.join()


def ask(port: int, request: bytes) -> bytes:
    """All that the server answers."""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                answer += part
    return answer


TARGET = Target("reports", REQUESTS, opened)
