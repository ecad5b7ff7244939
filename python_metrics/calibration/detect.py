"""Judges days of a monitor by its calibration, and replaces their verdicts in `metrics.drift`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlalchemy as sa

from python_metrics.calibration.area import Area
from python_metrics.calibration.calibrate import calibrate
from python_metrics.calibration.column import LAG, TRAILING, judge_column
from python_metrics.calibration.histograms import load_counts
from python_metrics.calibration.verdicts import METHOD, Verdict, verdicts_of_day
from python_metrics.drift.partition import CLASSIFIER
from python_metrics.monitors.config import Monitor
from python_metrics.warehouse.copy import copy_in

# Earlier days that a verdict rests on: the trailing baseline, and what it leaves out.
HISTORY = dt.timedelta(days=TRAILING + LAG)


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
    first, last = min(days), max(days)
    with engine.begin() as connection:
        # One at a time: a verdict reads days that another run may be writing.
        connection.execute(
            sa.text("select pg_advisory_xact_lock(hashtext(:key))"), {"key": monitor.name}
        )
        known = _computed_days(connection, monitor, first, last + HISTORY)
        judged = sorted({*days, *(day for day in known if first <= day)})
        counts = load_counts(connection, monitor, first - HISTORY, judged[-1])
        versions = _versions(connection, monitor, judged)
        excluded = _excluded(connection, monitor, first - HISTORY, judged[-1])
        areas = _areas(connection, monitor, judged)
        evidence = {
            part: judge_column(column, counts[part], excluded)
            for part, column in calibration.columns.items()
            if part in counts
        }
        found = {}
        for day in judged:
            place = (day - (first - HISTORY)).days
            rows = {part: each.only(np.array([place])) for part, each in counts.items()}
            known_rows = {part: float(each.known.sum()) for part, each in rows.items()}
            found[day] = list(
                verdicts_of_day(
                    monitor,
                    calibration,
                    evidence,
                    known_rows,
                    place,
                    day,
                    versions.get(day),
                    areas.get(day),
                )
            )
        _replace(connection, monitor, found)
    return {day: found[day] for day in days}


def _computed_days(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> list[dt.date]:
    query = sa.text(
        "select partition_date from metrics.partitions"
        " where monitor = :monitor and partition_date between :first and :last"
        " and state <> 'stale' order by 1"
    )
    span = {"monitor": monitor.name, "first": first, "last": last}
    return list(connection.execute(query, span).scalars())


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


def _excluded(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> npt.NDArray[np.bool_]:
    """Days of acknowledged or excluded incidents, which no trailing baseline may hold."""
    query = sa.text(
        "select opened_on, coalesce(closed_on, last_seen_on) as ended from metrics.incidents"
        " where monitor = :monitor and (excluded_from_baseline or acknowledged_by is not null)"
    )
    excluded = np.zeros((last - first).days + 1, dtype=bool)
    for opened, ended in connection.execute(query, {"monitor": monitor.name}):
        excluded[max((opened - first).days, 0) : max((ended - first).days + 1, 0)] = True
    return excluded


def _areas(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]
) -> dict[dt.date, Area]:
    """What the domain classifier scored on each day."""
    query = sa.text(
        "select distinct on (partition_date) partition_date, score, n_reference, n_current"
        " from metrics.drift where monitor = :monitor and method = :method and score is not null"
        " and partition_date = any(:days) order by partition_date, model_version desc"
    )
    of = {"monitor": monitor.name, "method": CLASSIFIER, "days": list(days)}
    return {
        row.partition_date: Area(row.score, row.n_reference, row.n_current)
        for row in connection.execute(query, of)
    }


def _replace(
    connection: sa.Connection, monitor: Monitor, found: Mapping[dt.date, Sequence[Verdict]]
) -> None:
    connection.execute(
        sa.text(
            "delete from metrics.drift where monitor = :monitor and partition_date = any(:days)"
            " and (method = :columns or (method = :classifier and score is not null and"
            " partition_date = any(:classified)))"
        ),
        {
            "monitor": monitor.name,
            "days": list(found),
            "columns": METHOD,
            "classifier": CLASSIFIER,
            "classified": [
                day for day, rows in found.items() if any(row.method == CLASSIFIER for row in rows)
            ],
        },
    )
    rows = [vars(verdict) for verdicts in found.values() for verdict in verdicts]
    if rows:
        copy_in(connection, "metrics.drift", pa.Table.from_pylist(rows))
