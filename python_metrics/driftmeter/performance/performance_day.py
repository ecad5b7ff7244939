"""Measures the performance of a monitor's days, and keeps what it was before."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from driftmeter.arrival.contents import day_content
from driftmeter.arrival.inference_rows import VERSION, fingerprint, read_rows
from driftmeter.arrival.inputs import Step, note_inputs
from driftmeter.arrival.labels_due import has_waited, newest_day
from driftmeter.monitors.config import Monitor
from driftmeter.performance.daily_error import (
    CAPPED_ERROR,
    DayError,
    ErrorNull,
    UsualErrors,
    daily_errors,
    judge_errors,
    usual_errors,
)
from driftmeter.performance.decided import EXCESS, LOSS
from driftmeter.performance.estimator import ALL_ROWS, Estimate, Estimator, SegmentOfRows
from driftmeter.performance.intervals import MOST_ROWS, Interval, exact_intervals, to_digits
from driftmeter.performance.measured import PerformanceRow
from driftmeter.performance.outcomes import COUNTS, METRICS, in_range
from driftmeter.performance.realised import realised
from driftmeter.performance.row_value import (
    ROW_VALUE,
    VALUE,
    daily_values,
    usual_values,
    worth_in_sql,
)
from driftmeter.performance.sample import Sample, rows_in, sample_of
from driftmeter.performance.stored_errors import (
    FINAL_COVERAGE,
    ReferenceDayError,
    replace_day,
    replace_reference_errors,
)
from driftmeter.performance.version_comparison import compare_day
from driftmeter.warehouse.turn import alone

# A normal's 95%.
NINETY_FIVE = 1.96
# Rows of the reference that estimates are learned from, in all.
REFERENCE_ROWS = 60_000


@dataclass(frozen=True)
class ErrorBackground:
    """What a monitor's days are held against: its reference's metrics, and what learned from it.

    Attributes
    ----------
    usual : mapping of (part, metric) to float
        Realised on the whole reference.
    estimator : Estimator or None
        None where the reference has no label.
    errors : UsualErrors or None
        Mean losses of the reference's days; None without a label.
    values : ErrorNull or None
        What a row of the reference's days is worth; None where that is not declared.
    """

    monitor: Monitor
    usual: Mapping[tuple[SegmentOfRows, str], float]
    estimator: Estimator | None
    errors: UsualErrors | None = None
    values: ErrorNull | None = None


# Of each monitor the background that was fitted last in this process, and what it rests on: days
# that are replayed one by one have the same.
_fitted: dict[str, tuple[tuple[str, ...], ErrorBackground]] = {}


def load_background(engine: sa.Engine, monitor: Monitor) -> ErrorBackground:
    """Measure a monitor's reference, and fit its estimates on it; once a process and reference."""
    span = (monitor.reference.from_date, monitor.reference.to_date)
    with engine.connect() as connection:
        _, content = fingerprint(connection, monitor, *span)
    rests_on = (str(engine.url), monitor.model_dump_json(), content)
    if monitor.name not in _fitted or _fitted[monitor.name][0] != rests_on:
        _fitted[monitor.name] = rests_on, _fit(engine, monitor)
    return _fitted[monitor.name][1]


