"""Batches as numbers in SQL: how far each is from a first one."""

import datetime as dt
from collections.abc import Iterable

import pandas as pd
from psycopg import sql

from driftmeter.monitors.config import Monitor


def number_of_batch(monitor: Monitor, first: dt.date, column: str | None = None) -> sql.Composed:
    """Days from the first batch to that of a column; seconds of an hourly monitor.

    Parameters
    ----------
    column : str, optional
        In place of the inference table's own.
    """
    form = "{batch} - {first}"
    if monitor.cadence.is_hourly:
        form = "extract(epoch from {batch} - {first}::timestamptz)::bigint"
        first = monitor.cadence.start(first)
    named = sql.Identifier(column or monitor.batch_column)
    return sql.SQL(form).format(batch=named, first=sql.Literal(first))


def batch_of_number(monitor: Monitor, first: dt.date, number: int) -> dt.date:
    """The batch of such a number."""
    cadence = monitor.cadence
    if cadence.is_hourly:
        return cadence.after(cadence.start(first), int(number) // 3600)
    return first + dt.timedelta(days=int(number))


def batches_of(monitor: Monitor, first: dt.date, numbers: Iterable[int]) -> "pd.Series[object]":
    """The batches of such numbers, as pandas leaves them as they are."""
    return pd.Series([batch_of_number(monitor, first, number) for number in numbers], dtype=object)
