"""Evidently's page of one day, for whoever wants to see the distributions behind a score."""

import datetime as dt
from pathlib import Path

import sqlalchemy as sa

from python_metrics.drift.inference_rows import VERSION, read_rows
from python_metrics.drift.reference import load_reference
from python_metrics.errors import DriftmeterError
from python_metrics.monitors.config import Monitor


def write_report(engine: sa.Engine, monitor: Monitor, day: dt.date, directory: Path) -> Path:
    """Write ``<monitor>-<day>.html`` and give its path.

    Raises
    ------
    DriftmeterError
        If the day holds too few rows to draw.
    """
    reference = load_reference(engine, monitor)
    with engine.connect() as connection:
        current = read_rows(connection, monitor, day, day).drop(columns=VERSION)
    if len(current) < monitor.min_rows:
        raise DriftmeterError(
            f"{day} holds {len(current)} rows, fewer than {monitor.min_rows}",
            where=f"{monitor.schema_name}.{monitor.name}",
            fix="choose a day with more rows",
        )
    path = directory / f"{monitor.name}-{day}.html"
    reference.engine.save_report(current, path)
    return path
