"""Rows of the reference's days, as dbt counted them."""

import datetime as dt

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor


def reference_counts(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, float]:
    """Rows of each reference day that has any."""
    query = sa.text(
        "select partition_date, sum(value) as rows from metrics.column_profile"
        " where monitor = :monitor and metric = 'row_count' and segment is null"
        " and partition_date between :first and :last group by 1 having sum(value) > 0"
        # In one order: a sum of floats depends on it in its last digit.
        " order by 1"
    )
    span = dict(zip(("first", "last"), monitor.reference_span, strict=True))
    rows = connection.execute(query, {"monitor": monitor.name, **span})
    return {row.partition_date: float(row.rows) for row in rows}
