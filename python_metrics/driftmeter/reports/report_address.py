"""The address of the reports. Each home has a port of its own, so that links stay apart."""

import contextlib
import os
from pathlib import Path

from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.ports import free_port


def reports_url() -> str:
    """Address that links to reports begin with, without a slash at its end."""
    return settings.reports_url() or f"http://127.0.0.1:{reports_port()}"


def page_link(page: Path) -> str:
    """What somebody at a terminal opens a page with.

    Where reports are served for others (``DRIFTMETER_REPORTS_URL``), this machine's files may be
    out of a reader's reach, as in a container: the address, if the page is in the served folder.
    """
    page = page.resolve()
    is_served = page.parent == (settings.home() / "reports").resolve()
    address = settings.reports_url()
    return f"{address}/{page.name}" if address and is_served else page.as_uri()


def stored_page(url: str) -> Path | None:
    """The file of a stored report on this machine, by its address; None where there is none.

    The address is of when the report was written, and nobody may be serving it.
    """
    name = url.rpartition("/")[2]
    with contextlib.suppress(DriftmeterError):
        page = settings.home() / "reports" / name
        return page if name.endswith(".html") and page.is_file() else None
    return None


def link_in_page(url: str, page: Path) -> str:
    """Link from a static page to a stored report: to its file, where that is on this machine."""
    report = stored_page(url)
    if report is None:
        return url
    # The two stay together wherever the folder is copied or served.
    is_beside = report.parent.resolve() == page.parent.resolve()
    return report.name if is_beside else page_link(report)


def reports_port() -> int:
    """Port of this home's reports: chosen once, free then, and kept, as links are stored.

    Raises
    ------
    DriftmeterError
        If the file that keeps it holds no port.
    """
    file = settings.home() / "reports_port"
    if not file.exists():
        settings.make_private(file.parent)
        new = file.with_suffix(f".{os.getpid()}")
        new.write_text(str(free_port()))
        try:
            # Of two processes that choose at once the first has chosen for both.
            os.link(new, file)
        except FileExistsError:
            pass
        finally:
            new.unlink()
    text = file.read_text().strip()
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise DriftmeterError(
            f"holds no port but {text!r}", where=str(file), fix="delete it: another is chosen"
        )
    return int(text)
