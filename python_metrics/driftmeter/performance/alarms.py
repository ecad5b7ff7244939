"""Alarms of the error: by labels, given the inputs, or by estimate.

The performance step stores each day's tests and what they decide; incidents and the ledger of
alarms read that. Another policy decides the stored tests again.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from driftmeter.alarms.decision import policy_of
from driftmeter.monitors.config import Monitor
from driftmeter.performance.daily_error import CAPPED_ERROR

# Share of the day's alarm budget that the error may spend, beside that of the columns.
BUDGET_SHARE = 0.1
# A smaller rise of the error, as a share of it, is no incident, however certain it is.
LEAST_RISE = 0.1
WORDS = {"regression": "mean absolute error", "classification": "Brier score"}
# A day's tests are of losses capped at `daily_error.CAPPED`: another figure than the metric.
CUT_OFF = " (largest 1% of losses capped)"
# Name of the metric: how much more wrong a day is than its inputs explain, as a share.
EXCESS = "excess_error"
ESTIMATED = {"regression": "mae", "classification": "brier"}
# An estimate speaks where no more than this share of labels has come.
FEW_LABELS = 0.5
# Of the record of an interval at 95%: the share of days inside, and how many must have told
# (benchmarks/performance.py).
LEAST_INSIDE = 0.85
FEWEST_DAYS = 10


@dataclass(frozen=True)
class ErrorAlarm:
    """A day whose error is beyond what the reference's days allow.

    Attributes
    ----------
    error, expected : float
        Mean loss a row: the absolute error, or for a classifier the squared one (Brier 1950).
    p_value, threshold_p : float
    labelled : int
    beside : str
        What the expected one is.
    """

    metric: str
    error: float
    expected: float
    p_value: float
    threshold_p: float
    labelled: int
    beside: str = "reference"


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
    """

    metric: str
    value: float
    lower: float
    upper: float
    expected: float
    share_inside: float
    days: int

    @property
    def sentence(self) -> str:
        """In words."""
        return (
            f"the {self.metric} is estimated at {self.value:.3g} ({self.lower:.3g} to"
            f" {self.upper:.3g}), reference {self.expected:.3g}; its labels are still to come"
        )


def is_error_alarm(value: float, expected: float, p_value: float, level: float) -> bool:
    """Whether an error rose beyond its share of the budget; a better model is nobody's incident.

    Parameters
    ----------
    p_value : float
        Two-sided; only a rise counts.
    level : float
        Chance of a false alarm that one day may take in all.
    """
    return p_value / 2 < level * BUDGET_SHARE and value > expected * (1 + LEAST_RISE)


def is_concept_drift(excess: float, p_value: float, level: float) -> bool:
    """Whether a day is more wrong than its inputs explain; excess is a share of the expected."""
    return is_error_alarm(1 + excess, 1.0, p_value, level)


def is_alarm_of_test(
    metric: str,
    value: float | None,
    expected: float | None,
    p_value: float | None,
    level: float,
) -> bool:
    """Whether a test of a day's error, as it is stored, is an alarm at a level."""
    if value is None or expected is None or p_value is None:
        return False
    if metric == EXCESS:
        return is_concept_drift(value, p_value, level)
    return is_error_alarm(value, expected, p_value, level)


TESTED = sa.text(
    "select tested.partition_date as day, tested.metric, tested.model_version, tested.value,"
    " tested.reference_value, tested.p_value, tested.row_count, tested.is_alarm,"
    " tested.threshold_p, day.value as error,"
    " case tested.metric when :excess then day.value / (1 + tested.value)"
    " else tested.reference_value end as expected"
    " from metrics.performance as tested left join metrics.performance as day"
    " on day.monitor = tested.monitor and day.partition_date = tested.partition_date"
    " and day.metric = :capped and day.p_value is not null"
    " where tested.monitor = :monitor and tested.metric in (:capped, :excess)"
    " and tested.segment is null and tested.p_value is not null"
    " and tested.partition_date between :first and :last order by 1, tested.model_version"
)
DECIDE = sa.text(
    "update metrics.performance set threshold_p = :threshold_p, is_alarm = :is_alarm"
    " where monitor = :monitor and partition_date = :day and metric = :metric"
    " and segment is null and p_value is not null"
    " and model_version is not distinct from :model_version"
)


