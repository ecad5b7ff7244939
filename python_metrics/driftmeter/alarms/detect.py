"""Judges days of a monitor by its calibration, and replaces their verdicts in `metrics.drift`."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from driftmeter.alarms.accepted import Accepted
from driftmeter.alarms.area import Area, beside_days_before
from driftmeter.alarms.calibrate import Calibration, calibrate, calibrate_on
from driftmeter.alarms.column import judge_columns
from driftmeter.alarms.event_days import EventDays
from driftmeter.alarms.growing import GrowingReference, grows, stored_days
from driftmeter.alarms.trailing import HISTORY
from driftmeter.alarms.verdicts import TO_COME, Verdict, verdicts_of_day
from driftmeter.arrival.column_changes import lost_columns
from driftmeter.arrival.labels_due import last_due
from driftmeter.arrival.reference_counts import reference_counts
from driftmeter.drift.stored_scores import CLASSIFIER, DAY_LEVEL, replace_verdicts
from driftmeter.errors import DriftmeterError
from driftmeter.monitors import baselines
from driftmeter.monitors.config import Monitor
from driftmeter.quality.histograms import load_counts
from driftmeter.warehouse.turn import alone


def detect(
    engine: sa.Engine,
    monitor: Monitor,
    config_hash: str,
    days: Sequence[dt.date],
    cache: Path | None = None,
) -> dict[dt.date, list[Verdict]]:
    """Judge days, and those after them whose verdicts rest on them; replaces their rows.

    Verdicts depend on the days before, so that computing days in any order ends in the same rows.

    Returns
    -------
    dict of date to list of Verdict
        Of the days that were asked for.
    """
    calibration = calibrate(engine, monitor, config_hash, cache)
    with engine.begin() as connection:
        # One at a time: a verdict reads days that another run may be writing.
        alone(connection, monitor.name)
        last = _last_that_rests_on(connection, monitor, days)
        first = min([*days, *_labels_that_fell_due(connection, monitor)])
        later = computed_days(connection, monitor, first, last)
        verdicts = judge_all(connection, monitor, calibration, sorted({*days, *later}))
        rows = {
            day: [vars(verdict) for verdict in day_verdicts]
            for day, day_verdicts in verdicts.items()
        }
        replace_verdicts(connection, monitor.name, rows)
        _record_baselines(connection, monitor, max(days))
    return {day: verdicts[day] for day in days}


FELL_DUE = sa.text(
    "select min(partition_date) from metrics.drift where monitor = :monitor"
    " and method = :method and column_name = :target and segment is null"
    " and status = 'skipped' and reason like :reason and partition_date <= :due"
)


def _labels_that_fell_due(connection: sa.Connection, monitor: Monitor) -> list[dt.date]:
    """The first day whose target was not judged for labels to come, and is to be judged now."""
    asked = {
        "monitor": monitor.name,
        "method": DAY_LEVEL,
        "target": monitor.target,
        "reason": f"{TO_COME}%",
        "due": last_due(connection, monitor),
    }
    day: dt.date | None = connection.scalar(FELL_DUE, asked)
    return [day] if day else []


def _last_that_rests_on(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]
) -> dt.date:
    """The last day whose verdict may rest on these: for good where an accepted normal has one."""
    if grows(monitor):
        return dt.date.max
    normals = baselines.accepted_normals(connection, monitor)
    if {*days} & {day for normal in normals for day in normal.days(dt.date.max, monitor.cadence)}:
        return dt.date.max
    return monitor.cadence.after(max(days), HISTORY)


def judge_all(
    connection: sa.Connection, monitor: Monitor, calibration: Calibration, days: Sequence[dt.date]
) -> dict[dt.date, list[Verdict]]:
    """Verdicts on days that are in order, each by the reference of its own; writes nothing.

    Parameters
    ----------
    calibration : Calibration
        On the declared reference days.
    """
    if not grows(monitor):
        return judge(connection, monitor, calibration, days)
    reference = _growing(connection, monitor)
    verdicts, known = dict[dt.date, list[Verdict]](), None
    for alike, chosen in reference.in_turn(days):
        if chosen != known:
            calibration = calibrate_on(
                connection, monitor, calibration.classifier, chosen, alike[0]
            )
            known = chosen
        found = judge(connection, monitor, calibration, alike)
        for day in alike:
            if day in reference.away:
                reference.away[day] = any(one.is_drifted or one.is_slow for one in found[day])
        verdicts |= found
    return verdicts


def newest_calibration(
    connection: sa.Connection, monitor: Monitor, calibration: Calibration
) -> Calibration:
    """What the day after the newest one would be judged by.

    Parameters
    ----------
    calibration : Calibration
        On the declared reference days.
    """
    reference = _growing(connection, monitor)
    if not grows(monitor) or not reference.away:
        return calibration
    tomorrow = monitor.cadence.after(max(reference.away))
    chosen = reference.days(tomorrow)
    return calibrate_on(connection, monitor, calibration.classifier, chosen, tomorrow)


def _growing(connection: sa.Connection, monitor: Monitor) -> GrowingReference:
    """The reference of a monitor's days, by what is stored of them."""
    declared, stored = reference_counts(connection, monitor), stored_days(connection, monitor)
    excluded = baselines.excluded_days(connection, monitor, [*declared, *stored])
    return GrowingReference(monitor, declared, excluded, stored)


