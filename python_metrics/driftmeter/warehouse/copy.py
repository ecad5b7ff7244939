"""Rows in and out of Postgres as Arrow tables, through COPY: no other way is as fast."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlalchemy as sa
from psycopg import sql

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.hour import day_of
from driftmeter.warehouse.binary_rows import END, SIGNATURE, TYPES, binary_blocks
from driftmeter.warehouse.months import make_months
from driftmeter.warehouse.schema import in_warehouse, on_batches, zone_of

COLUMN_TYPES = (
    "select attname, typname, relkind = 'p' from pg_attribute"
    " join pg_type on pg_type.oid = atttypid join pg_class on pg_class.oid = attrelid"
    " where attrelid = %s::regclass and attnum > 0 and not attisdropped"
)


def copy_in(
    connection: sa.Connection,
    table: str,
    rows: pa.Table,
    seen: Callable[[memoryview], object] | None = None,
) -> int:
    """Append rows to a table inside the connection's transaction, and make the months they lack.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        On psycopg 3.
    table : str
        ``schema.table``; its columns are matched by name, and values are cast to their types. A
        time without a zone is taken for UTC where the column has one.
    rows : pyarrow.Table
        Null is null; an empty string stays an empty string.
    seen : callable, optional
        Takes each block of bytes that Postgres is given, such as the `update` of a hash.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    DriftmeterError
        If a column's type is none of `TYPES`, or a value does not fit it.
    """
    if not rows.num_rows:
        return 0
    if zone_of(connection) is not None:
        rows = _with_starts(connection, rows)
    target = sql.Identifier(*in_warehouse(table).split("."))
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        target, column_list(rows.column_names)
    )
    with _cursor(connection) as cursor:
        columns = cursor.execute(COLUMN_TYPES, [target.as_string(cursor)]).fetchall()
        types = {name: kind for name, kind, _ in columns}
        for name in rows.column_names:
            if name in types and types[name] not in TYPES:
                raise DriftmeterError(
                    f"column {name} has type {types[name]}, which Driftmeter cannot load",
                    where=table,
                    fix=f"use one of {', '.join(TYPES)}",
                )
        if any(is_split for _, _, is_split in columns):
            make_months(connection, table, rows["partition_date"].unique().to_pylist())
        with cursor.copy(statement) as copy:
            copy.write(SIGNATURE)
            for block in binary_blocks(rows, types):
                copy.write(block)
                if seen:
                    seen(block)
            copy.write(END)
    return int(rows.num_rows)


def copy_out(
    connection: sa.Connection,
    query: sql.Composable,
    types: Mapping[str, pa.DataType] | None = None,
) -> pa.Table:
    """Rows of a query as an Arrow table.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        On psycopg 3.
    query : psycopg.sql.Composable
        A ``select``; values in it as ``sql.Literal``, names as ``sql.Identifier``.
    types : mapping of str to pyarrow.DataType, optional
        Types of columns by name; the others are inferred from the text.
    """
    block = io.BytesIO()
    asked = query.as_string(_driver(connection))
    selected = in_warehouse(asked if zone_of(connection) is None else on_batches(asked))
    statement = f"copy ({selected}) to stdout (format csv, header)".encode()
    with _cursor(connection) as cursor, cursor.copy(statement) as copy:
        for data in copy:
            block.write(data)
    block.seek(0)
    return pa_csv.read_csv(
        block,
        convert_options=pa_csv.ConvertOptions(
            column_types=dict(types or {}),
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def type_of_batches(connection: sa.Connection) -> pa.DataType:
    """What ``partition_date`` is of rows to be copied: a date, and of hours the instant."""
    return pa.date32() if zone_of(connection) is None else TYPES["timestamptz"]


def _with_starts(connection: sa.Connection, rows: pa.Table) -> pa.Table:
    """Rows of hours with the day of each beside its start."""
    zone = zone_of(connection)
    starts = rows["partition_date"].to_pylist()
    days = pa.array([day_of(start.astimezone(zone)) for start in starts], pa.date32())
    place = rows.column_names.index("partition_date")
    instants = pa.array(starts, TYPES["timestamptz"])
    return rows.set_column(place, "partition_date", days).append_column("partition_start", instants)


def column_list(names: Sequence[str]) -> sql.Composed:
    """Column names, quoted and joined by commas."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _cursor(connection: sa.Connection) -> Any:
    return _driver(connection).cursor()


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection
