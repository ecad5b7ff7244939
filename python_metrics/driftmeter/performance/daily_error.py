"""A monitor's error on each day, summed in SQL, compared with the reference period."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.alarms.day_null import USUAL, DayNull, fit_day_null, judge_days
from driftmeter.arrival.batch_numbers import batches_of, number_of_batch
from driftmeter.arrival.inference_rows import table_of
from driftmeter.monitors.cadence import DAILY, Cadence
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS
from driftmeter.performance.losses import loss_in_sql
from driftmeter.performance.steps import is_counted_by_steps, quantiles, step_in_sql
from driftmeter.warehouse.copy import copy_out

# Name of the metric: mean loss a row, the largest losses cut off.
CAPPED_ERROR = "capped_error"
# Losses beyond this quantile of the reference count as it: a label of a day's length, of which
# there are always some, would hide a doubled error (benchmarks/diagnosis.py).
CAPPED = 0.99
QUERY = sql.SQL(
    "select {number} as day, count(loss)::double precision as rows,"
    " avg(loss) as mean, avg(loss * loss) as square from (select {batch},"
    " least({loss}, {most}) as loss from {table} where {batch} between {first} and {last}"
    " and {loss} is not null) as labelled group by 1 order by 1"
)
LOSSES = sql.SQL(
    "select count(*) as rows, min(loss) as low, max(loss) as high"
    " from (select {loss} as loss from {table} where {batch} = any({days}::date[]))"
    " as losses where loss < 'infinity' group by {step} order by low"
)
LABELLED = sql.SQL(
    "select 1 as rows from {table} where {batch} = any({days}::date[])"
    " and {loss} is not null limit 1"
)
LOSS_TYPES = {"rows": pa.int64(), "low": pa.float64(), "high": pa.float64()}
TYPES = {"day": pa.int64(), "rows": pa.float64(), "mean": pa.float64(), "square": pa.float64()}


@dataclass(frozen=True)
class DayError:
    """A day's mean loss against the reference's days, or its excess over what inputs explain.

    Attributes
    ----------
    value, expected : float
        Mean loss a row, capped; expected of such a weekday.
    deviation : float
        Standard deviation of a calm day's.
    p_value : float
        Two-sided, under days like the reference's.
    labelled : int
        Rows that it rests on.
    """

    value: float
    expected: float
    deviation: float
    p_value: float
    labelled: int


@dataclass(frozen=True)
class ReferenceDayError:
    """A row of ``metrics.reference_errors``: how far a reference day was from what it expects."""

    day: dt.date
    kind: str
    metric: str
    difference: float
    deviation: float

    @classmethod
    def of(cls, day: dt.date, kind: str, metric: str, error: DayError) -> "ReferenceDayError":
        """Of a day that was judged as any other."""
        return cls(day, kind, metric, error.value - error.expected, error.deviation)


@dataclass(frozen=True)
class ErrorNull:
    """The null of a day's mean loss, and how many labelled rows a day needs to be held against it.

    That is the monitor's `min_rows`, or half of what reference days have if that is less.
    """

    of_days: DayNull
    least_rows: float
    cadence: Cadence = DAILY


@dataclass(frozen=True)
class UsualErrors:
    """What the reference says of a day's mean loss.

    Attributes
    ----------
    cap : float
        Larger losses count as this one.
    null : ErrorNull or None
        None where too few days have labels enough.
    days : mapping of date to DayError
        The reference's own.
    """

    cap: float
    null: ErrorNull | None
    days: Mapping[dt.date, DayError]


def usual_errors(connection: sa.Connection, monitor: Monitor) -> UsualErrors | None:
    """Fit a monitor's reference days; None without a label."""
    if monitor.target is None:
        return None
    cap = _cap(connection, monitor, monitor.reference_batches)
    if cap is None:
        return None
    days = daily_errors(connection, monitor, *monitor.reference_span, cap)
    null = fit_errors(monitor, days)
    return UsualErrors(cap, null, judge_errors(null, days))