def _fit(engine: sa.Engine, monitor: Monitor) -> ErrorBackground:
    span = monitor.reference.from_date, monitor.reference.to_date
    days = monitor.reference_batches
    with engine.connect() as connection:
        whole = realised(connection, monitor, days, as_one=True)
        usual = {
            (_part(row), metric): value
            for row in whole.itertuples()
            for metric in METRICS[monitor.task]
            if (value := to_digits(getattr(row, metric))) is not None
        }
        if not usual:
            return ErrorBackground(monitor, usual, None)
        most = max(REFERENCE_ROWS // len(days), monitor.min_rows)
        errors = usual_errors(connection, monitor)
        values, of_rows = usual_values(monitor, daily_values(connection, monitor, *span))
        usual |= {(part, VALUE): value for part, value in of_rows.items()}
        is_learned = bool(of_rows) and monitor.value is not None and monitor.value.sql is not None
        beside = {ROW_VALUE: worth_in_sql(monitor)} if is_learned else None
        frames = [
            read_rows(connection, monitor, [day], most_rows=most, beside=beside).drop(
                columns=VERSION
            )
            for day in days
        ]
    estimator = Estimator(monitor, frames, [monitor.cadence.level(day) for day in days])
    with engine.begin() as connection:
        replace_reference_errors(connection, monitor, _reference_errors(days, estimator, errors))
    return ErrorBackground(monitor, usual, estimator, errors, values)


def _reference_errors(
    days: Sequence[dt.date], estimator: Estimator, errors: UsualErrors | None
) -> Iterator[ReferenceDayError]:
    """The reference's own days, which the first judged ones are held against too."""
    for test in estimator.reference_tests:
        metric = EXCESS if test.kind == "realised" else LOSS[estimator.task]
        yield ReferenceDayError(
            days[test.place], test.kind, metric, test.difference, test.deviation
        )
    for day, error in errors.days.items() if errors else ():
        difference = error.value - error.expected
        yield ReferenceDayError(day, "realised", CAPPED_ERROR, difference, error.deviation)


def measure_day(
    engine: sa.Engine,
    background: ErrorBackground,
    day: dt.date,
    config_hash: str,
    to_follow: Sequence[Step] = (),
) -> list[PerformanceRow]:
    """Measure a day and replace its rows; what they were before stays in the history.

    Rests on no other day, so that days may be measured side by side; `settle_days` follows. A value
    is ``final`` once nearly all labels have come, or `label_delay_days` have passed by the
    newest day that was computed.

    Parameters
    ----------
    to_follow : sequence of str
        Steps that this run takes the day through afterwards: it is stale until they are done.
    """
    monitor = background.monitor
    with engine.begin() as connection:
        alone(connection, f"performance {monitor.name} {day}")
        content = day_content(connection, monitor, day)
        is_late = has_waited(monitor, day, newest_day(connection, monitor))
        rows = realised(connection, monitor, [day], known_rows=content.rows)
        frame = read_rows(connection, monitor, [day], most_rows=MOST_ROWS, known_rows=content.rows)
        measured = [
            *_realised(background, day, rows, sample_of(monitor, day, frame), config_hash, is_late),
            *_estimated(background, day, frame, rows, config_hash, is_late),
            *_values(connection, background, day, config_hash, is_late),
            *_error_of_day(connection, background, day, rows, config_hash, is_late),
        ]
        if monitor.challengers:
            others = realised(connection, monitor, [day], challengers=True, known_rows=content.rows)
            measured += _realised(background, day, others, None, config_hash, is_late)
            compare_day(connection, monitor, day)
        replace_day(connection, monitor, day, measured)
        inputs = {day: content.fingerprint}
        note_inputs(connection, monitor.name, "performance", inputs, to_follow)
    return measured


def _realised(
    background: ErrorBackground,
    day: dt.date,
    rows: pd.DataFrame,
    sample: Sample | None,
    config_hash: str,
    is_late: bool,
) -> Iterator[PerformanceRow]:
    """Of each version and part; without a sample of the rows, without bootstrapped intervals."""
    monitor = background.monitor
    for row in rows.itertuples():
        part = _part(row)
        if part[0] is not None and row.rows < monitor.min_rows:
            continue
        version = row.model_version if isinstance(row.model_version, str) else None
        coverage = row.labelled / row.rows
        key = _key(monitor, day, version, part, coverage, is_late, config_hash)
        intervals = _intervals(monitor, row, sample, version, part)
        for metric in METRICS[monitor.task]:
            value = float(getattr(row, metric)) if row.labelled else np.nan
            lower, upper = in_range(metric, *intervals.get(metric, (np.nan, np.nan)))
            yield PerformanceRow(
                **key,
                metric=metric,
                value=to_digits(value),
                lower=to_digits(lower),
                upper=to_digits(upper),
                reference_value=background.usual.get((part, metric)),
                row_count=int(row.labelled),
            )


def _estimated(
    background: ErrorBackground,
    day: dt.date,
    frame: pd.DataFrame,
    rows: pd.DataFrame,
    config_hash: str,
    is_late: bool,
) -> Iterator[PerformanceRow]:
    monitor = background.monitor
    # The frame may be a sample: what all rows together are worth is of all of them.
    counts = {(row.model_version, *_part(row)): int(row.rows) for row in rows.itertuples()}
    if background.estimator is None:
        return
    for version in sorted(frame[VERSION].dropna().unique()):
        of_version = frame[frame[VERSION] == version]
        expected = background.estimator.expect(of_version.drop(columns=VERSION))
        estimated = background.estimator.estimate(expected, monitor.cadence.level(day))
        for part, estimates in estimated.items():
            row_count = int(rows_in(monitor, of_version, str(version), part).sum())
            for estimate in estimates:
                usual = background.usual.get((part, estimate.metric))
                if estimate.metric == VALUE:
                    total = counts.get((version, *part), row_count)
                    estimate, usual = _times(estimate, total), usual and usual * total
                yield PerformanceRow(
                    monitor=monitor.name,
                    model_version=str(version),
                    partition_date=day,
                    segment=part[0],
                    segment_value=part[1],
                    metric=estimate.metric,
                    kind="estimated",
                    value=to_digits(estimate.value),
                    lower=to_digits(estimate.lower),
                    upper=to_digits(estimate.upper),
                    label_coverage=None,
                    # No label changes it.
                    state="final",
                    reference_value=to_digits(usual),
                    row_count=row_count,
                    config_hash=config_hash,
                    expected=to_digits(estimate.expected),
                    deviation=to_digits(estimate.deviation),
                    p_value=to_digits(estimate.p_value),
                )
        surprise = background.estimator.surprise(expected, monitor.cadence.level(day))
        if surprise is not None:
            coverage = surprise.rows / len(of_version)
            key = _key(monitor, day, str(version), ALL_ROWS, coverage, is_late, config_hash)
            test = surprise.excess, 0.0, surprise.deviation, surprise.p_value, surprise.rows
            yield _test(key, EXCESS, DayError(*test))


def _times(estimate: Estimate, rows: int) -> Estimate:
    """Of so many rows what is estimated of one."""
    bounds = (bound and bound * rows for bound in (estimate.lower, estimate.upper))
    lower, upper = bounds
    return replace(estimate, value=estimate.value * rows, lower=lower, upper=upper)


def _values(
    connection: sa.Connection,
    background: ErrorBackground,
    day: dt.date,
    config_hash: str,
    is_late: bool,
) -> Iterator[PerformanceRow]:
    """What the labelled rows of each version and part are worth together."""
    monitor, null = background.monitor, background.values
    sums = daily_values(connection, monitor, day, day)
    if sums is None:
        return
    for row in sums.itertuples():
        part = _part(row)
        if not row.labelled or (part[0] is not None and row.rows < monitor.min_rows):
            continue
        version = row.model_version if isinstance(row.model_version, str) else None
        total, usual = row.mean * row.labelled, background.usual.get((part, VALUE))
        # The sampling noise of so many rows; of a single one nothing is known.
        reach = NINETY_FIVE * np.sqrt(max(row.square - row.mean**2, 0.0) * row.labelled)
        of_day = pd.DataFrame([{"day": day, "rows": row.labelled, "mean": row.mean}])
        calm = judge_errors(null, of_day).get(day) if part == ALL_ROWS else None
        key = _key(monitor, day, version, part, row.labelled / row.rows, is_late, config_hash)
        yield PerformanceRow(
            **key,
            metric=VALUE,
            value=to_digits(total),
            lower=to_digits(total - reach) if row.labelled > 1 else None,
            upper=to_digits(total + reach) if row.labelled > 1 else None,
            reference_value=to_digits(usual and usual * row.labelled),
            row_count=int(row.labelled),
            expected=to_digits(calm.expected * row.labelled) if calm else None,
            deviation=to_digits(calm.deviation * row.labelled) if calm else None,
        )


def _error_of_day(
    connection: sa.Connection,
    background: ErrorBackground,
    day: dt.date,
    rows: pd.DataFrame,
    config_hash: str,
    is_late: bool,
) -> Iterator[PerformanceRow]:
    """The day's mean loss over all its versions, held against the reference's days."""
    errors, monitor = background.errors, background.monitor
    if errors is None:
        return
    days = daily_errors(connection, monitor, day, day, errors.cap)
    whole = rows[rows["segment"].isna()]
    for error in judge_errors(errors.null, days).values():
        version = max(map(str, whole["model_version"].dropna()), default=None)
        coverage = error.labelled / max(int(whole["rows"].sum()), error.labelled)
        key = _key(monitor, day, version, ALL_ROWS, coverage, is_late, config_hash)
        yield _test(key, CAPPED_ERROR, error)


def _key(
    monitor: Monitor,
    day: dt.date,
    version: str | None,
    part: SegmentOfRows,
    coverage: float,
    is_late: bool,
    config_hash: str,
) -> dict[str, Any]:
    """What all realised metrics of a version and part have in common."""
    return {
        "monitor": monitor.name,
        "model_version": version,
        "partition_date": day,
        "segment": part[0],
        "segment_value": part[1],
        "kind": "realised",
        "label_coverage": coverage,
        "state": "final" if is_late or coverage >= FINAL_COVERAGE else "provisional",
        "config_hash": config_hash,
    }


def _test(key: dict[str, Any], metric: str, error: DayError) -> PerformanceRow:
    """A metric that is a test of the day's error."""
    return PerformanceRow(
        **key,
        metric=metric,
        value=to_digits(error.value),
        lower=None,
        upper=None,
        reference_value=to_digits(error.expected),
        row_count=error.labelled,
        expected=to_digits(error.expected),
        deviation=to_digits(error.deviation),
        p_value=to_digits(error.p_value),
    )


def _intervals(
    monitor: Monitor, row: object, sample: Sample | None, version: str | None, part: SegmentOfRows
) -> dict[str, Interval]:
    """Of one row of `realised`."""
    labelled = row.labelled  # type: ignore[attr-defined]
    reach = sample.intervals(version, part, labelled) if sample else {}
    measured = {
        metric: (getattr(row, metric) + below, getattr(row, metric) + above)
        for metric, (below, above) in reach.items()
    }
    if monitor.task == "classification":
        measured |= exact_intervals({name: getattr(row, name) for name in COUNTS})
    return measured


def _part(row: object) -> SegmentOfRows:
    segment, value = row.segment, row.segment_value  # type: ignore[attr-defined]
    return (segment, value) if isinstance(segment, str) else (None, None)
