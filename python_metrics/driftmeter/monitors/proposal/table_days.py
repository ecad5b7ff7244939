"""The days of a table of predictions: which there are, and what is known on each of them."""

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from driftmeter.errors import DriftmeterError, reason_of
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table import TIMES, known, run

# A name that no column of a team has.
DAY = '"day of the row"'
# The newest days, which wait for their labels; fewer rows than these say nothing.
MOST_NEWEST_DAYS = 3
LEAST_ROWS = 10
# Known as often among the newest rows as this share of how often before: not a chance dip.
LATE = 0.7
# Standard deviations below what as many older rows would have.
DEVIATIONS = 3


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
    rows: npt.NDArray[np.float64]
    known: dict[str, npt.NDArray[np.float64]]

    def between(self, first: dt.date, last: dt.date) -> "TableDays":
        """The days of a span."""
        chosen = np.array([first <= day <= last for day in self.days], dtype=bool)
        days = tuple(day for day in self.days if first <= day <= last)
        known = {name: counts[chosen] for name, counts in self.known.items()}
        return TableDays(days, self.rows[chosen], known)

    def by(self, cadence: Cadence) -> "TableDays":
        """The same rows by batch."""
        starts = [cadence.start(day) for day in self.days]
        batches, of_day = np.unique(np.array(starts, dtype="datetime64[D]"), return_inverse=True)
        counts = {
            name: np.bincount(of_day, each).astype(float)
            for name, each in {"": self.rows, **self.known}.items()
        }
        return TableDays(tuple(batches.tolist()), counts.pop(""), counts)


def read_days(session: sa.Connection, proposal: Proposal) -> TableDays:
    """Count each day's rows, and those with a value of each column, in one aggregate.

    Columns with times are left out, and those without a value in the first rows.

    Raises
    ------
    DriftmeterError
        If no row has a day.
    """
    columns = [c for c in proposal.columns.values() if c.data_type not in TIMES and c.known]
    counted = "".join(f", count({known(c.name, c.data_type)})" for c in columns)
    select = (
        f"select {DAY}, count(*){counted} from"
        f" (select *, {proposal.day} as {DAY} from {proposal.relation}) as rows"
        # Not infinity, nor another day that no calendar here has.
        f" where {DAY} between date '0001-01-01' and date '9999-12-31' group by 1 order by 1"
    )
    name = proposal.dated_by.name
    option = "--batch" if proposal.fields.get("batch") else "--timestamp"
    try:
        found = run(session, select).all()
    except sa.exc.DataError as error:
        raise DriftmeterError(
            f"{name!r} of {proposal.table} cannot be read as a time in every row"
            f" ({reason_of(error)})",
            where=option,
            fix="name another column, or a view in which it is a timestamptz",
        ) from error
    if not found:
        raise DriftmeterError(
            f"{name!r} of {proposal.table} holds no date in any row",
            where=option,
            fix="name a column that says when a row happened",
        )
    counts = np.array([row[1:] for row in found], dtype=float).reshape(len(found), -1)
    by_column = {column.name: counts[:, 1 + at] for at, column in enumerate(columns)}
    nothing = np.zeros(len(found))
    return TableDays(
        tuple(row[0] for row in found),
        counts[:, 0],
        {name: by_column.get(name, nothing) for name in proposal.columns},
    )


def late_columns(days: TableDays) -> dict[str, float]:
    """Columns that are known later than the rest of their row, as labels are.

    They have fewer known values in the newest rows than in the first half of the days.

    Returns
    -------
    dict of str to float
        By column: the share of known values in the newest rows, as a part of the share before.
    """
    first, last = days.days[0], days.days[-1]
    total = (last - first).days + 1
    if total < 4:
        return {}
    older = days.between(first, first + dt.timedelta(days=total // 2))
    newest = dt.timedelta(days=min(MOST_NEWEST_DAYS, max(1, total // 10)) - 1)
    newer = days.between(last - newest, last)
    rows = float(newer.rows.sum())
    if rows < LEAST_ROWS:
        return {}
    late = {}
    for name in days.known:
        share = float(older.known[name].sum() / older.rows.sum())
        known_now = float(newer.known[name].sum())
        spread = math.sqrt(rows * share * (1 - share))
        if share >= 0.5 and known_now <= min(
            LATE * rows * share, rows * share - DEVIATIONS * spread
        ):
            late[name] = known_now / rows / share
    return late
