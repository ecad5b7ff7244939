"""Compares the inference table with what was measured; days that changed become stale."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.arrival.column_changes import lost_columns
from driftmeter.arrival.contents import DayContent, day_contents
from driftmeter.monitors.cadence import Every
from driftmeter.monitors.config import Days, Monitor
from driftmeter.monitors.days import every_day
from driftmeter.monitors.hour import day_of

# States that say what the day held: a stale day is known to have changed, a failed one holds none.
MEASURED = ("fresh", "empty", "missing")
PARTITIONS = sa.text(
    "select partition_date as day, drift_state as state, row_count, fingerprint, labelled_count,"
    " inputs_fingerprint, rows_dropped_at is not null as is_final,"
    # Measured before a column went that the table still lacks: then only counts are comparable.
    " computed_at < (select coalesce((select timestamptz 'infinity' from metrics.inference_columns"
    " where monitor = :monitor and column_name = any(:lost) limit 1), max(noted_at))"
    " from metrics.column_changes where monitor = :monitor and change = 'removed'"
    " and column_name = any(:lost)) as had_more_columns, :target = any(:lost) as lost_target"
    " from metrics.partitions where monitor = :monitor"
    " and partition_date between :first and :last"
)
MEASURED_SPAN = sa.text(
    "select min(partition_date) filter (where rows_dropped_at is null) as oldest,"
    " max(partition_date) as newest from metrics.partitions where monitor = :monitor"
)
MARK = sa.text(
    "update metrics.partitions set drift_state = 'stale', drift_reason = :reason"
    " where monitor = :monitor and partition_date = :day and drift_state = any(:states)"
    " and rows_dropped_at is null"
    # Measured again since it was looked at: then it is this one's to say no more.
    " and fingerprint is not distinct from :fingerprint"
)
MARK_DAYS = sa.text(
    "update metrics.partitions set drift_state = 'stale', drift_reason = :reason"
    " where monitor = any(:monitors) and partition_date = any(:days)"
    " and drift_state = any(:states)"
    # Of a day whose rows were dropped for their age there is nothing to measure again.
    " and rows_dropped_at is null returning partition_date"
)
FAIL = sa.text(
    "insert into metrics.partitions (monitor, partition_date, state, drift_state, drift_reason,"
    " row_count, config_hash, duration_seconds, computed_at) values (:monitor, :day, 'failed',"
    " 'failed', :reason, 0, :config, 0, now()) on conflict (monitor, partition_start) do update"
    " set drift_reason = excluded.drift_reason, computed_at = excluded.computed_at"
    " where partitions.drift_state = 'failed'"
)
# A day whose run goes on is stale too, until its last step: it is nobody's to run again meanwhile.
STALE = sa.text(
    "select days.partition_date, greatest(days.computed_at, notes.newest)::text as measured_at"
    " from metrics.partitions as days left join lateral (select max(measured_at) as newest"
    " from metrics.measured_inputs as inputs where inputs.monitor = days.monitor"
    " and inputs.partition_date = days.partition_date) as notes on true"
    " where days.monitor = :monitor and days.state = 'stale' and (days.drift_state = 'stale'"
    " or coalesce(notes.newest, '-infinity') <= now() - cast(:rest as interval)) order by 1"
)


@dataclass(frozen=True)
class DayChange:
    """A day whose rows are not those that were measured.

    Attributes
    ----------
    reason : str
        What changed, for people: ``3 rows came late``.
    fingerprint : str or None
        Of the rows that were measured.
    """

    day: dt.date
    reason: str
    fingerprint: str | None


@dataclass(frozen=True)
class Arrivals:
    """What came into one inference table since it was measured.

    Attributes
    ----------
    new : tuple of date
        Days with rows that nobody measured, after the reference and ended in the monitor's zone.
    changed : tuple of DayChange
    unended : dict of date to int
        Rows by now of days that have not ended in the monitor's zone; nobody measures them yet.
    """

    new: tuple[dt.date, ...]
    changed: tuple[DayChange, ...]
    unended: dict[dt.date, int]


def watched_spans(
    connection: sa.Connection,
    monitor: Monitor,
    now: dt.datetime | None = None,
    watch_days: int | None = None,
    *,
    looks_back: bool = False,
) -> list[Days]:
    """Days that are compared with what was measured of them, the newest span first.

    The last `watch_days` before the newest that was measured, and all after it. Whoever looks
    back also takes one of the months before: another each day, so that all have their turn.

    Parameters
    ----------
    now : datetime with a zone, optional
        A day of the table is looked at once it has ended in the monitor's time zone by then.
    watch_days : int, optional
        In place of the monitor's own.
    """
    there = (now or dt.datetime.now(dt.timezone.utc)).astimezone(monitor.zone)
    measured = connection.execute(MEASURED_SPAN, {"monitor": monitor.name}).one()
    # The reference is held by its own hash; days before it are nobody's to measure.
    cadence = monitor.cadence
    first = cadence.after(monitor.reference_batches[-1])
    if measured.newest is not None:
        watched = monitor.watch_days if watch_days is None else watch_days
        first = max(first, cadence.start(day_of(measured.newest) - dt.timedelta(days=watched)))
    last = cadence.ended_by(there)
    spans = [Days(**{"from": first, "to": last})] if first <= last else []
    if looks_back and measured.oldest is not None and measured.oldest < first:
        before = day_of(first) - dt.timedelta(days=1)
        spans.append(_month_in_turn(day_of(measured.oldest), before, there.date()))
    return spans


def _month_in_turn(oldest: dt.date, newest: dt.date, today: dt.date) -> Days:
    """The month of a span whose turn it is: on days in a row, and on one day a week, all come."""
    months = sorted({day.replace(day=1) for day in every_day(oldest, newest)})
    number = today.toordinal()
    month = months[(number + number // len(months)) % len(months)]
    next_month = (month + dt.timedelta(days=31)).replace(day=1)
    last = min(next_month - dt.timedelta(days=1), newest)
    return Days(**{"from": max(month, oldest), "to": last})


def arrivals(
    connection: sa.Connection,
    monitor: Monitor,
    now: dt.datetime | None = None,
    watch_days: int | None = None,
    *,
    looks_back: bool = False,
) -> Arrivals:
    """Compare each day of `watched_spans` with what was measured of it, one aggregate a span."""
    lost = list(lost_columns(connection, monitor))
    content: dict[dt.date, DayContent] = {}
    measured: dict[dt.date, sa.Row[tuple[object, ...]]] = {}
    spans = watched_spans(connection, monitor, now, watch_days, looks_back=looks_back)
    for number, span in enumerate(spans):
        # The day that goes on is read with the newest: rows of it are no rows that are overlooked.
        last = monitor.cadence.last(span.to_date)
        last = monitor.cadence.after(last) if number == 0 else last
        begun = monitor.cadence.bounds(span.from_date, span.to_date)
        content |= day_contents(connection, monitor, span.from_date, last)
        asked = {
            "monitor": monitor.name,
            "lost": lost,
            "target": monitor.target or "",
            "first": begun[0],
            "last": begun[1],
        }
        measured |= {row.day: row for row in connection.execute(PARTITIONS, asked)}
    ended = {day for span in spans for day in monitor.cadence.batches(span.from_date, span.to_date)}
    unended = {day: found.rows for day, found in content.items() if day not in ended}
    changed = []
    for day, row in sorted(measured.items()):
        is_watched = row.state in MEASURED and not row.is_final
        reason = _reason(row, content.get(day), monitor.every) if is_watched else None
        if reason:
            changed.append(DayChange(day, reason, row.fingerprint))
    new = sorted(set(content) - set(measured) - set(unended))
    return Arrivals(tuple(new), tuple(changed), unended)


def _reason(
    measured: sa.Row[tuple[object, ...]], now: DayContent | None, every: Every
) -> str | None:
    """What changed of a measured day; None where nothing did."""
    rows = now.rows if now else 0
    if rows > measured.row_count:
        return f"{_rows(rows - measured.row_count)} came late, after the {every} was measured"
    if rows < measured.row_count:
        return f"{_rows(measured.row_count - rows)} vanished after the {every} was measured"
    if now is None or now.fingerprint == measured.fingerprint:
        return None
    landed = now.labelled - (measured.labelled_count or 0)
    # Of a target that the table lost, labels are no count to compare either.
    if measured.had_more_columns and (landed == 0 or measured.lost_target):
        return None
    if measured.had_more_columns or now.inputs_fingerprint == measured.inputs_fingerprint:
        return (
            f"{landed:,} labels came after the {every} was measured"
            if landed > 0
            else f"labels changed after the {every} was measured"
        )
    return f"rows changed after the {every} was measured"


def _rows(count: int) -> str:
    return f"{count:,} row{'s' if count > 1 else ''}"


def mark_changed(
    engine: sa.Engine,
    monitor: Monitor,
    watch_days: int | None = None,
    *,
    looks_back: bool = False,
) -> Arrivals:
    """Make exactly the days that changed stale, each with its reason.

    Parameters are those of `watched_spans`.
    """
    with engine.begin() as connection:
        arrived = arrivals(connection, monitor, watch_days=watch_days, looks_back=looks_back)
        for change in arrived.changed:
            connection.execute(
                MARK,
                {
                    "monitor": monitor.name,
                    "day": change.day,
                    "reason": change.reason,
                    "fingerprint": change.fingerprint,
                    "states": list(MEASURED),
                },
            )
    return arrived


def mark_days_stale(
    connection: sa.Connection,
    monitors: Iterable[str],
    days: Sequence[dt.date],
    reason: str,
    states: Sequence[str] = (*MEASURED, "failed"),
) -> list[dt.date]:
    """Make days of some monitors stale whose rows are to be made anew from changed inputs.

    For what feeds an inference table and knows of a change before the table does.
    """
    marked = connection.scalars(
        MARK_DAYS,
        {
            "monitors": list(monitors),
            "days": list(days),
            "reason": reason,
            "states": list(states),
        },
    )
    return sorted(set(marked))


def mark_days_failed(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date], reason: str
) -> None:
    """Say of days that were never measured why they could not be; those of the reference are none.

    A day that was measured keeps what it has: of rows that changed since it is stale anyway.
    """
    wanted = [day for day in days if day not in monitor.reference]
    values = {"monitor": monitor.name, "reason": reason[:500], "config": monitor.config_hash}
    if wanted:
        connection.execute(FAIL, [{**values, "day": day} for day in wanted])


def stale_days(
    engine: sa.Engine, monitor: str, rest: dt.timedelta = dt.timedelta(0)
) -> dict[dt.date, str]:
    """Days to measure again, and when something of them was measured last.

    They changed since they were measured, or a run ended before all steps had measured them.

    Parameters
    ----------
    rest : timedelta
        So long nothing was measured of a day that waits for steps: before that its run may go on.
    """
    with engine.connect() as connection:
        rows = connection.execute(STALE, {"monitor": monitor, "rest": rest})
        return {row.partition_date: row.measured_at for row in rows}
