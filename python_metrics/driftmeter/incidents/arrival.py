"""Breaches of arrival: missing, empty and late days, unusual numbers of rows, other columns."""

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import sqlalchemy as sa

from driftmeter.alarms.day_null import DayNull, fit_day_null, judge_days
from driftmeter.alarms.day_steps import either, p_values_of_steps
from driftmeter.alarms.decision import decide_day
from driftmeter.alarms.event_days import TIMES_USUAL, EventDays
from driftmeter.alarms.growing import GrowingReference, grows
from driftmeter.alarms.told import clear_of
from driftmeter.alarms.trailing import p_value_of_news
from driftmeter.arrival.column_changes import ColumnChange, retyped_in_words
from driftmeter.arrival.due import due_days
from driftmeter.incidents.breach import Breach
from driftmeter.monitors.cadence import DAILY, Cadence
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS

# How reasons begin for which a day is stale although its rows are those that were measured.
OF_SETTINGS = ("the reference or the configuration changed", "columns changed", "time zone changed")
# A day with this much fewer or more rows than its weekday has is worth a word.
LEAST_CHANGE = 0.2
# Standard deviation to expect of the logarithm of a day's rows, where few days tell of it.
USUAL_OF_ROWS = 0.3


@dataclass(frozen=True)
class Gap:
    """Missing days up to one of them, without a day with rows between.

    Attributes
    ----------
    since : date or None
        The newest computed day with rows before them; None where there is none.
    days : int
        How many they are.
    """

    since: dt.date | None
    days: int


@dataclass(frozen=True)
class Partition:
    """One computed day; a row of ``metrics.partitions``, with the known event that it is of."""

    day: dt.date
    state: str
    reason: str | None
    row_count: int
    fingerprint: str | None
    config_hash: str | None
    gap: Gap | None = None
    event: str | None = None


def partitions(
    connection: sa.Connection, monitor: Monitor, last: dt.date = dt.date.max
) -> list[Partition]:
    """Computed days up to the last, in order."""
    query = sa.text(
        "select partition_date as day, drift_state as state, drift_reason as reason, row_count,"
        " fingerprint, config_hash"
        " from metrics.partitions where monitor = :monitor"
        " and partition_date <= :last order by 1"
    )
    rows = connection.execute(query, {"monitor": monitor.name, "last": last})
    found, since, missing = [], None, 0
    for row in rows.mappings():
        missing = missing + 1 if row["state"] == "missing" else 0 if row["row_count"] else missing
        gap = Gap(since, missing) if row["state"] == "missing" else None
        found.append(Partition(**row, gap=gap, event=monitor.event_on(row["day"])))
        since = row["day"] if row["row_count"] else since
    return found


def of_state(partition: Partition, cadence: Cadence = DAILY) -> Breach | None:
    """What the state of a day, or of a batch that is none, says by itself."""
    day, rows = cadence.named(partition.day), partition.row_count
    evidence = {"state": partition.state, "reason": partition.reason, "rows": rows}
    if partition.state == "missing":
        gap = _of_gap(partition.day, partition.gap or Gap(None, 1), cadence)
        return Breach("missing_day", gap, evidence=evidence)
    if partition.state == "empty":
        return Breach(
            "empty_day", f"{day[0].upper()}{day[1:]} came without a single row.", evidence=evidence
        )
    # Labels come late by their nature, and no row is late where somebody changed the YAML.
    reason = partition.reason or ""
    if partition.state == "stale" and "labels" not in reason and not reason.startswith(OF_SETTINGS):
        return Breach(
            "late_data",
            f"Rows of {day} changed after it was computed on {rows:,} rows:"
            f" run the {cadence.every} again.",
            evidence=evidence,
        )
    if partition.state == "failed":
        named = re.search(r"column (\S+) does not exist", partition.reason or "")
        if named:
            name = named.group(1).strip('"').split(".")[-1]
            return Breach(
                "schema_change",
                f"{name} is gone from the inference table: {day} could not be computed.",
                column_name=name,
                columns=(name,),
                evidence=evidence,
            )
    return None


NEWEST_WITH_ROWS = sa.text(
    "select max(partition_date) from metrics.partitions"
    " where monitor = :monitor and partition_date < :day and row_count > 0"
)


