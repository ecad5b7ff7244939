"""The days of a table of predictions: which there are, and what is known on each of them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS, too_few_days, too_few_values

Floats = npt.NDArray[np.float64]
FLOATS = {"real", "double precision", "numeric"}
# A name that no column of a team has.
DAY = '"day of the row"'
# Reference days at most; fewer where the first half of the table's days is shorter.
MOST_REFERENCE_DAYS = 90


@dataclass(frozen=True)
class TableDays:
    """Days of a table that have rows, in order.

    Attributes
    ----------
    rows : array of float, shape (days,)
    known : dict of str to array of float, shape (days,)
        Rows with a value, by column.
    """

    days: tuple[dt.date, ...]
    rows: Floats
    known: dict[str, Floats]

    def between(self, first: dt.date, last: dt.date) -> "TableDays":
        """The days of a span."""
        chosen = np.array([first <= day <= last for day in self.days], dtype=bool)
        days = tuple(day for day in self.days if first <= day <= last)
        known = {name: counts[chosen] for name, counts in self.known.items()}
        return TableDays(days, self.rows[chosen], known)


def read_days(
    session: sa.Connection, relation: str, day: str, columns: Sequence[tuple[str, str]]
) -> TableDays:
    """Count each day's rows, and those with a value of each column, in one aggregate.

    Parameters
    ----------
    relation, day : str
        SQL of the table and of a row's day.
    columns : sequence of (name, type)
        Type as Postgres names it. Not a number is no value.
    """

    def value(name: str, data_type: str) -> str:
        column = '"' + name.replace('"', '""') + '"'
        return f"nullif({column}, 'NaN')" if data_type in FLOATS else column

    counted = "".join(f", count({value(*column)})" for column in columns)
    select = (
        f"select {DAY}, count(*){counted} from (select *, {day} as {DAY} from {relation}) as rows"
        # Not infinity, nor another day that no calendar here has.
        f" where {DAY} between date '0001-01-01' and date '9999-12-31' group by 1 order by 1"
    )
    # No parameters: a percent sign in a column's name is itself.
    found = session.exec_driver_sql(select.replace("%", "%%")).all()
    counts = np.array([row[1:] for row in found], dtype=float).reshape(len(found), -1)
    known = {name: counts[:, 1 + at] for at, (name, _) in enumerate(columns)}
    rows = counts[:, 0] if len(found) else np.zeros(0)
    return TableDays(tuple(row[0] for row in found), rows, known)


def proposed_reference(days: TableDays) -> tuple[dict[str, str], str]:
    """First and last day of a reference period for a table, and why these; days without rows none.

    A table that is filled once a week has a reference period of many weeks.
    """
    total = len(days.days)
    count = max(1, min(max(total // 2, LEAST_DAYS), total - 1, MOST_REFERENCE_DAYS))
    reason = f"the first {count} of {total} days with rows: check that they were as they should be"
    if count < LEAST_DAYS:
        reason = f"all but the last of {total} days with rows; a threshold needs {LEAST_DAYS}"
    return {"from": days.days[0].isoformat(), "to": days.days[count - 1].isoformat()}, reason


def will_not_judge(
    days: TableDays,
    columns: Sequence[str],
    min_rows: int = Monitor.model_fields["min_rows"].default,
) -> list[tuple[tuple[str, ...], str]]:
    """What a monitor with these reference days would not judge, and why.

    Returns
    -------
    list of (tuple of str, str)
        Columns, none of them for all, and the reason.
    """
    if len(days.days) < LEAST_DAYS:
        return [((), too_few_days(len(days.days)))]
    scarce = tuple(name for name in columns if np.median(days.known[name]) < min_rows)
    return [(scarce, too_few_values(min_rows))] if scarce else []
