"""Measures the performance of a monitor's days, and keeps what it was before."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import sqlalchemy as sa

from driftmeter.arrival.contents import day_content
from driftmeter.arrival.inference_rows import VERSION, fingerprint, read_rows
from driftmeter.arrival.inputs import Step, note_inputs
from driftmeter.arrival.labels_due import has_waited, newest_day
from driftmeter.monitors.config import Monitor
from driftmeter.performance.class_metrics import exact_of_classes
from driftmeter.performance.class_probabilities import classes_of, probabilities_in_sql
from driftmeter.performance.daily_error import (
    CAPPED_ERROR,
    DayError,
    ErrorNull,
    ReferenceDayError,
    UsualErrors,
    daily_errors,
    judge_errors,
    usual_errors,
)
from driftmeter.performance.decided import EXCESS
from driftmeter.performance.estimator import ALL_ROWS, Estimator, SegmentOfRows
from driftmeter.performance.intervals import (
    MOST_ROWS,
    NINETY_FIVE,
    Interval,
    exact_intervals,
    to_digits,
)
from driftmeter.performance.outcomes import COUNTS, METRICS, in_range
from driftmeter.performance.realised import CONFUSION, realised
from driftmeter.performance.row_value import (
    ROW_VALUE,
    VALUE,
    daily_values,
    usual_values,
    worth_in_sql,
)
from driftmeter.performance.sample import Sample, rows_in, sample_of
from driftmeter.performance.stored_confusion import Confusion, of_whole, replace_confusion
from driftmeter.performance.stored_errors import (
    FINAL_COVERAGE,
    PerformanceRow,
    replace_day,
    replace_reference_errors,
)
from driftmeter.performance.version_comparison import compare_day
from driftmeter.warehouse.turn import alone

# Numbers of a row of ``metrics.performance``.
FIGURES = ("value", "lower", "upper", "reference_value", "expected", "deviation", "p_value")
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
    classes : tuple of str
        Of several, those that have a probability.
    confusion : mapping of (str, str) to int
        Of several, the reference's rows of each true and predicted class.
    """

    monitor: Monitor
    usual: Mapping[tuple[SegmentOfRows, str], float]
    estimator: Estimator | None
    errors: UsualErrors | None = None
    values: ErrorNull | None = None
    classes: tuple[str, ...] = ()
    confusion: Confusion = field(default_factory=dict)


# Of each monitor the background that was fitted last in this process, and what it rests on: days
# that are replayed one by one have the same.
_fitted: dict[str, tuple[tuple[str, ...], ErrorBackground]] = {}


def load_background(engine: sa.Engine, monitor: Monitor) -> ErrorBackground:
    """Measure a monitor's reference, and fit its estimates on it; once a process and reference."""
    span = monitor.reference_span
    with engine.connect() as connection:
        _, content = fingerprint(connection, monitor, *span)
    rests_on = (str(engine.url), monitor.model_dump_json(), content)
    if monitor.name not in _fitted or _fitted[monitor.name][0] != rests_on:
        _fitted[monitor.name] = rests_on, _fit(engine, monitor)
    return _fitted[monitor.name][1]


