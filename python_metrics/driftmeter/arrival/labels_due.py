"""When the labels of a day are due: the one clock for everything that waits for labels.

A day is as old as the newest day that was computed lets it be, so that a replayed history waits for
its labels as days that come one by one do.
"""

import datetime as dt

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor

NEWEST = sa.text("select max(partition_date) from metrics.partitions where monitor = :monitor")


def newest_day(connection: sa.Connection, monitor: Monitor) -> dt.date | None:
    """The newest day that was computed: by it one tells how long labels have had."""
    newest: dt.date | None = connection.scalar(NEWEST, {"monitor": monitor.name})
    return newest


def has_waited(monitor: Monitor, day: dt.date, newest: dt.date | None) -> bool:
    """Whether a day has waited for its labels as long as the monitor says; a day at least."""
    return newest is not None and day <= last_waited(monitor, newest)


def last_due(connection: sa.Connection, monitor: Monitor) -> dt.date:
    """The last day whose labels are due: the target of later days is not judged.

    Without a delay that is every day: labels come with their rows.
    """
    if monitor.target is None or not monitor.label_delay_days:
        return dt.date.max
    newest = newest_day(connection, monitor)
    return last_due_by(monitor, newest) if newest else dt.date.min


def last_due_by(monitor: Monitor, newest: dt.date) -> dt.date:
    """The last day whose labels are due when this one is the newest."""
    return _since(monitor, newest, monitor.label_delay_days)


def last_waited(monitor: Monitor, newest: dt.date) -> dt.date:
    """The last day that has waited for its labels as long as the monitor says; a day at least."""
    return _since(monitor, newest, max(monitor.label_delay_days, 1))


def _since(monitor: Monitor, newest: dt.date, days: int) -> dt.date:
    """The last batch that had ended so many days before the newest one did."""
    if monitor.cadence.is_hourly:
        return monitor.cadence.after(newest, -24 * days)
    ended = monitor.cadence.last_day(newest) - dt.timedelta(days=days - 1)
    return monitor.cadence.ended_before(ended)
