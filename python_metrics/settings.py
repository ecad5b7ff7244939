"""Where things are: the project, its scratch directory and the warehouse, from the environment."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """Driftmeter's directory for all it keeps: ``DRIFTMETER_HOME``, or ``.driftmeter/``."""
    return Path(os.environ.get("DRIFTMETER_HOME") or PROJECT_ROOT / ".driftmeter").resolve()


def external_database_url() -> str | None:
    """The user's own warehouse, ``DRIFTMETER_DATABASE_URL``; None means the embedded one."""
    return os.environ.get("DRIFTMETER_DATABASE_URL") or None


def reports_url() -> str:
    """Where reports are served, ``DRIFTMETER_REPORTS_URL``; on this machine without it."""
    return (os.environ.get("DRIFTMETER_REPORTS_URL") or "http://127.0.0.1:3002").rstrip("/")


def notify_urls() -> list[str]:
    """Whom incidents are told to, ``DRIFTMETER_NOTIFY_URLS``: Apprise's addresses, secrets."""
    return (os.environ.get("DRIFTMETER_NOTIFY_URLS") or "").replace(",", " ").split()


def reader_password() -> str | None:
    """Password of the dashboards' role, ``DRIFTMETER_READER_PASSWORD``; None leaves it as it is."""
    return os.environ.get("DRIFTMETER_READER_PASSWORD") or None
