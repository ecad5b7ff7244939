"""A monitor's error by day, summed in SQL, and the days on which it is beyond its reference's."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from python_metrics.calibration.day_null import LEAST_DAYS, DayNull, fit_day_null, p_values
from python_metrics.monitors.config import Monitor
from python_metrics.warehouse.copy import copy_out

# Share of the day's budget that the error may spend, beside that of the columns.
BUDGET_SHARE = 0.1
# A smaller rise of the error is no incident, however certain it is.
LEAST_RISE = 0.1
WORDS = {"regression": "mean absolute error", "classification": "Brier score"}
# Losses beyond this quantile of the reference count as it: a label of a day's length, of which
# there are always some, would hide a doubled error.
CAPPED = 0.99


@dataclass(frozen=True)
class ErrorAlarm:
    """A day whose error is beyond what the reference's days allow.

    Attributes
    ----------
    error, expected : float
        Mean loss a row: the absolute error, or for a classifier the squared one (Brier 1950).
    p_value, threshold_p : float
    """

    metric: str
    error: float
    expected: float
    p_value: float
    threshold_p: float
    labelled: int
    beside: str = "reference"


QUERY = sql.SQL(
    "select partition_date - {first} as day, count(loss)::double precision as rows,"
    " avg(loss) as mean, avg(loss * loss) as square from (select partition_date,"
    " least({loss}, {most}) as loss from {table} where partition_date between {first} and {last}"
    " and {prediction} is not null and {target} is not null) as labelled group by 1 order by 1"
)


def most_loss(connection: sa.Connection, monitor: Monitor) -> float | None:
    """The loss that larger ones count as, from the reference; None without a label."""
    if monitor.target is None:
        return None
    query = sql.SQL(
        "select percentile_cont({level}) within group (order by {loss}) as most from {table}"
        " where partition_date between {first} and {last}"
    ).format(
        level=sql.Literal(CAPPED),
        loss=_loss(monitor),
        table=sql.Identifier(monitor.schema_name, monitor.name),
        first=sql.Literal(monitor.reference.from_date),
        last=sql.Literal(monitor.reference.to_date),
    )
    found = copy_out(connection, query, {"most": pa.float64()}).to_pandas()["most"]
    return None if found.isna().all() else float(found[0])


def daily_errors(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date, most: float | None
) -> pd.DataFrame:
    """Labelled rows, mean loss and mean squared loss of each day that has any, summed in SQL.

    Parameters
    ----------
    most : float or None
        Of `most_loss`; None gives no day.

    Returns
    -------
    pandas.DataFrame
        Columns ``day`` (a date), ``rows``, ``mean`` and ``square``.
    """
    if monitor.target is None or most is None:
        return pd.DataFrame(columns=["day", "rows", "mean", "square"])
    query = QUERY.format(
        first=sql.Literal(first),
        last=sql.Literal(last),
        loss=_loss(monitor),
        most=sql.Literal(most),
        table=sql.Identifier(monitor.schema_name, monitor.name),
        prediction=sql.Identifier(monitor.prediction),
        target=sql.Identifier(monitor.target),
    )
    types = {"day": pa.int64(), "rows": pa.float64(), "mean": pa.float64(), "square": pa.float64()}
    found = copy_out(connection, query, types).to_pandas()
    return found.assign(day=[first + dt.timedelta(days=int(number)) for number in found["day"]])


def _loss(monitor: Monitor) -> sql.Composed:
    form = (
        "abs({prediction}::double precision - {target}::double precision)"
        if monitor.task == "regression"
        else "power({prediction}::double precision - {target}::boolean::integer, 2)"
    )
    return sql.SQL(form).format(
        prediction=sql.Identifier(monitor.prediction), target=sql.Identifier(str(monitor.target))
    )


def error_alarms(
    monitor: Monitor, reference: pd.DataFrame, asked: pd.DataFrame, level: float
) -> dict[dt.date, ErrorAlarm]:
    """Days whose error rose beyond its calibrated threshold.

    Parameters
    ----------
    reference, asked : pandas.DataFrame
        Of `daily_errors`.
    level : float
        Chance of a false alarm that one day may take in all; the error has its share of it.
    """
    usual = reference[reference["rows"] >= monitor.min_rows]
    asked = asked[asked["rows"] >= monitor.min_rows]
    if len(usual) < LEAST_DAYS or asked.empty:
        return {}
    null = _fit(usual)
    weekdays = np.array([day.weekday() for day in asked["day"]])
    values, rows = asked[["mean"]].to_numpy(dtype=float), asked[["rows"]].to_numpy(dtype=float)
    none = np.zeros(1)
    p_value = p_values(null, values, rows, weekdays, none, none.astype(bool))[:, 0]
    expected = null.level[weekdays, 0]
    threshold = level * BUDGET_SHARE
    return {
        day: ErrorAlarm(
            WORDS[monitor.task], float(value), float(usually), float(p), threshold, int(labelled)
        )
        for day, value, usually, p, labelled in zip(
            asked["day"], values[:, 0], expected, p_value, rows[:, 0], strict=True
        )
        # Only a rise: a model that does better is nobody's incident.
        if p / 2 < threshold and value > usually * (1 + LEAST_RISE)
    }


def _fit(usual: pd.DataFrame) -> DayNull:
    rows = usual[["rows"]].to_numpy(dtype=float)
    mean = float(np.average(usual["mean"], weights=usual["rows"]))
    square = float(np.average(usual["square"], weights=usual["rows"]))
    variance = np.array([max(square - mean**2, 1e-12)])
    weekdays = np.array([day.weekday() for day in usual["day"]])
    return fit_day_null(usual[["mean"]].to_numpy(dtype=float), rows, variance, weekdays)
