"""Counts of numbers by step, for days that are too large to be put in order.

A step is 1/64 of the natural logarithm, 1.6% of the number, as in dbt's `column_summary`. Counts by
step are a plain `group by`: several processes or machines count side by side, and of each step one
row comes back, however many rows a day has.
"""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.inference_rows import MOST_REFERENCE_ROWS, MOST_ROWS, count_rows, table_of
from driftmeter.monitors.config import Monitor
from driftmeter.quality.counts import Floats

STEP = "floor(64 * ln(greatest({number}, 1e-300)))::integer"


def step_in_sql(number: sql.Composable) -> sql.Composed:
    """The step of a number that is not negative; of zero and what is next to it the lowest."""
    return sql.SQL(STEP).format(number=number)


def is_counted_by_steps(
    connection: sa.Connection,
    monitor: Monitor,
    days: Sequence[dt.date],
    known_rows: int | None = None,
) -> bool:
    """Whether the rows of these days are too many to be put in order, or on several machines.

    The limits are those above which drift reads a sample: of one day, or of several together.

    Parameters
    ----------
    known_rows : int, optional
        How many there are; they are counted without it.
    """
    most = MOST_ROWS if len(days) == 1 else MOST_REFERENCE_ROWS
    rows = count_rows(connection, monitor, days) if known_rows is None else known_rows
    return rows > most or _is_distributed(connection, monitor)


def quantiles(counts: npt.NDArray[np.int64], low: Floats, high: Floats, *levels: float) -> Floats:
    """Quantiles of numbers of which only counts by step are known, off by less than a step.

    The numbers of a step are taken to be evenly spread from its lowest to its highest.

    Parameters
    ----------
    counts : array of int, shape (S,)
        Numbers in each step; no step is empty.
    low, high : arrays of float, shape (S,)
        Their lowest and highest number; steps are in order.
    levels : float
        Each 0 to 1.

    Returns
    -------
    array of float, shape (levels,)
        NaN where there is no number.
    """
    if not len(counts):
        return np.full(len(levels), np.nan)
    ends = np.cumsum(counts)
    width = np.subtract(high, low, out=np.zeros(len(counts)), where=high > low)
    ranks = np.asarray(levels) * (ends[-1] - 1)

    def number_at(rank: npt.NDArray[np.int64]) -> Floats:
        step = np.searchsorted(ends, rank, side="right")
        within = (rank - (ends - counts)[step]) / np.maximum(counts[step] - 1, 1)
        # Of numbers that are alike, infinities among them, there is nothing between.
        number: Floats = np.where(width[step] > 0, low[step] + width[step] * within, low[step])
        return number

    below, above = (number_at(end(ranks).astype(np.int64)) for end in (np.floor, np.ceil))
    gap = np.subtract(above, below, out=np.zeros(len(ranks)), where=above > below)
    between: Floats = below + (ranks % 1) * gap
    return between


def _is_distributed(connection: sa.Connection, monitor: Monitor) -> bool:
    """Whether the rows of the inference table, which may be a view, are on a Citus's machines."""
    driver = connection.connection.driver_connection
    installed = "select exists (select from pg_extension where extname = 'citus')"
    if not driver.execute(installed).fetchone()[0]:  # type: ignore[union-attr]
        return False
    plan = sql.SQL("explain select from {}").format(table_of(monitor))
    lines = driver.execute(plan).fetchall()  # type: ignore[union-attr]
    return any("Citus" in line for (line,) in lines)
