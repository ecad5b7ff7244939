"""Alarms of the error as they are stored: by labels, given the inputs, or by estimate."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.performance.cost import Cost, cost_of
from driftmeter.performance.daily_error import CAPPED_ERROR
from driftmeter.performance.decided import EXCESS, record_of
from driftmeter.performance.intervals import NINETY_FIVE
from driftmeter.performance.outcomes import LOSS

WORDS = {
    "regression": "mean absolute error",
    "classification": "Brier score",
    "multiclass": "error rate",
}
# A day's tests are of losses capped at `daily_error.CAPPED`: another figure than the metric.
CUT_OFF = " (largest 1% of losses capped)"


@dataclass(frozen=True)
class ErrorAlarm:
    """A day whose error is beyond what the reference's days allow.

    Attributes
    ----------
    error, expected : float
        Mean loss a row: the absolute error, for a classifier the squared one (Brier 1950), and of
        several classes the share of rows whose class is wrong.
    p_value, threshold_p : float
    labelled : int
    beside : str
        What the expected one is.
    days : int
        The days up to this one that it is the mean of.
    cost : Cost or None
        What a day of them costs, where the monitor says what its rows are worth.
    """

    metric: str
    error: float
    expected: float
    p_value: float
    threshold_p: float
    labelled: int
    beside: str = "reference"
    days: int = 1
    cost: Cost | None = None


@dataclass(frozen=True)
class EstimatedAlarm:
    """A day whose whole interval is above the reference, by more than matters.

    Attributes
    ----------
    value, lower, upper, expected : float
        The estimate, its 95% interval, and the reference's.
    share_inside : float
        Of the record.
    days : int
        Of the record.
    window_days : int
        The days up to this one that it is the mean of.
    cost : Cost or None
        What a day of them costs, where the monitor says what its rows are worth.
    """

    metric: str
    value: float
    lower: float
    upper: float
    expected: float
    share_inside: float
    days: int
    window_days: int = 1
    cost: Cost | None = None


# The days that were judged together.
WITHIN = (
    "{0}.partition_date > {1}.partition_date - {1}.window_days * cast(:length as interval)"
    " and {0}.partition_date <= {1}.partition_date"
)
# The metric's own figure, over all versions and the days that were judged together, beside the
# capped one that is tested.
ALARMS = sa.text(
    "select tested.partition_date as day, tested.metric, tested.p_value, tested.threshold_p,"
    " tested.row_count, tested.window_days, of_tested.mean as value, of_capped.value as capped,"
    " of_capped.usual, shown.value as shown, shown.usual as shown_usual"
    " from metrics.performance as tested"
    " cross join lateral (select avg(value) as mean from metrics.performance as one"
    " where one.monitor = tested.monitor and one.metric = tested.metric and one.kind = 'realised'"
    " and one.model_version is not distinct from tested.model_version and one.segment is null"
    f" and {WITHIN.format('one', 'tested')}) as of_tested"
    " cross join lateral (select sum(value * row_count) / nullif(sum(row_count), 0) as value,"
    " sum(reference_value * row_count) / nullif(sum(row_count), 0) as usual"
    " from metrics.performance as one where one.monitor = tested.monitor"
    " and one.metric = :capped and one.p_value is not null"
    f" and {WITHIN.format('one', 'tested')}) as of_capped"
    " cross join lateral (select sum(value * row_count) / nullif(sum(row_count), 0) as value,"
    " max(reference_value) as usual from metrics.performance as loss"
    " where loss.monitor = tested.monitor and loss.metric = :loss and loss.kind = 'realised'"
    " and loss.segment is null and loss.value is not null and loss.model_version in"
    " (select model_version from metrics.model_version_starts where monitor = tested.monitor)"
    f" and {WITHIN.format('loss', 'tested')}) as shown"
    " where tested.monitor = :monitor and tested.kind = 'realised' and tested.segment is null"
    " and tested.is_alarm and of_capped.value is not null"
    " order by 1, tested.metric, tested.model_version"
)
ALARMED = sa.text(
    "select partition_date as day, array_agg(distinct metric order by metric) as metrics"
    " from metrics.performance where monitor = :monitor and is_alarm"
    " and partition_date between :first and :last group by 1"
)
# Though it is no news: beyond the reference by what would be an alarm on its first day.
LASTING = sa.text(
    "select distinct partition_date from metrics.performance where monitor = :monitor"
    " and segment is null and is_beyond"
)
ESTIMATES = sa.text(
    "select day.partition_date as day, day.model_version, day.window_days,"
    " day.value, day.lower, day.upper, day.reference_value, of_days.mean, of_days.deviation"
    " from metrics.performance as day cross join lateral (select avg(value) as mean,"
    " sqrt(sum(deviation ^ 2)) / nullif(count(deviation), 0) as deviation"
    " from metrics.performance as one where one.monitor = day.monitor and one.metric = day.metric"
    " and one.kind = 'estimated' and one.segment is null"
    " and one.model_version is not distinct from day.model_version"
    f" and {WITHIN.format('one', 'day')}) as of_days"
    " where day.monitor = :monitor and day.kind = 'estimated'"
    " and day.segment is null and day.is_alarm"
)


def error_alarms(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, ErrorAlarm]:
    """Days whose realised error is an alarm.

    An error may be as ever and yet too large: easier rows came. Where both tests alarm, that of
    the day's error is given. The figures are the metric's own where they show the rise; a few
    absurd labels of the reference can hide it, and then they are those of capped losses.
    """
    names = {"capped": CAPPED_ERROR, "loss": LOSS[monitor.task], "length": f"1 {monitor.every}"}
    alarms: dict[dt.date, ErrorAlarm] = {}
    for row in connection.execute(ALARMS, {"monitor": monitor.name, **names}):
        if row.day in alarms:
            continue
        of_inputs = row.metric == EXCESS
        share = 1 + row.value if of_inputs else row.capped / row.usual
        is_shown = row.shown is not None and (
            of_inputs or (row.shown_usual is not None and row.shown > row.shown_usual)
        )
        error = row.shown if is_shown else row.capped
        usual = row.shown_usual if is_shown and not of_inputs else error / share
        alarms[row.day] = ErrorAlarm(
            WORDS[monitor.task] + ("" if is_shown else CUT_OFF),
            error,
            usual,
            row.p_value,
            row.threshold_p,
            row.row_count,
            "expected of such inputs" if of_inputs else "reference",
            row.window_days,
            cost_of(connection, monitor, row.day, row.window_days, "realised"),
        )
    return alarms


def alarmed_metrics(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> dict[dt.date, list[str]]:
    """Names of the metrics whose error is an alarm, by day of a span."""
    span = {"monitor": monitor.name, "first": first, "last": last}
    return {row.day: row.metrics for row in connection.execute(ALARMED, span)}


def days_of_lasting_error(connection: sa.Connection, monitor: Monitor) -> set[dt.date]:
    """Days whose error is still beyond the reference, whether that is new or not.

    By its labels, or by estimate where these are still to come.
    """
    return set(connection.scalars(LASTING, {"monitor": monitor.name}))


def estimated_alarms(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, EstimatedAlarm]:
    """Days whose estimate is an alarm."""
    alarms = {}
    asked = {"monitor": monitor.name, "length": f"1 {monitor.every}"}
    for row in connection.execute(ESTIMATES, asked).all():
        record = record_of(connection, monitor, row.day, row.model_version)
        value, lower, upper = row.value, row.lower, row.upper
        if row.window_days > 1:
            # Of several days together: their mean, and how far such a mean wanders on calm days.
            value, reach = row.mean, NINETY_FIVE * (row.deviation or 0.0)
            lower, upper = value - reach, value + reach
        alarms[row.day] = EstimatedAlarm(
            WORDS[monitor.task],
            value,
            lower,
            upper,
            row.reference_value,
            float(record.share_inside or 0) if record else 0.0,
            int(record.days) if record else 0,
            row.window_days,
            cost_of(connection, monitor, row.day, row.window_days, "estimated"),
        )
    return alarms