def decide_errors(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> None:
    """Decide the stored tests of a span's days again, by the monitor's policy."""
    level = policy_of(monitor).level
    decided = [
        {
            "monitor": monitor.name,
            "day": row.day,
            "metric": row.metric,
            "model_version": row.model_version,
            "threshold_p": level * BUDGET_SHARE,
            "is_alarm": _decision(row, level),
        }
        for row in _tests(connection, monitor, first, last)
    ]
    if decided:
        connection.execute(DECIDE, decided)


def error_alarms(
    connection: sa.Connection,
    monitor: Monitor,
    first: dt.date,
    last: dt.date,
    level: float | None = None,
) -> dict[dt.date, ErrorAlarm]:
    """Days of a span whose error is an alarm: as stored, or as another level would decide.

    An error may be as ever and yet too large: easier rows came. Where both tests alarm, that of
    the day's error is given.
    """
    alarms: dict[dt.date, ErrorAlarm] = {}
    for row in _tests(connection, monitor, first, last):
        of_inputs = row.metric == EXCESS
        threshold = row.threshold_p if level is None else level * BUDGET_SHARE
        is_alarm = row.is_alarm if level is None else _decision(row, level)
        # Without the day's own error there is nothing to say by how much it rose.
        if not is_alarm or row.error is None or (of_inputs and row.day in alarms):
            continue
        beside = "expected of such inputs" if of_inputs else "reference"
        alarms[row.day] = ErrorAlarm(
            WORDS[monitor.task] + CUT_OFF,
            row.error,
            row.expected,
            row.p_value,
            threshold,
            row.row_count,
            beside,
        )
    return alarms


def _tests(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> Sequence[sa.Row[Any]]:
    """Stored tests of the errors of a span's days, in order."""
    names = {"capped": CAPPED_ERROR, "excess": EXCESS}
    span = {"monitor": monitor.name, "first": first, "last": last}
    return connection.execute(TESTED, {**span, **names}).all()


def _decision(row: sa.Row[Any], level: float) -> bool:
    return is_alarm_of_test(row.metric, row.value, row.reference_value, row.p_value, level)


# What came true beside what was estimated, and how often days before were inside their interval.
BESIDE = (
    "metrics.performance as realised cross join lateral ("
    "select count(*) as days, avg((truth.value between guess.lower and guess.upper)::integer)"
    " as share_inside from metrics.performance as guess join metrics.performance as truth"
    " using (monitor, partition_date, model_version, metric)"
    " where monitor = estimated.monitor and metric = estimated.metric"
    " and partition_date < estimated.partition_date"
    " and guess.kind = 'estimated' and truth.kind = 'realised' and truth.state = 'final'"
    " and guess.segment is null and truth.segment is null"
    " and guess.lower is not null and truth.value is not null) as record"
    " where realised.monitor = estimated.monitor and realised.metric = estimated.metric"
    " and realised.partition_date = estimated.partition_date"
    " and realised.model_version is not distinct from estimated.model_version"
    " and realised.kind = 'realised' and realised.segment is null"
)
ESTIMATES = (
    " estimated.monitor = :monitor and estimated.metric = :metric and estimated.segment is null"
    " and estimated.kind = 'estimated' and estimated.partition_date between :first and :last"
)
MARK = sa.text(
    "update metrics.performance as estimated set is_alarm ="
    # The record, which reads every day before, is asked of the few that would speak.
    " case when estimated.lower > estimated.reference_value * (1 + :rise)"
    f" then exists (select from {BESIDE} and realised.label_coverage < :few"
    " and record.days >= :fewest and record.share_inside >= :least) else false end"
    f" where {ESTIMATES}"
)
MARKED = sa.text(
    "select estimated.partition_date as day, estimated.value, estimated.lower, estimated.upper,"
    " estimated.reference_value, beside.share_inside, beside.days"
    " from metrics.performance as estimated"
    f" cross join lateral (select record.share_inside, record.days from {BESIDE}) as beside"
    f" where {ESTIMATES} and estimated.is_alarm"
)


def mark_estimates(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> None:
    """Decide which days' estimates are alarms.

    An estimate may speak only where labels do not yet, and only with a record: of the days before
    whose labels have come, the truth must have been inside its interval nearly as often as it says.
    """
    rules = {"few": FEW_LABELS, "rise": LEAST_RISE, "fewest": FEWEST_DAYS, "least": LEAST_INSIDE}
    connection.execute(MARK, {**_estimates(monitor, first, last), **rules})


def estimated_alarms(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> dict[dt.date, EstimatedAlarm]:
    """Days of a span whose estimate is an alarm."""
    return {
        row.day: EstimatedAlarm(
            WORDS[monitor.task],
            row.value,
            row.lower,
            row.upper,
            row.reference_value,
            float(row.share_inside),
            int(row.days),
        )
        for row in connection.execute(MARKED, _estimates(monitor, first, last))
    }


def _estimates(monitor: Monitor, first: dt.date, last: dt.date) -> dict[str, object]:
    metric = ESTIMATED[monitor.task]
    return {"monitor": monitor.name, "metric": metric, "first": first, "last": last}
