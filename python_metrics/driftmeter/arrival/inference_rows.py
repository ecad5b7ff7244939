"""Rows of an inference table as a frame that Evidently can compare, and their fingerprint."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.batch_numbers import number_of_batch
from driftmeter.arrival.values import (
    category_of,
    expression_of,
    number_of,
    projection_of,
    text_of,
)
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.derived_columns import PROJECTED, projected_names
from driftmeter.warehouse.copy import copy_out

VERSION = "model_version"
# Of a row's partition, as `batch_of_number` reads it; no column is called so.
DAY = "day of partition"
# Of more rows a day a sample is compared: a distribution function of it is within 0.43 percentage
# points of the whole day's, 19 days of 20 (Dvoretzky, Kiefer and Wolfowitz 1956, Massart 1990).
MOST_ROWS = 100_000
# Of more rows of all reference days together a sample is kept: 1 GiB holds them in every form.
MOST_REFERENCE_ROWS = 500_000
NAMED = sa.text("select metrics.columns_named(:schema, :table, cast(:expressions as text[]))")
# Of so many hash values a sample takes the lowest.
HASHES = 2**30


def read_rows(
    connection: sa.Connection,
    monitor: Monitor,
    days: Sequence[dt.date],
    *,
    segment: tuple[str, str] | None = None,
    most_rows: int | None = None,
    known_rows: int | None = None,
    is_coded: bool = False,
    with_day: bool = False,
    beside: Mapping[str, sql.Composable] | None = None,
    with_projections: bool = False,
) -> pd.DataFrame:
    """Monitored columns of the days, their `segment_columns`, and ``model_version`` at the end.

    Categories are text as Postgres prints it (3, not 3.0), the same in reference and current, and a
    label of two classes is ``true`` or ``false``; numbers are float64, null as NaN. Rows are in the
    order of their id: what draws from them or adds them up gives the same each time.

    Parameters
    ----------
    segment : tuple of str, optional
        A column and the value, as text, that its rows must have.
    most_rows : int, optional
        About as many rows at most, a sample by hash of the id that is the same each time; the
        others never leave the database.
    known_rows : int, optional
        How many there are; they are counted without it.
    is_coded : bool
        Categories are pandas' own, of the same text: quicker to count, and half the memory.
    with_day : bool
        Give the column `DAY` too.
    beside : mapping of str to sql.Composable, optional
        Further columns of numbers, by the expression that computes each.
    with_projections : bool
        Give the numbers of each vector's projection too.
    """
    columns = monitor.columns
    expressions = [
        sql.SQL("{} as {}").format(
            category_of(monitor, name)
            if column.kind == "categorical"
            else number_of(expression_of(monitor, name)),
            sql.Identifier(name),
        )
        for name, column in columns.items()
    ]
    as_text = {name: alias for name, alias in monitor.segment_columns.items() if alias != name}
    expressions += [
        sql.SQL("{} as {}").format(category_of(monitor, name), sql.Identifier(alias))
        for name, alias in as_text.items()
    ]
    expressions += [
        sql.SQL("{} as {}").format(computed, sql.Identifier(alias))
        for alias, computed in (beside or {}).items()
    ]
    vectors = monitor.vectors if with_projections else []
    expressions += [
        sql.SQL("{} as {}").format(projection_of(name), sql.Identifier(name)) for name in vectors
    ]
    where = _where(monitor, days, segment)
    if most_rows is not None:
        rows = known_rows
        if rows is None:
            rows = count_rows(connection, monitor, days, segment=segment)
        if rows > most_rows:
            # A row without an id is as likely to be in it as any other.
            where += sql.SQL(
                " and (hashtextextended(coalesce({id}::text, (scored.*)::text), 0) & {all})"
                " < {some}"
            ).format(
                id=sql.Identifier(monitor.id),
                all=sql.Literal(HASHES - 1),
                some=sql.Literal(int(HASHES * most_rows / rows)),
            )
    if with_day:
        expressions.append(
            sql.SQL("{number} as {day}").format(
                number=number_of_batch(monitor, min(days)), day=sql.Identifier(DAY)
            )
        )
    query = sql.SQL(
        "select {columns}, {version} as {alias} from {table} as scored where {where}"
        # Rows lie in another order after an update, and come from several machines in any.
        ' order by scored.{id}::text collate "C"'
    ).format(
        columns=sql.SQL(", ").join(expressions),
        version=text_of(sql.Identifier(monitor.model_version)),
        alias=sql.Identifier(VERSION),
        id=sql.Identifier(monitor.id),
        table=table_of(monitor),
        where=where,
    )
    text = pa.dictionary(pa.int32(), pa.string()) if is_coded else pa.string()
    types = {
        name: text if column.kind == "categorical" else pa.float64()
        for name, column in columns.items()
    }
    types |= dict.fromkeys(as_text.values(), pa.string())
    types |= dict.fromkeys(beside or (), pa.float64())
    types |= dict.fromkeys(vectors, pa.string())
    types |= {DAY: pa.int64()} if with_day else {}
    with explained(monitor):
        rows = copy_out(connection, query, {**types, VERSION: pa.string()}).to_pandas()
    return _with_projections(rows, vectors)


def _with_projections(rows: pd.DataFrame, vectors: Sequence[str]) -> pd.DataFrame:
    """Rows with the numbers of each vector's projection in the place of their text."""
    for vector in vectors:
        place = rows.columns.get_loc(vector)
        texts = rows.pop(vector)
        known = texts.notna().to_numpy()
        numbers = np.full((len(rows), PROJECTED), np.nan)
        split = " ".join(texts[known]).split()
        numbers[known] = np.array(split, dtype=float).reshape(-1, PROJECTED)
        for number, name in enumerate(projected_names(vector)):
            rows.insert(int(place) + number, name, numbers[:, number])
    return rows