def days_between_batches(
    connection: sa.Connection,
    monitor: Monitor,
    reference: Collection[dt.date],
    days: Sequence[Partition],
) -> set[dt.date]:
    """Days without rows on which none are due, by known events and by the reference's rhythm."""
    between = {day.day for day in days if day.state in ("empty", "missing") and day.event}
    # One day shows no rhythm, and none shows nothing.
    if len(reference) < 2:
        return between
    for day in (partition.day for partition in days if partition.state == "empty"):
        asked = {"monitor": monitor.name, "day": day}
        newest = connection.scalar(NEWEST_WITH_ROWS, asked) or monitor.reference_span[1]
        first = min(monitor.cadence.after(newest), day)
        if day not in due_days(reference, first, day, monitor.cadence):
            between.add(day)
    return between


def _of_gap(day: dt.date, gap: Gap, cadence: Cadence) -> str:
    """What it says that no rows came on a day, and on how many before it."""
    since = f" since {cadence.named(gap.since)}" if gap.since else ""
    if gap.days == 1:
        return f"No rows have come{since}: {cadence.named(day)} is missing."
    missing = f"No rows have come{since}: {cadence.counted(gap.days)} are missing, the newest"
    return f"{missing} {f'was due on {day}' if cadence == DAILY else f'is {cadence.named(day)}'}."


def of_columns(
    changes: Sequence[ColumnChange], monitor: Monitor, is_failed: bool = False
) -> Breach | None:
    """What it says that the inference table has other columns than on the day before.

    A column of another type is no incident while it can be measured: what its values are like is
    compared as on any other day.
    """
    if not is_failed:
        changes = [change for change in changes if change.change != "retyped"]
    if not changes:
        return None
    names = tuple(change.name for change in changes)
    return Breach(
        "schema_change",
        f"The inference table changed: {'; '.join(_sentences(changes, monitor))}.",
        column_name=names[0] if len(names) == 1 else None,
        columns=names,
        evidence={
            "changes": [vars(change) for change in changes],
            "is_addition": all(change.change == "added" for change in changes),
        },
    )


def _sentences(changes: Sequence[ColumnChange], monitor: Monitor) -> list[str]:
    """A sentence a change; a column that went and one of its type that came are one."""
    gone = [change for change in changes if change.change == "removed"]
    came = [change for change in changes if change.change == "added"]
    if len(gone) == len(came) == 1 and gone[0].old_type == came[0].new_type:
        renamed = f"{gone[0].name} is called {came[0].name} now, as it seems by its type"
        return [renamed, *map(retyped_in_words, _of(changes, "retyped"))]
    watched = {*monitor.table_columns, *monitor.probability_columns, *monitor.segments}
    return [
        *(
            f"{change.name} is gone{', and it is monitored' if change.name in watched else ''}"
            for change in gone
        ),
        *map(retyped_in_words, _of(changes, "retyped")),
        *(
            f"{change.name} came ({change.new_type})"
            f"{'' if change.name in watched else ', and nobody monitors it'}"
            for change in came
        ),
    ]


def _of(changes: Sequence[ColumnChange], kind: str) -> list[ColumnChange]:
    return [change for change in changes if change.change == kind]


def of_volume(
    reference: Mapping[dt.date, float],
    days: Sequence[Partition],
    monitor: Monitor,
    excluded: Collection[dt.date] = (),
) -> dict[dt.date, Breach]:
    """Days with far more or fewer rows than such weekdays have in the reference, and lately.

    Where the reference grows, its days are those before each day that had as many rows as usual.

    Parameters
    ----------
    reference : mapping of date to float
        Rows of each declared reference day.
    days : sequence of Partition
        In order, with those before that a day is compared with.
    excluded : collection of date
        Days that no trailing baseline may hold.
    """
    if not grows(monitor):
        return _beside_reference(reference, days, monitor, excluded)[0]
    counts = {**reference, **{day.day: float(day.row_count) for day in days if _has_rows(day)}}
    excluded = {*excluded, *(day for day in counts if monitor.event_on(day))}
    growing = GrowingReference(monitor, reference, excluded)
    waiting = [day.day for day in days if _has_rows(day) and day.day > monitor.reference.to_date]
    breaches: dict[dt.date, Breach] = {}
    for alike, chosen in growing.in_turn(waiting):
        usual = {day: counts[day] for day in chosen if day in counts}
        until = [day for day in days if day.day <= alike[-1]]
        found, away = _beside_reference(usual, until, monitor, excluded)
        breaches |= {day: found[day] for day in alike if day in found}
        growing.away |= {day: day in away for day in alike}
    return breaches


