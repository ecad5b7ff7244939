"""Serves the report files of one folder over HTTP, and nothing else of the machine."""

import ipaddress
import re
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from driftmeter import settings
from driftmeter.reports.library_file import LIBRARY
from driftmeter.reports.listening import QuietHandler, listen
from driftmeter.reports.safe_page import SERVED_POLICY

# What `file_name` and the dashboards' pages are called; no slash, no dot but the last.
PAGE = re.compile(r"[A-Za-z0-9_-]{1,200}\.html")
# A page shows rows, and stays in no cache. The library that draws it never changes.
OF_KIND = {
    PAGE: {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"},
    LIBRARY: {
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": "max-age=86400",
    },
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": SERVED_POLICY,
    "Referrer-Policy": "no-referrer",
}


def server(directory: Path, host: str, port: int) -> ThreadingHTTPServer:
    """A server of the folder's pages; the caller runs and closes it.

    Raises
    ------
    DriftmeterError
        If the address is taken, or not this user's to take.
    """

    class Handler(QuietHandler):
        def answer(self) -> None:
            if not is_own_name(self.headers.get("Host"), host):
                self.send_error(421, "the request names another server: set DRIFTMETER_REPORTS_URL")
                return
            found = served(directory, self.path)
            if found is None:
                self.send_error(404, "there is no such report")
                return
            file, headers = found
            self.send_content(200, file.read_bytes(), {**headers, **HEADERS})

    return listen(Handler, host, port)


def is_own_name(asked: str | None, listening_on: str) -> bool:
    """Whether a request's ``Host`` is a name that this server goes by.

    A foreign site whose name was pointed at this address would else have a browser read the pages
    as its own. An address of numbers is nobody's name.
    """
    try:
        name = urlsplit(f"//{asked}").hostname
    except ValueError:
        return False
    if not name:
        return False
    if name in ("localhost", listening_on, urlsplit(settings.reports_url() or "").hostname):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def served(directory: Path, path: str) -> tuple[Path, dict[str, str]] | None:
    """The file that a request's path names, with the headers of its kind.

    None unless it is a page, or the library that draws pages, right in the folder.
    """
    name = path.partition("?")[0].removeprefix("/")
    headers = next((headers for kind, headers in OF_KIND.items() if kind.fullmatch(name)), None)
    file = directory / name
    # A link could lead anywhere.
    if headers is None or not file.is_file() or file.is_symlink():
        return None
    return file, headers
