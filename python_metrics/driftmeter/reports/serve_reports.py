"""Serves the report files of one folder over HTTP, and nothing else of the machine."""

import ipaddress
import re
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from driftmeter import settings
from driftmeter.reports.listening import QuietHandler, listen
from driftmeter.reports.safe_page import SERVED_POLICY

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": SERVED_POLICY,
    "Referrer-Policy": "no-referrer",
}
# What `file_name` and the dashboards' pages are called; no slash, no dot but the last.
NAME = re.compile(r"/([A-Za-z0-9_-]{1,200}\.html)")


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
            file = page(directory, self.path)
            if file is None:
                self.send_error(404, "there is no such report")
                return
            self.send_content(200, file.read_bytes(), HEADERS)

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


def page(directory: Path, path: str) -> Path | None:
    """The file that a request's path names; None unless it is a page right in the folder."""
    named = NAME.fullmatch(path.partition("?")[0])
    if named is None:
        return None
    file = directory / named.group(1)
    # A link could lead anywhere.
    return file if file.is_file() and not file.is_symlink() else None
