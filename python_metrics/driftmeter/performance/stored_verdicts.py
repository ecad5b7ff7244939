"""Verdicts that rest on all days of a monitor: stored anew where they changed, and else kept.

They are of metrics of a team's own, and of groups that must be treated alike. What both ask of the
days is here too.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from driftmeter.arrival.labels_due import has_waited
from driftmeter.monitors.config import Monitor
from driftmeter.performance.decided import rows_of_query
from driftmeter.performance.intervals import to_digits
from driftmeter.performance.stored_errors import FINAL_COVERAGE
from driftmeter.quality.counts import Floats
from driftmeter.warehouse.copy import copy_in, type_of_batches

SQL_TYPES = {pa.date32(): "date", pa.string(): "text"}


@dataclass(frozen=True)
class VerdictTable:
    """A table of verdicts.

    Attributes
    ----------
    types : mapping of str to pyarrow.DataType
        Its columns, without the monitor.
    keys : int
        How many of the first columns tell a row from others.
    """

    name: str
    types: Mapping[str, pa.DataType]
    keys: int

    def store(self, connection: sa.Connection, monitor: Monitor, rows: pd.DataFrame) -> None:
        """Make the table hold these verdicts of a monitor and no others."""
        wanted = {row[: self.keys]: row for row in self._plain(rows)}
        stored = rows_of_query(connection, self._known, {"monitor": monitor.name})
        known = {row[: self.keys]: row for row in self._plain(stored)}
        gone = [key for key, row in known.items() if wanted.get(key) != row]
        if gone:
            asked = dict(zip(self._key_names, map(list, zip(*gone, strict=True)), strict=True))
            connection.execute(self._forget, {"monitor": monitor.name, **asked})
        new = [row for key, row in wanted.items() if known.get(key) != row]
        if new:
            columns = dict(zip(self.types, zip(*new, strict=True), strict=True))
            types = {**self.types, "partition_date": type_of_batches(connection)}
            table = {name: pa.array(column, types[name]) for name, column in columns.items()}
            table["monitor"] = pa.array([monitor.name] * len(new), pa.string())
            copy_in(connection, self.name, pa.table(table))

    @property
    def _key_names(self) -> list[str]:
        return list(self.types)[: self.keys]

    @property
    def _known(self) -> sa.TextClause:
        return sa.text(f"select {', '.join(self.types)} from {self.name} where monitor = :monitor")

    @property
    def _forget(self) -> sa.TextClause:
        names = self._key_names
        arrays = ", ".join(f"cast(:{name} as {SQL_TYPES[self.types[name]]}[])" for name in names)
        same = " and ".join(f"stored.{name} is not distinct from gone.{name}" for name in names)
        return sa.text(
            f"delete from {self.name} as stored using unnest({arrays}) as gone ({', '.join(names)})"
            f" where stored.monitor = :monitor and {same}"
        )

    def _plain(self, rows: pd.DataFrame) -> list[tuple[object, ...]]:
        """Rows as tuples, figures to digits that rest on no order; null is None."""
        plain: dict[pa.DataType, Callable[[Any], object]] = {
            pa.float64(): lambda number: to_digits(number, 10),
            pa.int64(): lambda number: None if pd.isna(number) else int(number),
            pa.string(): lambda text: text if isinstance(text, str) else None,
            pa.bool_(): bool,
            pa.date32(): lambda day: day,
        }
        columns = [map(plain[of_type], rows[name]) for name, of_type in self.types.items()]
        return list(zip(*columns, strict=True))


def in_reference(monitor: Monitor, days: Iterable[dt.date]) -> npt.NDArray[np.bool_]:
    """Whether each day is of the reference period; shape (days,)."""
    return np.array([day in monitor.reference for day in days], dtype=bool)


def least_rows(monitor: Monitor, rows: Floats) -> float:
    """Rows that a day needs: the monitor's `min_rows`, or half of what days have if less."""
    some = rows[rows > 0]
    return min(monitor.min_rows, float(np.median(some)) / 2) if len(some) else monitor.min_rows


def with_decision(rows: pd.DataFrame, decided: pd.DataFrame) -> pd.DataFrame:
    """All rows with what `decide_windows` says of those that were judged."""
    empty = {"threshold_p": np.nan, "is_alarm": False, "is_beyond": False}
    return rows.assign(
        **{name: decided[name].reindex(rows.index, fill_value=of) for name, of in empty.items()}
    )


def waits_for_labels(monitor: Monitor, rows: pd.DataFrame) -> "pd.Series[bool]":
    """Days that have not got their labels, and may yet.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns ``partition_date``, and ``rows`` and ``labelled_count`` of the whole day, null of
        one that was not measured.
    """
    days = rows["partition_date"]
    newest = days[rows["rows"].notna()].max() if rows["rows"].notna().any() else None
    has_labels = rows["labelled_count"].astype(float) >= FINAL_COVERAGE * rows["rows"].astype(float)
    return ~(has_labels | np.array([has_waited(monitor, day, newest) for day in days]))
