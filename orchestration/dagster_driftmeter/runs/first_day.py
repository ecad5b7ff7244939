"""The first measured day, in a file, because Dagster's definitions load without a warehouse."""

import datetime as dt
from pathlib import Path

import sqlalchemy as sa

from driftmeter import settings


def note_first_day(engine: sa.Engine) -> None:
    """Note the first measured day of the warehouse, for the partitions of Dagster's assets.

    Days before the reference period are measured when somebody asks for them, and where the
    reference period was moved: they are partitions too.
    """
    with engine.connect() as session:
        first = session.scalar(sa.text("select min(partition_date) from metrics.partitions"))
    _file().write_text(first.isoformat() if first else "")


def first_measured_day() -> dt.date | None:
    """The day that was noted last; None of a warehouse without a measured day."""
    noted = _file().read_text().strip() if _file().exists() else ""
    return dt.date.fromisoformat(noted) if noted else None


def _file() -> Path:
    return settings.home() / "first_day"
