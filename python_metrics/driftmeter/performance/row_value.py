"""What rows are worth once their outcome is known, summed in SQL, and what that is worth usually.

A day's value is the sum over its labelled rows. It is held against what as many rows have been
worth in the reference period, by weekday as a day's error is. No alarm comes of it: it says what a
loss costs.
"""

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.batch_numbers import batches_of, number_of_batch
from driftmeter.arrival.inference_rows import table_of
from driftmeter.arrival.values import category_of, outcome_of, prediction_of, text_of
from driftmeter.monitors.config import Monitor
from driftmeter.performance.daily_error import ErrorNull, fit_errors
from driftmeter.performance.outcomes import THRESHOLD
from driftmeter.quality.counts import Floats
from driftmeter.warehouse.copy import copy_out

# Name of the metric.
VALUE = "value"
# The column of a frame of rows that holds what each is worth; no column is called so.
ROW_VALUE = "value of row"
OF_CLASSES = (
    "case when {prediction} >= {threshold} then case when {target} then {true_positive}"
    " else {false_positive} end when {target} then {false_negative} else {true_negative} end"
)
# The team's expression has a line of its own, for it may end with a comment. Infinity and NaN are
# no amounts.
WORTH = (
    "case when {target} is not null and {prediction} is not null"
    " then nullif(nullif(nullif((\n{worth}\n)::double precision, 'infinity'), '-infinity'), 'NaN')"
    " end"
)
SUMS = (
    "select day, model_version, segment, segment_value, count(*) as rows,"
    " count(worth) as labelled, avg(worth) as mean, avg(worth * worth) as square"
    " from (select {number} as day, {version}"
    " as model_version, {segment}::text as segment, {part} as segment_value,"
    " {worth} as worth from {table} as scored"
    " where {batch} between {first} and {last}) as valued group by 1, 2, 3, 4"
)
TYPES = {
    **dict.fromkeys(["day", "rows", "labelled"], pa.int64()),
    **dict.fromkeys(["model_version", "segment", "segment_value"], pa.string()),
    **dict.fromkeys(["mean", "square"], pa.float64()),
}


def worth_in_sql(monitor: Monitor) -> sql.Composed:
    """What a row of the inference table is worth; null without a prediction and an outcome."""
    value = monitor.value
    if value is None:
        raise ValueError(f"{monitor.name} declares no value")
    prediction = prediction_of(monitor, sql.Identifier(monitor.prediction))
    target = outcome_of(monitor, sql.Identifier(str(monitor.target)))
    names = ("true_positive", "false_positive", "false_negative", "true_negative")
    worth: sql.Composable = sql.SQL(value.sql or "")
    if value.sql is None:
        amounts = {name: sql.Literal(getattr(value, name)) for name in names}
        worth = sql.SQL(OF_CLASSES).format(
            prediction=prediction, target=target, threshold=sql.Literal(THRESHOLD), **amounts
        )
    return sql.SQL(WORTH).format(prediction=prediction, target=target, worth=worth)


def worth_of(monitor: Monitor, prediction: Floats, chance: Floats) -> Floats:
    """What rows of a classifier are worth whose outcome is a chance; 0 and 1 where it is known."""
    value = monitor.value
    if value is None:
        raise ValueError(f"{monitor.name} declares no value")
    worth: Floats = np.where(
        prediction >= THRESHOLD,
        chance * value.true_positive + (1 - chance) * value.false_positive,
        chance * value.false_negative + (1 - chance) * value.true_negative,
    )
    return worth


def daily_values(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> pd.DataFrame | None:
    """Sums of each day, version and part that has rows; None where the expression fails.

    Returns
    -------
    pandas.DataFrame
        Columns ``day`` (a date), ``model_version``, ``segment``, ``segment_value``, ``rows``,
        ``labelled``, and of those ``mean`` and ``square``, the mean of the squares.
    """
    if monitor.value is None:
        return None
    parts: list[tuple[sql.Composable, sql.Composable]] = [(sql.NULL, sql.SQL("null::text"))]
    parts += [(sql.Literal(name), category_of(monitor, name)) for name in monitor.segments]
    of_parts = [
        sql.SQL(SUMS).format(
            first=sql.Literal(first),
            last=sql.Literal(last),
            version=text_of(sql.Identifier(monitor.model_version)),
            segment=segment,
            part=part,
            worth=worth_in_sql(monitor),
            table=table_of(monitor),
            batch=sql.Identifier(monitor.batch_column),
            number=number_of_batch(monitor, first),
        )
        for segment, part in parts
    ]
    query = sql.SQL(" union all ").join(of_parts) + sql.SQL(" order by 1, 2, 3, 4")
    try:
        # What only says what rows are worth ends no run: the day is measured without it.
        with connection.begin_nested():
            sums = copy_out(connection, query, TYPES).to_pandas()
    except psycopg.Error:
        return None
    return sums.assign(day=batches_of(monitor, first, sums["day"]))


def usual_values(
    monitor: Monitor, sums: pd.DataFrame | None
) -> tuple[ErrorNull | None, Mapping[tuple[str | None, str | None], float]]:
    """How the reference's days vary in the mean of a row, and that of each part over all of them.

    Parameters
    ----------
    sums : pandas.DataFrame or None
        `daily_values` of the reference.
    """
    if sums is None or not sums["labelled"].sum():
        return None, {}
    known = sums[sums["labelled"] > 0]
    usual: dict[tuple[str | None, str | None], float] = {}
    for keys, of_part in known.groupby(["segment", "segment_value"], dropna=False):
        segment, value = (key if isinstance(key, str) else None for key in keys)
        usual[segment, value] = float(np.average(of_part["mean"], weights=of_part["labelled"]))
    whole = known[known["segment"].isna()]
    weighed = whole.assign(**{name: whole[name] * whole["labelled"] for name in ("mean", "square")})
    days = weighed.groupby("day")[["labelled", "mean", "square"]].sum().reset_index()
    days["mean"], days["square"] = (
        days["mean"] / days["labelled"],
        days["square"] / days["labelled"],
    )
    return fit_errors(monitor, days.rename(columns={"labelled": "rows"})), usual
