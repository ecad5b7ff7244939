"""Rows, labels and fingerprints of each day of an inference table, in one aggregate."""

import datetime as dt
import hashlib
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.batch_numbers import batch_of_number, number_of_batch
from driftmeter.arrival.inference_rows import explained, named_columns
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse.copy import copy_out


@dataclass(frozen=True)
class DayContent:
    """One day of an inference table.

    Attributes
    ----------
    rows, labelled : int
        Rows, and those of them with a label.
    fingerprint : str
        Hash of id, version and monitored columns, whatever the rows' order; 16 hexadecimal digits.
    inputs_fingerprint : str
        The same without the target: alike where only labels came.
    """

    rows: int
    labelled: int
    fingerprint: str
    inputs_fingerprint: str


# The same function as dbt's, so that both come to the same fingerprint.
QUERY = sql.SQL(
    "select {number} as day, rows, labelled, fingerprint, inputs_fingerprint"
    " from metrics.day_contents({schema}, {table}, {every}::text[], {inputs}::text[], {target},"
    " {first}, {last})"
)
TYPES = {
    "day": pa.int64(),
    "rows": pa.int64(),
    "labelled": pa.int64(),
    "fingerprint": pa.string(),
    "inputs_fingerprint": pa.string(),
}


def newest_ended_day(connection: sa.Connection, monitor: Monitor) -> dt.date | None:
    """The newest day with rows that has ended in the monitor's zone; None where none has."""
    day: sa.ColumnClause[dt.date] = sa.column(monitor.batch_column)
    table = sa.table(monitor.name, schema=monitor.schema_name)
    last = monitor.cadence.ended_by(dt.datetime.now(monitor.zone))
    newest: dt.date | None = connection.scalar(
        sa.select(sa.func.max(day)).select_from(table).where(day <= last)
    )
    return newest


def day_contents(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> dict[dt.date, DayContent]:
    """Content of each day of a span that has a row.

    Raises
    ------
    DriftmeterError
        If the table, or a column that the monitor names, does not exist.
    """
    first, last = monitor.cadence.bounds(first, last)
    names = [name for name in (monitor.id, monitor.model_version, *monitor.table_columns) if name]
    names += monitor.probability_columns
    inputs = [name for name in names if name != monitor.target]
    # As with labels, what only a metric of the team's own reads is no input of the model.
    every = [*names, *named_columns(connection, monitor)]
    query = QUERY.format(
        number=number_of_batch(monitor, first, "day"),
        schema=sql.Literal(monitor.schema_name),
        table=sql.Literal(monitor.name),
        every=sql.Literal(every),
        inputs=sql.Literal(inputs),
        target=sql.Literal(monitor.target),
        first=sql.Literal(first),
        last=sql.Literal(last),
    )
    with explained(monitor):
        rows = copy_out(connection, query, TYPES).to_pylist()
    return {
        batch_of_number(monitor, first, row["day"]): DayContent(
            row["rows"], row["labelled"], row["fingerprint"], row["inputs_fingerprint"]
        )
        for row in rows
    }


def day_content(connection: sa.Connection, monitor: Monitor, day: dt.date) -> DayContent:
    """Content of one day; of no rows where it has none."""
    empty = fingerprint_of(0, "0")
    return day_contents(connection, monitor, day, day).get(day, DayContent(0, 0, empty, empty))


def fingerprint_of(rows: int, total: str) -> str:
    """Fingerprint of so many rows whose hashes have this sum."""
    return hashlib.sha256(f"{rows}:{total}".encode()).hexdigest()[:16]
