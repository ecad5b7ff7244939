"""Missing days: rows were due on them and none came."""

import datetime as dt
import itertools
from collections.abc import Collection, Iterable

import sqlalchemy as sa

from driftmeter.arrival.contents import day_contents
from driftmeter.arrival.due import due_days, newest_due_day
from driftmeter.arrival.reference_counts import reference_counts
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.hour import day_of

FRESHNESS = sa.text(
    "select is_live, newest_day, computed_at from metrics.freshness where monitor = :monitor"
)
MEASURED = sa.text(
    "select partition_date as day, row_count > 0 as has_rows from metrics.partitions"
    " where monitor = :monitor and partition_date > :after order by 1"
)


def overdue_days(
    connection: sa.Connection, monitor: Monitor, now: dt.datetime | None = None
) -> set[dt.date]:
    """Days on which rows are due by now and of which none have been measured, of a live monitor.

    They are days after the reference, no older than `watch_days` before the newest measured day
    with rows. Whether the table has rows of them by now is not looked at.

    Parameters
    ----------
    now : datetime with a zone, optional
        A day is overdue once it has ended in the monitor's time zone by then, and its grace too.
    """
    reference = list(reference_counts(connection, monitor))
    if not _is_live(connection, monitor, reference):
        return set()
    after = {"monitor": monitor.name, "after": monitor.reference_span[1]}
    came = {row.day for row in connection.execute(MEASURED, after) if row.has_rows}
    if not came:
        return set()
    cadence = monitor.cadence
    oldest = day_of(max(came)) - dt.timedelta(days=monitor.watch_days)
    last = newest_due_day(monitor.zone, now or dt.datetime.now(dt.timezone.utc), cadence)
    # A gap may begin right after the reference.
    watched = sorted(day for day in (*came, *reference) if oldest <= day)
    gaps = itertools.pairwise([*watched, cadence.after(max(last, watched[-1]))])
    return {
        day
        for before, after_gap in gaps
        for day in due_days(reference, cadence.after(before), cadence.after(after_gap, -1), cadence)
        if day not in monitor.reference
    }


def _is_live(connection: sa.Connection, monitor: Monitor, reference: Collection[dt.date]) -> bool:
    """Whether a monitor's newest day was new when it was computed, or only one batch overdue then.

    That a table of old rows has no newer ones is nobody's failure.
    """
    newest = connection.execute(FRESHNESS, {"monitor": monitor.name}).first()
    if newest is None or newest.newest_day is None:
        return False
    cadence = monitor.cadence
    last = newest_due_day(monitor.zone, newest.computed_at, cadence)
    following = cadence.after(newest.newest_day)
    return newest.is_live or len(due_days(reference, following, last, cadence)) == 1


def missing_days(
    connection: sa.Connection, monitor: Monitor, now: dt.datetime | None = None
) -> list[dt.date]:
    """Overdue days that are to be measured as missing: the table has no rows of them.

    Raises
    ------
    DriftmeterError
        If the table does not exist.
    """
    days = overdue_days(connection, monitor, now)
    after = {"monitor": monitor.name, "after": monitor.reference_span[1]}
    days -= {row.day for row in connection.execute(MEASURED, after)}
    if not days:
        return []
    contents = day_contents(connection, monitor, min(days), max(days))
    return sorted(days - contents.keys())


def idle_days(connection: sa.Connection, monitor: Monitor, days: Iterable[dt.date]) -> set[dt.date]:
    """Days between these on which no rows are due and none were measured.

    The days from one weekly batch to the next are: a run over several batches takes them along.
    """
    wanted, cadence = sorted(set(days)), monitor.cadence
    reference = list(reference_counts(connection, monitor))
    after = {"monitor": monitor.name, "after": dt.date.min}
    came = {row.day for row in connection.execute(MEASURED, after) if row.has_rows}
    idle: set[dt.date] = set()
    for before, following in itertools.pairwise(wanted):
        between = (cadence.after(before), cadence.after(following, -1))
        gap = set(cadence.batches(*between))
        # Days right after a batch: the longest step without rows is counted from it.
        if gap and not gap & came and not due_days(reference, *between, cadence):
            idle |= gap
    return idle
