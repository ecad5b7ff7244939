"""Rows of an inference table as a frame that Evidently can compare, and their fingerprint."""

import datetime as dt
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from python_metrics.errors import DriftmeterError
from python_metrics.monitors.config import Monitor
from python_metrics.warehouse.copy import copy_out

VERSION = "model_version"


def read_rows(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """Monitored columns of the days, and ``model_version`` as the last column.

    Categories are text as Postgres prints it (3, not 3.0), the same in reference and current;
    numbers are float64, null as NaN.
    """
    columns = monitor.columns
    expressions = [
        sql.SQL("{}::{} as {}").format(
            sql.Identifier(name),
            sql.SQL("text" if column.kind == "categorical" else "double precision"),
            sql.Identifier(name),
        )
        for name, column in columns.items()
    ]
    query = sql.SQL(
        "select {columns}, {version}::text as {alias} from {table}"
        " where partition_date between {first} and {last}"
    ).format(
        columns=sql.SQL(", ").join(expressions),
        version=sql.Identifier(monitor.model_version),
        alias=sql.Identifier(VERSION),
        table=_table(monitor),
        first=sql.Literal(first),
        last=sql.Literal(last),
    )
    types = {
        name: pa.string() if column.kind == "categorical" else pa.float64()
        for name, column in columns.items()
    }
    with _explained(monitor):
        return copy_out(connection, query, {**types, VERSION: pa.string()}).to_pandas()


def fingerprint(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> tuple[int, str]:
    """Row count, and a hash of the monitored columns that does not depend on the rows' order."""
    names = [monitor.id, monitor.model_version, *monitor.columns]
    query = sql.SQL(
        "select count(*), coalesce(sum(hashtextextended(row({columns})::text, 0)), 0)::text"
        " from {table} where partition_date between {first} and {last}"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=_table(monitor),
        first=sql.Literal(first),
        last=sql.Literal(last),
    )
    driver = connection.connection.driver_connection
    with _explained(monitor):
        rows, total = driver.execute(query).fetchone()  # type: ignore[union-attr]
    return rows, hashlib.sha256(f"{rows}:{total}".encode()).hexdigest()[:16]


def _table(monitor: Monitor) -> sql.Identifier:
    return sql.Identifier(monitor.schema_name, monitor.name)


@contextmanager
def _explained(monitor: Monitor) -> Iterator[None]:
    """A missing table or column is the user's to mend, so it is told as such."""
    where = f"{monitor.schema_name}.{monitor.name}"
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise DriftmeterError(
            "the inference table does not exist",
            where=where,
            fix=f"build it: `dbt build --select {monitor.name}`, or `driftmeter run`",
        ) from error
    except psycopg.errors.UndefinedColumn as error:
        raise DriftmeterError(
            f"{error.diag.message_primary}",
            where=where,
            fix="name a column that it has under config.meta.monitor, or add it to the model",
        ) from error
