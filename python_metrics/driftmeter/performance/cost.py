"""What a loss costs: the value of its days beside what their rows are usually worth."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.performance.intervals import NINETY_FIVE
from driftmeter.performance.row_value import VALUE

# Realised, a calm day would have been worth something around the expected; estimated, the interval
# is that of the estimate.
COST = sa.text(
    "select count(distinct partition_date) as days,"
    " sum(coalesce(expected, reference_value) - value) as cost, sqrt(sum(power(case kind"
    f" when 'realised' then {NINETY_FIVE} * deviation else (upper - lower) / 2 end, 2))) as reach"
    " from metrics.performance where monitor = :monitor and metric = :metric and kind = :kind"
    " and segment is null and value is not null and partition_date > :before"
    " and partition_date <= :day and (label_coverage is null or label_coverage > 0)"
    " and model_version in (select model_version from metrics.model_version_starts"
    " where monitor = :monitor)"
)


@dataclass(frozen=True)
class Cost:
    """What a day of a loss costs.

    Attributes
    ----------
    amount, lower, upper : float
        In the unit of the monitor's `value`, with a 95% interval; below 0 where the days are worth
        more than usually. The interval is None where too few days of the reference tell of it.
    """

    amount: float
    lower: float | None
    upper: float | None
    unit: str


def cost_of(
    connection: sa.Connection, monitor: Monitor, day: dt.date, days: int, kind: str
) -> Cost | None:
    """What the days up to one cost, each; None where the monitor declares no value of its rows.

    Parameters
    ----------
    days : int
        How many are told of together.
    kind : {'realised', 'estimated'}
        By labels, or as estimated without them.
    """
    if monitor.value is None:
        return None
    asked = {"monitor": monitor.name, "metric": VALUE, "kind": kind, "day": day}
    asked["before"] = monitor.cadence.after(day, -days)
    row = connection.execute(COST, asked).one()
    if not row.days or row.cost is None:
        return None
    amount = row.cost / row.days
    reach = row.reach / row.days if row.reach is not None else None
    lower, upper = (None, None) if reach is None else (amount - reach, amount + reach)
    return Cost(amount, lower, upper, monitor.value.unit)
