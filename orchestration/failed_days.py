"""What is kept of days that a run could not measure: why, and whether the table is another one."""

import contextlib
import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from python_metrics.arrival.changes import mark_days_failed
from python_metrics.arrival.columns import note_columns
from python_metrics.errors import DriftmeterError
from python_metrics.incidents.update import update_incidents
from python_metrics.monitors.changes import mark_column_changes
from python_metrics.monitors.config import Monitor
from python_metrics.monitors.registry import register


def tell_failed_days(
    engine: sa.Engine, monitors: Iterable[Monitor], days: Sequence[dt.date], reason: str
) -> None:
    """Record days that a step could not measure, and open the incidents that say so.

    Parameters
    ----------
    reason : str
        For people; of days that were measured before it is not recorded.
    """
    for monitor in monitors:
        mark_column_changes(engine, monitor)
        register(engine, monitor)
        with engine.begin() as connection:
            mark_days_failed(connection, monitor, days, reason)
        note_columns(engine, monitor, max(days))
        # A table that cannot be read gives no diagnosis of its other days; the run's own error is
        # what is told.
        with contextlib.suppress(DriftmeterError):
            update_incidents(engine, monitor, [])
