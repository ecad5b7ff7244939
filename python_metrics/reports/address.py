"""Where reports are served: a port of each home's own, lest a second clone's links lead here."""

import os

from python_metrics import settings
from python_metrics.errors import DriftmeterError
from python_metrics.warehouse.ports import free_port


def reports_url() -> str:
    """Address that links to reports begin with, without a slash at its end."""
    return settings.reports_url() or f"http://127.0.0.1:{reports_port()}"


def reports_port() -> int:
    """Port of this home's reports: chosen once, free then, and kept, as links are stored.

    Raises
    ------
    DriftmeterError
        If the file that keeps it holds no port.
    """
    file = settings.home() / "reports_port"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
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
