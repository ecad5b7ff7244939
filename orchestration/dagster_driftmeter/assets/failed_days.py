"""Stores why a run could not measure days, and whether their table was replaced."""

import contextlib
import datetime as dt
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from driftmeter.arrival.changed_days import mark_days_failed
from driftmeter.arrival.column_changes import note_columns
from driftmeter.errors import DriftmeterError
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.changed_settings import mark_setting_changes
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.registry import register
from driftmeter.warehouse.connection import of_monitor


def tell_failed_days(
    engine: sa.Engine, monitors: Iterable[Monitor], days: Sequence[dt.date], reason: str
) -> None:
    """Record days that a step could not measure, and open the incidents that say so.

    Parameters
    ----------
    reason : str
        For people; of days that were measured before it is not recorded.
    """
    whole = engine
    for monitor in monitors:
        engine = of_monitor(whole, monitor)
        mark_setting_changes(engine, monitor)
        register(engine, monitor)
        with engine.begin() as connection:
            mark_days_failed(connection, monitor, days, reason)
        note_columns(engine, monitor, max(days))
        # A table that cannot be read gives no diagnosis of its other days; the run's own error is
        # what is told.
        with contextlib.suppress(DriftmeterError):
            update_incidents(engine, monitor, [])