def _fit(engine: sa.Engine, monitor: Monitor) -> ErrorBackground:
    span = monitor.reference_span
    days = monitor.reference_batches
    with engine.connect() as connection:
        whole = realised(connection, monitor, days, as_one=True)
        usual = {
            (_part(row), metric): value
            for row in whole.itertuples()
            for metric in METRICS[monitor.task]
            if (value := to_digits(getattr(row, metric))) is not None
        }
        classes = classes_of(connection, monitor)
        if not usual:
            return ErrorBackground(monitor, usual, None, classes=classes)
        most = max(REFERENCE_ROWS // len(days), monitor.min_rows)
        errors = usual_errors(connection, monitor)
        values, of_rows = usual_values(monitor, daily_values(connection, monitor, *span))
        usual |= {(part, VALUE): value for part, value in of_rows.items()}
        is_learned = bool(of_rows) and monitor.value is not None and monitor.value.sql is not None
        beside = probabilities_in_sql(monitor, classes)
        if is_learned:
            beside[ROW_VALUE] = worth_in_sql(monitor)
        frames = {
            day: read_rows(connection, monitor, [day], most_rows=most, beside=beside).drop(
                columns=VERSION
            )
            for day in days
        }
    estimator = Estimator(monitor, frames)
    of_days = errors.days if errors else {}
    reference_errors = [
        *estimator.reference_errors,
        *(
            ReferenceDayError.of(day, "realised", CAPPED_ERROR, error)
            for day, error in of_days.items()
        ),
    ]
    with engine.begin() as connection:
        replace_reference_errors(connection, monitor, reference_errors)
    confusion = dict(of_whole(whole, CONFUSION)).get(None, {}) if CONFUSION in whole else {}
    return ErrorBackground(monitor, usual, estimator, errors, values, classes, confusion)


@dataclass(frozen=True)
class MeasuredDay:
    """A day that is measured, and what all of its rows of ``metrics.performance`` say alike.

    Attributes
    ----------
    is_late : bool
        Whether its labels have been waited for long enough.
    """

    background: ErrorBackground
    day: dt.date
    config_hash: str
    is_late: bool

    def row(
        self,
        version: str | None,
        part: SegmentOfRows,
        metric: str,
        coverage: float | None,
        rows: int,
        **figures: float | None,
    ) -> PerformanceRow:
        """One metric of a version and part, to the digits that no order of rows changes.

        Parameters
        ----------
        coverage : float or None
            Share of the rows that have a label; None of an estimate, which no label changes.
        rows : int
            Rows that it rests on.
        figures : float or None
            Of `FIGURES`; those that are not named are None.
        """
        is_final = coverage is None or self.is_late or coverage >= FINAL_COVERAGE
        return PerformanceRow(
            monitor=self.background.monitor.name,
            model_version=version,
            partition_date=self.day,
            segment=part[0],
            segment_value=part[1],
            metric=metric,
            kind="estimated" if coverage is None else "realised",
            label_coverage=coverage,
            state="final" if is_final else "provisional",
            row_count=rows,
            config_hash=self.config_hash,
            **{name: to_digits(figures.get(name)) for name in FIGURES},
        )

    def test(
        self, version: str | None, metric: str, coverage: float, error: DayError
    ) -> PerformanceRow:
        """A metric that is a test of the day's error."""
        return self.row(
            version,
            ALL_ROWS,
            metric,
            coverage,
            error.labelled,
            value=error.value,
            reference_value=error.expected,
            expected=error.expected,
            deviation=error.deviation,
            p_value=error.p_value,
        )


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
        of_day = MeasuredDay(background, day, config_hash, is_late)
        rows = realised(connection, monitor, [day], known_rows=content.rows)
        frame = read_rows(
            connection,
            monitor,
            [day],
            most_rows=MOST_ROWS,
            known_rows=content.rows,
            beside=probabilities_in_sql(monitor, background.classes),
        )
        measured = [
            *_realised(of_day, rows, sample_of(monitor, day, frame)),
            *_estimated(of_day, frame, rows),
            *_values(connection, of_day),
            *_error_of_day(connection, of_day, rows),
        ]
        if monitor.challengers:
            others = realised(connection, monitor, [day], challengers=True, known_rows=content.rows)
            measured += _realised(of_day, others, None)
            compare_day(connection, monitor, day)
        replace_day(connection, monitor, day, measured)
        if monitor.task == "multiclass":
            of_versions = of_whole(rows, CONFUSION)
            if monitor.challengers:
                of_versions += of_whole(others, CONFUSION)
            replace_confusion(connection, monitor, day, of_versions, background.confusion)
        inputs = {day: content.fingerprint}
        note_inputs(connection, monitor.name, "performance", inputs, to_follow)
    return measured


def _realised(
    of_day: MeasuredDay, rows: pd.DataFrame, sample: Sample | None
) -> Iterator[PerformanceRow]:
    """Of each version and part; without a sample of the rows, without bootstrapped intervals."""
    monitor = of_day.background.monitor
    for row in rows.itertuples():
        version, part = _version(row), _part(row)
        if part[0] is not None and row.rows < monitor.min_rows:
            continue
        intervals = _intervals(monitor, row, sample, version, part)
        for metric in METRICS[monitor.task]:
            lower, upper = in_range(metric, *intervals.get(metric, (np.nan, np.nan)))
            yield of_day.row(
                version,
                part,
                metric,
                row.labelled / row.rows,
                int(row.labelled),
                value=float(getattr(row, metric)) if row.labelled else None,
                lower=lower,
                upper=upper,
                reference_value=of_day.background.usual.get((part, metric)),
            )


def _estimated(
    of_day: MeasuredDay, frame: pd.DataFrame, rows: pd.DataFrame
) -> Iterator[PerformanceRow]:
    background, day = of_day.background, of_day.day
    # The frame may be a sample: what all rows together are worth is of all of them.
    counts = {(row.model_version, *_part(row)): int(row.rows) for row in rows.itertuples()}
    if background.estimator is None:
        return
    for version in sorted(frame[VERSION].dropna().unique()):
        of_version = frame[frame[VERSION] == version]
        expected = background.estimator.expect(of_version.drop(columns=VERSION))
        for part, estimates in background.estimator.estimate(expected, day).items():
            row_count = int(rows_in(background.monitor, of_version, str(version), part).sum())
            for estimate in estimates:
                figures = dict(vars(estimate))
                metric = figures.pop("metric")
                figures["reference_value"] = background.usual.get((part, metric))
                if metric == VALUE:
                    # Of all rows what is estimated of one.
                    total = counts.get((version, *part), row_count)
                    figures = {name: of_one and of_one * total for name, of_one in figures.items()}
                yield of_day.row(str(version), part, metric, None, row_count, **figures)
        surprise = background.estimator.surprise(expected, day)
        if surprise is not None:
            coverage = surprise.labelled / len(of_version)
            yield of_day.test(str(version), EXCESS, coverage, surprise)


def _values(connection: sa.Connection, of_day: MeasuredDay) -> Iterator[PerformanceRow]:
    """What the labelled rows of each version and part are worth together."""
    background, day = of_day.background, of_day.day
    sums = daily_values(connection, background.monitor, day, day)
    if sums is None:
        return
    for row in sums.itertuples():
        part = _part(row)
        if not row.labelled or (part[0] is not None and row.rows < background.monitor.min_rows):
            continue
        total, usual = row.mean * row.labelled, background.usual.get((part, VALUE))
        # The sampling noise of so many rows; of a single one nothing is known.
        reach = NINETY_FIVE * np.sqrt(max(row.square - row.mean**2, 0.0) * row.labelled)
        means = pd.DataFrame([{"day": day, "rows": row.labelled, "mean": row.mean}])
        calm = judge_errors(background.values, means).get(day) if part == ALL_ROWS else None
        yield of_day.row(
            _version(row),
            part,
            VALUE,
            row.labelled / row.rows,
            int(row.labelled),
            value=total,
            lower=total - reach if row.labelled > 1 else None,
            upper=total + reach if row.labelled > 1 else None,
            reference_value=usual and usual * row.labelled,
            expected=calm.expected * row.labelled if calm else None,
            deviation=calm.deviation * row.labelled if calm else None,
        )


def _error_of_day(
    connection: sa.Connection, of_day: MeasuredDay, rows: pd.DataFrame
) -> Iterator[PerformanceRow]:
    """The day's mean loss over all its versions, held against the reference's days."""
    errors, day = of_day.background.errors, of_day.day
    if errors is None:
        return
    days = daily_errors(connection, of_day.background.monitor, day, day, errors.cap)
    whole = rows[rows["segment"].isna()]
    for error in judge_errors(errors.null, days).values():
        version = max(map(str, whole["model_version"].dropna()), default=None)
        coverage = error.labelled / max(int(whole["rows"].sum()), error.labelled)
        yield of_day.test(version, CAPPED_ERROR, coverage, error)


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
    if monitor.task == "multiclass" and labelled:
        measured |= exact_of_classes(row.accuracy, labelled)  # type: ignore[attr-defined]
    if monitor.task == "classification":
        measured |= exact_intervals({name: getattr(row, name) for name in COUNTS})
    return measured


def _version(row: object) -> str | None:
    version = row.model_version  # type: ignore[attr-defined]
    return version if isinstance(version, str) else None


def _part(row: object) -> SegmentOfRows:
    segment, value = row.segment, row.segment_value  # type: ignore[attr-defined]
    return (segment, value) if isinstance(segment, str) else (None, None)