def _has_rows(day: Partition) -> bool:
    return day.state in ("fresh", "stale") and day.row_count > 0


def _beside_reference(
    reference: Mapping[dt.date, float],
    days: Sequence[Partition],
    monitor: Monitor,
    excluded: Collection[dt.date],
) -> tuple[dict[dt.date, Breach], set[dt.date]]:
    """Breaches by day, and days that differ from the reference, whether that is new or not.

    Counts are compared by their logarithm, whose variance is a day's own plus one over the rows
    (Poisson); weekdays count where the reference shows them. Where days go on from each other, the
    reference tells little of how far they may be from its mean, and much of how far from the days
    just before: both are asked.
    """
    cadence = monitor.cadence
    judged = [day for day in days if _has_rows(day)]
    calm = {day: rows for day, rows in reference.items() if not monitor.event_on(day)}
    if len(calm) < LEAST_DAYS or not judged:
        return {}, set()
    null = _null_of_rows(calm, cadence)
    # The reference's own days come before: the first judged day has them for its baseline.
    counts = {**reference, **{day.day: float(day.row_count) for day in judged}}
    every = cadence.batches(min(counts), max(counts))
    rows = np.array([counts.get(day, 0.0) for day in every])
    weekdays = np.array([cadence.level(day) for day in every])
    logs = np.where(rows > 0, np.log(np.maximum(rows, 1.0)), np.nan)
    against = judge_days(null, logs, rows, weekdays)
    named = EventDays.among(monitor, every)
    is_excluded = np.array([day in excluded for day in every]) | named.is_event
    # What a person says of an incident changes no p-value: only known events have no step.
    of_steps = p_values_of_steps(
        np.where(named.is_event, np.nan, logs - against.expected),
        rows,
        np.array([day in calm for day in every]),
    )
    against.p_value[:] = either(against.p_value, of_steps)
    for event in sorted({event for event in named.names if event}):
        of_event = [event == name for name in named.names]
        own = judge_days(_null_of_event(null, reference, monitor, event), logs, rows, weekdays)
        for mine, its in zip(vars(against).values(), vars(own).values(), strict=True):
            mine[of_event] = its[of_event]
    difference, clear = logs - against.expected, clear_of(cadence)
    news = p_value_of_news(difference, against.deviation, is_excluded, clear=clear)
    p_value, new_p, expected = (
        dict(zip(every, each, strict=True))
        for each in (against.p_value, np.fmax(against.p_value, news), np.exp(against.expected))
    )
    breaches, away, family = {}, set(), np.array(["volume"])
    for day in judged:
        usual = float(expected[day.day])
        change = day.row_count / usual - 1
        differs, is_new = (
            decide_day(monitor, family, np.array([p[day.day]]), "volume").is_significant[0]
            for p in (p_value, new_p)
        )
        if not differs or abs(change) < LEAST_CHANGE:
            continue
        away.add(day.day)
        if not is_new:
            continue
        even = f", unusual even for a known event ({day.event})" if day.event else ""
        like = cadence.on_usual(day.day, of_month=cadence.tells_months(reference))
        breaches[day.day] = Breach(
            "volume",
            f"{day.row_count:,} rows came, {abs(change):.0%} {'more' if change > 0 else 'fewer'}"
            f" than {like} of the reference (about {usual:,.0f}){even}.",
            evidence={
                "rows": day.row_count,
                "expected": usual,
                "p_value": float(p_value[day.day]),
                "direction": 1 if change > 0 else -1,
            },
        )
    return breaches, away


def _null_of_rows(reference: Mapping[dt.date, float], cadence: Cadence) -> DayNull:
    rows = np.array([[count] for count in reference.values()])
    weekdays = np.array([cadence.level(day) for day in reference])
    prior = np.array([USUAL_OF_ROWS**2])
    return fit_day_null(
        np.log(rows), rows, np.ones(1), weekdays, prior=prior, levels=cadence.levels
    )


def _null_of_event(
    null: DayNull, reference: Mapping[dt.date, float], monitor: Monitor, event: str
) -> DayNull:
    """The null of the rows of a known event's days, as the reference has seen them, or wider."""
    seen = {day: rows for day, rows in reference.items() if monitor.event_on(day) == event}
    if len(seen) >= LEAST_DAYS:
        return _null_of_rows(seen, monitor.cadence)
    return replace(null, day_variance=null.day_variance + (TIMES_USUAL * USUAL_OF_ROWS) ** 2)