def judge(
    connection: sa.Connection, monitor: Monitor, calibration: Calibration, days: Sequence[dt.date]
) -> dict[dt.date, list[Verdict]]:
    """Verdicts on days that are in order, from stored histograms; writes nothing."""
    cadence = monitor.cadence
    first, last = cadence.after(days[0], -HISTORY), days[-1]
    counts = load_counts(connection, monitor, first, last)
    versions = _versions(connection, monitor, days)
    calendar = cadence.batches(first, last)
    excluded = baselines.excluded_days(connection, monitor, calendar)
    is_excluded = np.array([day in excluded for day in calendar])
    scored = _areas(connection, monitor, calendar)
    areas = beside_days_before(calibration.classifier, scored, excluded, cadence)
    named = EventDays.among(monitor, calendar)
    evidence = judge_columns(calibration.columns, named.without(counts), is_excluded)
    evidence = {
        part: named.judged(
            each, part, calibration.columns[part], counts[part], is_excluded, calibration.events
        )
        for part, each in evidence.items()
    }
    known = {part: part_counts.known.sum(axis=1) for part, part_counts in counts.items()}
    accepted = Accepted(connection, monitor, counts, first, last, named)
    due, lost = last_due(connection, monitor), lost_columns(connection, monitor)
    verdicts = {}
    for day in days:
        place = cadence.between(first, day)
        today = accepted.on(day, calibration, evidence)
        verdicts[day] = list(
            verdicts_of_day(
                monitor,
                today.calibration,
                today.evidence,
                {part: float(rows[place]) for part, rows in known.items()},
                place,
                day,
                versions.get(day),
                areas.get(day),
                today.unready,
                due,
                lost,
                named.names[place],
            )
        )
    return verdicts


def judge_stored(
    engine: sa.Engine, monitor: Monitor, first: dt.date, last: dt.date, cache: Path | None = None
) -> dict[dt.date, list[Verdict]]:
    """What the monitor's policy alarms on days that were computed before; writes nothing.

    The monitor's alarm budget and least effects may be other than those that were in force.

    Raises
    ------
    DriftmeterError
        If no day of the span was computed.
    """
    with engine.begin() as connection:
        days = computed_days(connection, monitor, first, last)
        config_hash = measured_config(connection, monitor, days)
    if config_hash is None:
        raise DriftmeterError(
            f"no day from {first} to {last} has been measured for {monitor.name}",
            where="--from, --to",
            fix="measure them first with `driftmeter run`",
        )
    calibration = calibrate(engine, monitor, config_hash, cache)
    with engine.begin() as connection:
        return judge_all(connection, monitor, calibration, days)


def _record_baselines(connection: sa.Connection, monitor: Monitor, newest: dt.date) -> None:
    """Put the newest trailing and same-weekday baselines on record, where there are such days."""
    for baseline in ("trailing", "weekday"):
        try:
            days = baselines.baseline_days(connection, monitor, baseline, newest)
        except DriftmeterError:
            continue
        baselines.record(connection, monitor, baseline, days)


def computed_days(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> list[dt.date]:
    """Days of a span whose results are not stale, in order."""
    query = sa.text(
        "select partition_date from metrics.partitions"
        " where monitor = :monitor and partition_date between :first and :last"
        " and drift_state <> 'stale' order by 1"
    )
    first, last = monitor.cadence.bounds(first, last)
    span = {"monitor": monitor.name, "first": first, "last": last}
    return list(connection.execute(query, span).scalars())


def measured_config(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]
) -> str | None:
    """Hash of the configuration and reference by which these days were measured; None of no day.

    The newest fresh day's: one that failed, or never came, was not held against either.
    """
    query = sa.text(
        "select config_hash from metrics.partitions where monitor = :monitor"
        " and partition_date = any(:days) order by drift_state = 'fresh' desc, partition_date desc"
        " limit 1"
    )
    config_hash: str | None = connection.scalar(
        query, {"monitor": monitor.name, "days": list(days)}
    )
    return config_hash


def _versions(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]
) -> dict[dt.date, str | None]:
    """The version that predicted each day; the last by name where there are two."""
    query = sa.text(
        "select partition_date, max(model_version) as version from metrics.column_profile"
        " where monitor = :monitor and metric = 'row_count' and segment is null"
        " and partition_date = any(:days) group by 1"
    )
    rows = connection.execute(query, {"monitor": monitor.name, "days": list(days)})
    return {row.partition_date: row.version for row in rows}


def _areas(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]
) -> dict[dt.date, Area]:
    """What the domain classifier scored on each day."""
    query = sa.text(
        "select distinct on (partition_date) partition_date, score, n_reference, n_current"
        " from metrics.drift where monitor = :monitor and method = :method and score is not null"
        " and partition_date = any(:days) order by partition_date, model_version desc"
    )
    classified = {"monitor": monitor.name, "method": CLASSIFIER, "days": list(days)}
    return {
        row.partition_date: Area(row.score, row.n_reference, row.n_current)
        for row in connection.execute(query, classified)
    }
