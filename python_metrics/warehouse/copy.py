"""Rows in and out of Postgres as Arrow tables, through COPY: no other way is as fast."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import sqlalchemy as sa
from psycopg import sql

from python_metrics.warehouse.schema import in_warehouse

# Rows of CSV a round: enough to be quick, few enough to keep a million-row day in bounds.
CHUNK_ROWS = 100_000


def copy_in(connection: sa.Connection, table: str, rows: pa.Table) -> int:
    """Append rows to a table inside the connection's transaction.

    Parameters
    ----------
    connection : sqlalchemy.Connection
        On psycopg 3.
    table : str
        ``schema.table``; its columns are matched by name.
    rows : pyarrow.Table
        Null is null; an empty string stays an empty string.

    Returns
    -------
    int
        Rows written.
    """
    statement = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier(*in_warehouse(table).split(".")),
        sql.SQL(", ").join(map(sql.Identifier, rows.column_names)),
    )
    options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
    with _cursor(connection) as cursor, cursor.copy(statement) as copy:
        for start in range(0, rows.num_rows, CHUNK_ROWS):
            block = io.BytesIO()
            pa_csv.write_csv(rows.slice(start, CHUNK_ROWS), block, options)
            copy.write(block.getbuffer())
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
    selected = in_warehouse(query.as_string(_driver(connection)))
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


def column_list(names: Sequence[str]) -> sql.Composed:
    """Column names, quoted and joined by commas."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _cursor(connection: sa.Connection) -> Any:
    return _driver(connection).cursor()


def _driver(connection: sa.Connection) -> Any:
    return connection.connection.driver_connection
