"""The baselines that a batch can be compared with: reference, trailing, or same weekday."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.hour import day_of

# Days of an accepted normal, from its first on: it grows to these, and stays.
ACCEPTED = 28


def accepted_batches(cadence: Cadence) -> int:
    """Batches of an accepted normal: `ACCEPTED`, of hours those of as many days."""
    return ACCEPTED * 24 if cadence.is_hourly else ACCEPTED


Baseline = Literal["reference", "trailing", "weekday"]
BASELINES: tuple[Baseline, ...] = get_args(Baseline)
# Days of the trailing baseline, and those nearest to the judged day that it leaves out: a slow
# fault must not become its own baseline.
TRAILING = 28
LAG = 7
# Weeks of the same weekday.
WEEKS = 8
KINDS = {"reference": "fixed", "trailing": "trailing", "weekday": "weekday"}
PUT = sa.text(
    "insert into metrics.baselines"
    " (monitor, baseline, kind, from_date, to_date, row_count, content_hash)"
    " values (:monitor, :baseline, :kind, :first, :last, :rows, :hash)"
    " on conflict (monitor, baseline) do update set from_date = excluded.from_date,"
    " to_date = excluded.to_date, row_count = excluded.row_count,"
    " content_hash = excluded.content_hash, computed_at = now()"
    " where case when excluded.kind = 'fixed' then"
    " (baselines.from_date, baselines.to_date, baselines.content_hash)"
    " is distinct from (excluded.from_date, excluded.to_date, excluded.content_hash)"
    " else baselines.to_date <= excluded.to_date end"
)


def baseline_days(
    connection: sa.Connection, monitor: Monitor, baseline: Baseline, day: dt.date
) -> list[dt.date]:
    """Days that a day is compared with, in order.

    Trailing and same-weekday baselines leave out days that are not fresh, those of known events,
    and those inside an incident that is acknowledged or excluded.

    Raises
    ------
    DriftmeterError
        If there are none.
    """
    span, cadence = monitor.reference, monitor.cadence
    if baseline == "reference":
        return monitor.reference_batches
    if baseline == "trailing":
        last = cadence.after(day, -LAG)
        wanted = cadence.batches(cadence.after(last, 1 - TRAILING), last)
    else:
        # Of hours the same hour of the days before.
        alike = {"hour": 24, "day": 7}.get(monitor.every, 1)
        wanted = [cadence.after(day, -alike * week) for week in range(WEEKS, 0, -1)]
    usable = _computed(connection, monitor, wanted) | {day for day in wanted if day in span}
    days = [day for day in wanted if day in usable]
    days = sorted(set(days) - excluded_days(connection, monitor, days))
    if not days:
        raise DriftmeterError(
            f"no day before {day} can be its {baseline} baseline",
            where="--against",
            fix="measure the days before it, or compare with `reference`",
        )
    return days


@dataclass(frozen=True)
class AcceptedNormal:
    """A column's normal that somebody accepted, or declared, in place of the reference's.

    Attributes
    ----------
    from_date : date
        The first day that is normal.
    in_force_on : date
        The first day that is compared with it. Verdicts of earlier days stay as they are.
    what : str, optional
        What changed, by the monitor's YAML; None of what somebody accepted.
    """

    column: str
    from_date: dt.date
    in_force_on: dt.date
    what: str | None = None

    def days(self, judged: dt.date, cadence: Cadence) -> list[dt.date]:
        """Days that a judged day is held against, all of them before it."""
        first = cadence.start(self.from_date) if cadence.is_hourly else self.from_date
        last = min(cadence.after(first, accepted_batches(cadence)), judged)
        if cadence.is_hourly:
            return cadence.batches(first, cadence.after(last, -1))
        return cadence.batches(first, last - dt.timedelta(days=1))


def accepted_normals(connection: sa.Connection, monitor: Monitor) -> list[AcceptedNormal]:
    """Every normal that was accepted or declared for a column of the monitor, in order."""
    query = sa.text(
        "select column_name, from_date, in_force_on from metrics.accepted_normals"
        " where monitor = :monitor order by in_force_on, column_name"
    )
    rows = connection.execute(query, {"monitor": monitor.name})
    normals = [AcceptedNormal(*row) for row in rows if row.column_name in monitor.columns]
    normals += [
        AcceptedNormal(name, change.on, change.on, change.what)
        for change in monitor.changes
        for name in change.columns
        # All days of the reference are since an older change.
        if change.on > monitor.reference.from_date
    ]
    return sorted(normals, key=lambda normal: (normal.in_force_on, normal.column))


def normals_in_force(normals: Sequence[AcceptedNormal], day: dt.date) -> dict[str, AcceptedNormal]:
    """The newest accepted normal of each column on a day."""
    return {normal.column: normal for normal in normals if normal.in_force_on <= day}


def excluded_days(
    connection: sa.Connection,
    monitor: Monitor,
    days: Sequence[dt.date],
    since: dt.date = dt.date.min,
) -> set[dt.date]:
    """Those of the days that no baseline may hold.

    They are those of known events, and those inside an acknowledged or excluded incident.

    Parameters
    ----------
    since : date
        Only incidents that opened from this day on.
    """
    query = sa.text(
        "select opened_on, coalesce(closed_on, last_seen_on) as ended from metrics.incidents"
        " where monitor = :monitor and (excluded_from_baseline or acknowledged_by is not null)"
        " and opened_on >= :since"
    )
    since, _ = monitor.cadence.bounds(since, since)
    spans = connection.execute(query, {"monitor": monitor.name, "since": since}).all()
    return {
        day
        for day in days
        if monitor.event_on(day) or any(opened <= day <= ended for opened, ended in spans)
    }


def record(
    connection: sa.Connection, monitor: Monitor, baseline: Baseline, days: Sequence[dt.date]
) -> None:
    """Put a baseline on record: which days, how many rows, which content."""
    query = sa.text(
        "select coalesce(sum(row_count), 0), coalesce(string_agg(fingerprint, ','"
        " order by partition_date), '') from metrics.partitions"
        " where monitor = :monitor and partition_date = any(:days)"
    )
    rows, prints = connection.execute(query, {"monitor": monitor.name, "days": list(days)}).one()
    content_hash = hashlib.sha256(prints.encode()).hexdigest()[:16]
    put(connection, monitor, baseline, (days[0], days[-1]), rows, content_hash)


def put(
    connection: sa.Connection,
    monitor: Monitor,
    baseline: Baseline,
    span: tuple[dt.date, dt.date],
    rows: int,
    content_hash: str,
) -> None:
    """Put a baseline on record: a fixed one that is another now, or one of no older days."""
    connection.execute(
        PUT,
        {
            "monitor": monitor.name,
            "baseline": baseline,
            "kind": KINDS[baseline],
            "first": day_of(span[0]),
            "last": day_of(span[1]),
            "rows": rows,
            "hash": content_hash,
        },
    )


def _computed(connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]) -> set[dt.date]:
    query = sa.text(
        "select partition_date from metrics.partitions where monitor = :monitor"
        " and partition_date = any(:days) and drift_state = 'fresh'"
    )
    return set(connection.scalars(query, {"monitor": monitor.name, "days": list(days)}))
