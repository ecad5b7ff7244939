"""Decides what depends on several days, after days were measured or judged again."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from driftmeter.arrival.labels_due import newest_day
from driftmeter.monitors.config import Monitor
from driftmeter.performance.decided import write_decisions
from driftmeter.performance.stored_errors import finish
from driftmeter.warehouse.turn import alone


def settle_days(engine: sa.Engine, monitor: Monitor, days: Sequence[dt.date]) -> None:
    """Decide what rests on other days too, once days are measured.

    That is which errors are alarms, beside the days before, and which days before have waited long
    enough for their labels to be final.
    """
    with engine.begin() as connection:
        # Two runs would mark the same days in another order, and wait for each other.
        alone(connection, f"settled performance {monitor.name}")
        finish(connection, monitor, newest_day(connection, monitor))
        write_decisions(connection, monitor, min(days), max(days))