def _cap(connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]) -> float | None:
    """The quantile `CAPPED` of all losses of these days; None without a label."""
    loss = loss_in_sql(monitor)
    if monitor.task == "multiclass":
        # A row is wrong or it is not: no loss is so large that it would hide another.
        return _no_cap(connection, monitor, days)
    is_large = is_counted_by_steps(connection, monitor, days)
    query = LOSSES.format(
        loss=loss,
        step=step_in_sql(sql.SQL("loss")) if is_large else sql.SQL("loss"),
        table=table_of(monitor),
        batch=sql.Identifier(monitor.batch_column),
        days=sql.Literal(list(days)),
    )
    cells = copy_out(connection, query, LOSS_TYPES).to_pandas()
    cap = quantiles(*(cells[name].to_numpy() for name in LOSS_TYPES), CAPPED)[0]
    return None if np.isnan(cap) else float(cap)


def _no_cap(connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]) -> float | None:
    """The largest loss of a row that is wrong; None without a label."""
    query = LABELLED.format(
        batch=sql.Identifier(monitor.batch_column),
        loss=loss_in_sql(monitor),
        table=table_of(monitor),
        days=sql.Literal(list(days)),
    )
    labelled = copy_out(connection, query, {"rows": pa.int64()}).to_pandas()
    return 1.0 if len(labelled) else None


def daily_errors(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date, cap: float
) -> pd.DataFrame:
    """Labelled rows, mean loss and mean squared loss of each day that has any, summed in SQL.

    Returns
    -------
    pandas.DataFrame
        Columns ``day`` (a date), ``rows``, ``mean`` and ``square``.
    """
    query = QUERY.format(
        first=sql.Literal(first),
        last=sql.Literal(last),
        loss=loss_in_sql(monitor),
        most=sql.Literal(cap),
        table=table_of(monitor),
        batch=sql.Identifier(monitor.batch_column),
        number=number_of_batch(monitor, first),
    )
    days = copy_out(connection, query, TYPES).to_pandas()
    return days.assign(day=batches_of(monitor, first, days["day"]))


def fit_errors(monitor: Monitor, days: pd.DataFrame) -> ErrorNull | None:
    """The null of a day's mean loss, from `daily_errors` of the reference."""
    if days.empty:
        return None
    least = min(float(monitor.min_rows), float(days["rows"].median()) / 2)
    usual = days[days["rows"] >= least]
    if len(usual) < LEAST_DAYS:
        return None
    rows = usual[["rows"]].to_numpy(dtype=float)
    mean = float(np.average(usual["mean"], weights=usual["rows"]))
    square = float(np.average(usual["square"], weights=usual["rows"]))
    variance = np.array([max(square - mean**2, 1e-12)])
    weekdays = np.array([monitor.cadence.level(day) for day in usual["day"]])
    means = usual[["mean"]].to_numpy(dtype=float)
    of_days = fit_day_null(
        means, rows, variance, weekdays, prior=USUAL**2 * variance, levels=monitor.cadence.levels
    )
    return ErrorNull(of_days, least, monitor.cadence)


def judge_errors(null: ErrorNull | None, days: pd.DataFrame) -> dict[dt.date, DayError]:
    """Days of `daily_errors` that have labels enough, against the null."""
    if null is None:
        return {}
    days = days[days["rows"] >= null.least_rows]
    if days.empty:
        return {}
    weekdays = np.array([null.cadence.level(day) for day in days["day"]])
    values, rows = days["mean"].to_numpy(dtype=float), days["rows"].to_numpy(dtype=float)
    judged = judge_days(null.of_days, values, rows, weekdays, is_positive=True)
    numbers = (values, judged.expected, judged.deviation, judged.p_value)
    return {
        day: DayError(float(value), float(expected), float(deviation), float(p), int(labelled))
        for day, labelled, value, expected, deviation, p in zip(
            days["day"], rows, *numbers, strict=True
        )
    }