def count_rows(
    connection: sa.Connection,
    monitor: Monitor,
    days: Sequence[dt.date],
    *,
    segment: tuple[str, str] | None = None,
) -> int:
    """Rows of the days, or of a segment of them."""
    query = sql.SQL("select count(*) as rows from {table} where {where}").format(
        table=table_of(monitor), where=_where(monitor, days, segment)
    )
    with explained(monitor):
        counted = copy_out(connection, query, {"rows": pa.int64()}).to_pandas()
    return int(counted["rows"][0])


def _where(
    monitor: Monitor, days: Sequence[dt.date], segment: tuple[str, str] | None
) -> sql.Composed:
    where = sql.SQL("{batch} = any({days}::date[])").format(
        batch=sql.Identifier(monitor.batch_column), days=sql.Literal(list(days))
    )
    if segment is None:
        return where
    name, value = segment
    return where + sql.SQL(" and {text} = {value}").format(
        text=category_of(monitor, name), value=sql.Literal(value)
    )


def fingerprint(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> tuple[int, str]:
    """Row count, and a hash of the monitored columns that does not depend on the rows' order."""
    first, last = monitor.cadence.bounds(first, last)
    names = [monitor.id, monitor.model_version, *monitor.table_columns]
    names += monitor.probability_columns
    names += named_columns(connection, monitor)
    query = sql.SQL(
        "select count(*), coalesce(sum(hashtextextended(row({columns})::text, 0)), 0)::text"
        " from {table} where {batch} between {first} and {last}"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        table=table_of(monitor),
        batch=sql.Identifier(monitor.batch_column),
        first=sql.Literal(first),
        last=sql.Literal(last),
    )
    driver = connection.connection.driver_connection
    with explained(monitor):
        rows, total = driver.execute(query).fetchone()  # type: ignore[union-attr]
    return rows, hashlib.sha256(f"{rows}:{total}".encode()).hexdigest()[:16]


def named_columns(connection: sa.Connection, monitor: Monitor) -> list[str]:
    """Columns that a team's own SQL on the monitor names, by the function that dbt asks too."""
    if not monitor.expressions:
        return []
    place = {"schema": monitor.schema_name, "table": monitor.name}
    found = connection.scalar(NAMED, {**place, "expressions": list(monitor.expressions)})
    return list(found or ())


def table_of(monitor: Monitor) -> sql.Identifier:
    """The monitor's inference table, quoted."""
    return sql.Identifier(monitor.schema_name, monitor.name)


@contextmanager
def explained(monitor: Monitor) -> Iterator[None]:
    """A missing table or column is the user's to mend, so it is told as such."""
    where = f"{monitor.schema_name}.{monitor.name}"
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        message = str(error.diag.message_primary)
        if f'"{where}"' not in message:
            # A view by name reads whatever table has the name now.
            raise DriftmeterError(
                f"a table that it reads is gone ({message})",
                where=where,
                fix="write that table again under its name, or correct the model that names it",
            ) from error
        raise DriftmeterError(
            "the inference table does not exist",
            where=where,
            fix=f"build it: `dbt build --select {monitor.name}`, or `driftmeter run`",
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise DriftmeterError(
            f"{error.diag.message_primary}",
            where=where,
            fix="grant usage on the schema and select on the table that it reads to the login that"
            " measures: docs/access.md",
        ) from error
    except psycopg.errors.UndefinedColumn as error:
        raise DriftmeterError(
            f"{error.diag.message_primary}",
            where=where,
            fix="name an existing column under config.meta.monitor, or add the column to the model",
        ) from error
