"""Counts of a monitor's columns and segments, out of the histograms that dbt keeps."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.batch_numbers import batch_of_number, number_of_batch
from driftmeter.arrival.labels_due import last_due
from driftmeter.monitors.config import Monitor
from driftmeter.quality.counts import Counts, DayArray, Floats, Kind, as_array
from driftmeter.warehouse.copy import copy_out


@dataclass(frozen=True, order=True)
class ColumnPart:
    """A column over all rows, or over those with one value of a segment."""

    segment: str | None
    segment_value: str | None
    column: str

    @property
    def is_all_rows(self) -> bool:
        """Whether no segment limits it."""
        return self.segment is None


BINS = sql.SQL(
    "select column_name, max(bin) as last_bin,"
    " array_to_json(array_agg(bin_low order by bin))::text as low"
    " from metrics.reference_bins where monitor = {monitor} group by column_name"
)
# A stale day may be counted in the bins of another reference, and waits until it is computed again.
ROWS = sql.SQL(
    "select {day} as day, model_version, segment, segment_value, column_name,"
    " cardinality(bins) as steps, array_to_string(bins, ' ') as bins,"
    " array_to_string(bin_counts, ' ') as row_counts"
    " from metrics.column_summary where monitor = {monitor}"
    " and partition_date between {first} and {last} and cardinality(bins) > 0"
    " and partition_date not in ("
    " select stale.partition_date from metrics.partitions as stale"
    " where stale.monitor = {monitor} and stale.drift_state = 'stale')"
)
TYPES = {
    "day": pa.int64(),
    "model_version": pa.string(),
    "segment": pa.string(),
    "segment_value": pa.string(),
    "column_name": pa.string(),
    "steps": pa.int64(),
    "bins": pa.string(),
    "row_counts": pa.string(),
}


# Of a column without a value in the reference, whose values have no order to be held against.
NEVER_KNOWN: tuple[Kind, Floats] = ("categorical", np.array([np.nan]))


def load_counts(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> dict[ColumnPart, Counts]:
    """Counts of every column and segment, each with every day of the span.

    Days that have no rows are zeros, and so are the target's whose labels are not due: the part
    of them that came early may be unlike the rest. Of a column that the reference never had a value
    of, every value is one that it never had.
    """
    first, last = monitor.cadence.bounds(first, last)
    literals = {
        "monitor": sql.Literal(monitor.name),
        "first": sql.Literal(first),
        "last": sql.Literal(last),
        "day": number_of_batch(monitor, first, "partition_date"),
    }
    bins = copy_out(connection, BINS.format(**literals), {"low": pa.string()}).to_pandas()
    rows = copy_out(connection, ROWS.format(**literals), TYPES).to_pandas()
    low = {
        row.column_name: _lower_bounds(json.loads(row.low), int(row.last_bin))
        for row in bins.itertuples()
    }
    batches = monitor.cadence.batches(first, last)
    calendar, due = as_array(batches), last_due(connection, monitor)
    numbers = {batch: place for place, batch in enumerate(batches)}
    rows = rows.assign(
        day=[numbers[batch_of_number(monitor, first, number)] for number in rows["day"]]
    )
    is_due = np.array([batch <= due for batch in batches], dtype=bool)
    return dict(_parts(monitor, rows, low, calendar, is_due))


def _parts(
    monitor: Monitor,
    rows: pd.DataFrame,
    low: dict[str, Floats],
    calendar: DayArray,
    is_due: npt.NDArray[np.bool_],
) -> Iterator[tuple[ColumnPart, Counts]]:
    columns = monitor.columns
    keys = ["segment", "segment_value", "column_name"]
    for (segment, value, name), part in rows.groupby(keys, dropna=False, sort=False):
        # Within its own segment a column is constant.
        if name == segment or name not in columns:
            continue
        kind, bounds = (columns[name].kind, low[name]) if name in low else NEVER_KNOWN
        # Missing values are counted before the first bin.
        counted = np.zeros((len(calendar), 1 + len(bounds)))
        # Where two versions scored a day, each has its rows; features are the same in both.
        for _, of_version in part.groupby("model_version", dropna=False, sort=False):
            counted = np.maximum(counted, _counted(of_version, counted.shape))
        if name == monitor.target:
            counted[~is_due] = 0
        yield (
            ColumnPart(_text(segment), _text(value), name),
            Counts(kind, calendar, counted[:, 1:], counted[:, 0], bounds, monitor.cadence),
        )


def _counted(rows: pd.DataFrame, shape: tuple[int, int]) -> Floats:
    """Rows by day and bin, of one version; missing values, whose bin is -1, in the first place."""
    day = np.repeat(rows["day"].to_numpy(), rows["steps"].to_numpy())
    place = _numbers(rows["bins"]).astype(np.int64) + 1
    cell, cells = day * shape[1] + place, shape[0] * shape[1]
    counted = np.bincount(cell, _numbers(rows["row_counts"]), minlength=cells).astype(float)
    return counted.reshape(shape)


def _numbers(texts: pd.Series) -> Floats:
    """Numbers of lists that were written one after the other, as in each text."""
    return np.fromstring(" ".join(texts), sep=" ")


def _lower_bounds(low: list[float | None], last_bin: int) -> Floats:
    """Bounds by bin; a category's bins have none, and begin with the one of unseen values."""
    bounds = [np.nan] * (last_bin + 1 - len(low)) + [np.nan if cut is None else cut for cut in low]
    return np.array(bounds, dtype=float)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
