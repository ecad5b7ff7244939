"""Compares the columns of an inference table with those of the last measurement."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from psycopg import sql

from driftmeter.monitors.changed_settings import mark_measured
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse.turn import alone

NOW = sa.text(
    "select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute"
    " join pg_class on pg_class.oid = attrelid join pg_namespace as schemas"
    " on schemas.oid = relnamespace where nspname = :schema and relname = :table"
    " and attnum > 0 and not attisdropped"
)
# Of a view that reads its tables by their names: the function that knows what they lost.
ASKED = sa.text(
    "select nspname, pg_proc.proname from pg_depend"
    " join pg_rewrite on pg_rewrite.oid = pg_depend.objid"
    " join pg_proc as read on read.oid = pg_depend.refobjid and read.pronargs = 0"
    " join pg_proc on pg_proc.pronamespace = read.pronamespace and pg_proc.proname = read.proname"
    " and pg_proc.proargtypes = array['text[]'::regtype::oid]::oidvector"
    " join pg_namespace on pg_namespace.oid = read.pronamespace"
    " where classid = 'pg_rewrite'::regclass and refclassid = 'pg_proc'::regclass"
    " and ev_class = to_regclass(quote_ident(:schema) || '.' || quote_ident(:table))"
)
BEFORE = sa.text(
    "select column_name as name, data_type as type from metrics.inference_columns"
    " where monitor = :monitor"
)
FORGET = sa.text("delete from metrics.inference_columns where monitor = :monitor")
KEEP = sa.text(
    "insert into metrics.inference_columns (monitor, column_name, data_type)"
    " values (:monitor, :name, :type)"
)
NOTE = sa.text(
    "insert into metrics.column_changes (monitor, partition_date, column_name, change, old_type,"
    " new_type) values (:monitor, greatest(cast(:day as date), (select max(partition_date)"
    " from metrics.partitions where monitor = :monitor)), :name, :change, :old_type, :new_type)"
    " on conflict (monitor, partition_start, column_name) do update set change = excluded.change,"
    " new_type = excluded.new_type, noted_at = excluded.noted_at"
)
# The reference is measured with a note of each of its days; what came after it has yet to be.
RETYPED_SINCE = sa.text(
    "select column_name as name, change, old_type, new_type from metrics.column_changes"
    " where monitor = :monitor and noted_at >"
    " (select coalesce(min(measured_at), '-infinity') from metrics.measured_inputs"
    " where monitor = :monitor and step = 'quality' and partition_date between :first and :last)"
)
# Types whose values are the same text and the same number.
ALIKE = (frozenset({"smallint", "integer", "bigint"}), frozenset({"text", "character varying"}))
OF_DAYS = sa.text(
    "select partition_date as day, column_name as name, change, old_type, new_type"
    " from metrics.column_changes where monitor = :monitor"
    " and partition_date between :first and :last order by 1, 3 desc, 2"
)


@dataclass(frozen=True)
class ColumnChange:
    """A column that came, went, or is of another type.

    Attributes
    ----------
    old_type, new_type : str or None
        As Postgres writes them, ``numeric(12,2)``; None where there was, or is, no such column.
    """

    name: str
    change: Literal["added", "removed", "retyped"]
    old_type: str | None
    new_type: str | None


def note_columns(engine: sa.Engine, monitor: Monitor, day: dt.date) -> list[ColumnChange]:
    """Keep which columns a monitor's table has, and note what changed since they were last kept.

    Days that were measured while a column that counts was of another type become stale, and the
    reference is to be measured again: `is_reference_of_other_types`.

    Parameters
    ----------
    day : date
        First day of the run. A change is noted of it, or of the newest day that was measured.
    """
    with engine.begin() as connection:
        alone(connection, f"columns {monitor.name}")
        place = {"schema": monitor.schema_name, "table": monitor.name}
        lost = lost_columns(connection, monitor)
        now = {row.name: row.type for row in connection.execute(NOW, place) if row.name not in lost}
        own = {"monitor": monitor.name}
        before = {row.name: row.type for row in connection.execute(BEFORE, own)}
        if not now or now == before:
            return []
        changes = changed_columns(before, now) if before else []
        for change in changes:
            connection.execute(NOTE, {**own, "day": day, **vars(change)})
        if retyped := [change for change in changes if is_to_be_measured(monitor, change)]:
            reason = "; ".join(map(retyped_in_words, retyped))
            mark_measured(connection, monitor, f"columns changed: {reason}")
        connection.execute(FORGET, own)
        connection.execute(KEEP, [{**own, "name": name, "type": now[name]} for name in now])
    return changes


def lost_columns(connection: sa.Connection, monitor: Monitor) -> frozenset[str]:
    """Monitored columns that the tables behind a view by name have no more: they read as null."""
    place = {"schema": monitor.schema_name, "table": monitor.name}
    asked = connection.execute(ASKED, place).first()
    if asked is None:
        return frozenset()
    asked_for = [*monitor.table_columns, *monitor.probability_columns, *monitor.segments]
    names = [*dict.fromkeys(asked_for)]
    query = sql.SQL("select {}({}::text[])").format(sql.Identifier(*asked), sql.Literal(names))
    driver = connection.connection.driver_connection
    (lost,) = driver.execute(query).fetchone()  # type: ignore[union-attr]
    return frozenset(lost)


def is_to_be_measured(monitor: Monitor, change: ColumnChange) -> bool:
    """Whether a column's values are to be counted again, since it is of another type."""
    old, new = (str(name).split("(")[0] for name in (change.old_type, change.new_type))
    return (
        change.change == "retyped"
        and change.name in columns_that_count(monitor)
        and not any({old, new} <= types for types in ALIKE)
    )


def columns_that_count(monitor: Monitor) -> list[str]:
    """Columns whose values are compared or split a day.

    A label of two classes is spelled alike of every type.
    """
    names = dict.fromkeys([*monitor.table_columns, *monitor.segments, monitor.model_version])
    is_spelled_alike = monitor.task == "classification"
    return [name for name in names if not (is_spelled_alike and name == monitor.target)]


def retyped_in_words(change: ColumnChange) -> str:
    """A column's types before and after."""
    return f"{change.name} was {change.old_type} and is {change.new_type}"


def is_reference_of_other_types(connection: sa.Connection, monitor: Monitor) -> bool:
    """Whether a column that counts was of another type when the reference was measured."""
    span = dict(zip(("first", "last"), monitor.reference_span, strict=True))
    rows = connection.execute(RETYPED_SINCE, {"monitor": monitor.name, **span})
    return any(is_to_be_measured(monitor, ColumnChange(**row)) for row in rows.mappings())


def changed_columns(before: Mapping[str, str], now: Mapping[str, str]) -> list[ColumnChange]:
    """How columns with their types differ: those that went, of another type, that came."""
    return [
        *(ColumnChange(name, "removed", before[name], None) for name in before if name not in now),
        *(
            ColumnChange(name, "retyped", before[name], now[name])
            for name in before
            if name in now and now[name] != before[name]
        ),
        *(ColumnChange(name, "added", None, now[name]) for name in now if name not in before),
    ]


def column_changes(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> dict[dt.date, list[ColumnChange]]:
    """Changes that were noted of each day of a span."""
    by_day: dict[dt.date, list[ColumnChange]] = {}
    span = {"monitor": monitor.name, "first": first, "last": last}
    for row in connection.execute(OF_DAYS, span):
        change = ColumnChange(row.name, row.change, row.old_type, row.new_type)
        by_day.setdefault(row.day, []).append(change)
    return by_day
