"""Months of the tables that are split by month, made when a day of theirs is written."""

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa

from driftmeter.warehouse.schema import in_warehouse

MAKE = sa.text("select metrics.make_months(cast(:table as regclass), cast(:days as date[]))")


def make_months(connection: sa.Connection, table: str, days: Iterable[dt.date]) -> int:
    """Make the months of these days that ``schema.table`` does not have, in the transaction.

    Two writers may call this at once. A table that is not split has no months to make.

    Returns
    -------
    int
        How many were made.
    """
    asked = {"table": in_warehouse(table), "days": sorted(set(days))}
    return int(connection.execute(MAKE, asked).scalar_one())
