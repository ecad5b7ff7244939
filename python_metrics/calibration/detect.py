"""Judges days of a monitor by its calibration, and replaces their verdicts in `metrics.drift`."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from python_metrics.calibration.cache import Calibration
from python_metrics.calibration.calibrate import calibrate
from python_metrics.calibration.column import LAG, TRAILING, ColumnEvidence, judge_column
from python_metrics.calibration.decision import (
    TRAILING_LEVEL,
    Policy,
    as_deviations,
    decide,
    matters,
    shares_of,
)
from python_metrics.calibration.histograms import Part, load_counts
from python_metrics.monitors.config import Monitor

METHOD = "day_level"
CLASSIFIER = "domain_classifier"
ENGINE = "driftmeter day-level null"
# Earlier days that a verdict rests on: the trailing baseline, and what it leaves out.
HISTORY = dt.timedelta(days=TRAILING + LAG)


@dataclass(frozen=True)
class Verdict:
    """One hypothesis on one day: a row of ``metrics.drift``."""

    monitor: str
    model_version: str | None
    partition_date: dt.date
    segment: str | None
    segment_value: str | None
    column_name: str | None
    baseline: str
    method: str
    score: float | None
    threshold: float | None
    p_value: float | None
    q_value: float | None
    effect: float | None
    is_drifted: bool | None
    n_reference: int
    n_current: int
    status: str
    reason: str | None
    engine: str
    statistic: str | None
    unit: str | None
    observed: float | None
    expected: float | None
    trailing_p_value: float | None
    is_slow: bool | None


def policy_of(monitor: Monitor) -> Policy:
    """What the monitor's YAML asks of its alarms."""
    return Policy(
        false_alarms_per_month=monitor.alarm_budget.false_alarms_per_month,
        least_shift=monitor.least_effect.shift,
        least_share=monitor.least_effect.share,
    )


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
                _verdicts(monitor, calibration, evidence, known_rows, place, day, versions.get(day))
            )
        _replace(connection, monitor, found)
    return {day: found[day] for day in days}


def _verdicts(
    monitor: Monitor,
    calibration: Calibration,
    evidence: Mapping[Part, ColumnEvidence],
    known_rows: Mapping[Part, float],
    place: int,
    day: dt.date,
    version: str | None,
) -> Iterator[Verdict]:
    """Rows of one day: every column over all rows, and every segment that could be judged."""
    policy = policy_of(monitor)
    judged, left_out = [], []
    for name in monitor.columns:
        part = Part(None, None, name)
        reason = _reason(monitor, calibration, known_rows, part)
        if reason is None:
            judged.append(part)
        else:
            left_out.append((part, reason))
    judged += [
        part
        for part in calibration.columns
        if not part.is_all_rows and _reason(monitor, calibration, known_rows, part) is None
    ]
    key: dict[str, Any] = {
        "monitor": monitor.name,
        "model_version": version,
        "partition_date": day,
        "baseline": "reference",
        "method": METHOD,
        "engine": ENGINE,
    }
    for part, reason in left_out:
        yield Verdict(
            **key,
            **_part(part, calibration, known_rows),
            **NOTHING,
            status="skipped",
            reason=reason,
        )
    if not judged:
        return
    columns = [evidence[part] for part in judged]
    take = _taker(columns, place)
    statistic = np.array([each.statistic[place] for each in columns])
    p_value, effect, trailing = take("p_value"), take("effect"), take("trailing_p_value")
    groups = np.array(["rows" if part.is_all_rows else "segments" for part in judged])
    verdicts = decide(p_value, shares_of(groups), policy.level)
    is_plain = verdicts.is_significant & matters(statistic, effect, policy)
    # Against the days just before, a slow season is nothing new; without such days all is new.
    is_new = ~(trailing > TRAILING_LEVEL)
    score, threshold = as_deviations(p_value), as_deviations(verdicts.threshold_p)
    for i, part in enumerate(judged):
        scale = calibration.columns[part].scale
        unit, factor = _unit(monitor, part, str(statistic[i]), scale.spread_in_unit)
        yield Verdict(
            **key,
            **_part(part, calibration, known_rows),
            score=_number(score[i]),
            threshold=_number(threshold[i]),
            p_value=_number(p_value[i]),
            q_value=_number(verdicts.q_value[i]),
            effect=_number(effect[i] * factor),
            is_drifted=bool(is_plain[i] and is_new[i]),
            status="ok",
            reason=None,
            statistic=_named(str(statistic[i])),
            unit=unit,
            observed=_number(columns[i].observed[place]),
            expected=_number(columns[i].expected[place]),
            trailing_p_value=_number(trailing[i]),
            is_slow=bool(is_plain[i] and not is_new[i]),
        )


# Of a column that was not judged.
NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "score", "threshold", "p_value", "q_value", "effect", "is_drifted", "statistic", "unit",
        "observed", "expected", "trailing_p_value", "is_slow",
    )
)  # fmt: skip


def _reason(
    monitor: Monitor, calibration: Calibration, known_rows: Mapping[Part, float], part: Part
) -> str | None:
    """Why a column or segment cannot be judged on a day, or None where it can."""
    if calibration.too_short:
        return calibration.too_short
    if part not in calibration.columns:
        return "the reference has too few values of it"
    rows = known_rows.get(part, 0.0)
    if rows < monitor.min_rows and not _all_missing(known_rows, part):
        return f"{rows:.0f} known values; {monitor.min_rows} are needed"
    return None


def _all_missing(known_rows: Mapping[Part, float], part: Part) -> bool:
    """Whether the day has rows and this column has no value in them: the plainest drift."""
    return part.is_all_rows and known_rows.get(part) == 0.0 and max(known_rows.values()) > 0


def _part(part: Part, calibration: Calibration, known_rows: Mapping[Part, float]) -> dict[str, Any]:
    return {
        "segment": part.segment,
        "segment_value": part.segment_value,
        "column_name": part.column,
        "n_reference": int(calibration.reference_rows.get(part, 0)),
        "n_current": int(known_rows.get(part, 0)),
    }


def _unit(monitor: Monitor, part: Part, statistic: str, spread: float) -> tuple[str, float]:
    """Unit of an effect, and what turns the statistic's difference into it."""
    if statistic == "location":
        unit = monitor.columns[part.column].unit
        # A column that is mostly one value has no spread to speak of.
        return (unit or "units", spread) if spread > 0 else ("standard deviations", 1.0)
    return ("standard deviations", 1.0) if statistic == "spread" else ("share", 1.0)


def _named(statistic: str) -> str:
    """A statistic as people know it; groups of values are counted from the reference's bins."""
    return "values" if statistic.startswith("value") else statistic


def _taker(columns: Sequence[ColumnEvidence], place: int) -> Any:
    def take(name: str) -> npt.NDArray[np.float64]:
        return np.array([getattr(each, name)[place] for each in columns], dtype=float)

    return take


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


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


def _replace(
    connection: sa.Connection, monitor: Monitor, found: Mapping[dt.date, Sequence[Verdict]]
) -> None:
    connection.execute(
        sa.text(
            "delete from metrics.drift where monitor = :monitor and method = :method"
            " and partition_date = any(:days)"
        ),
        {"monitor": monitor.name, "method": METHOD, "days": list(found)},
    )
    import pyarrow as pa

    from python_metrics.warehouse.copy import copy_in

    rows = [vars(verdict) for verdicts in found.values() for verdict in verdicts]
    if rows:
        copy_in(connection, "metrics.drift", pa.Table.from_pylist(rows))
