"""Drops old months of tables: a partition where the table is split, else its rows."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import psycopg
import sqlalchemy as sa
from psycopg import sql

from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.schema import in_warehouse

Kind = Literal["raw", "features", "inference", "metrics"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# The record of days comes last: it is the calendar, and may only lose its beginning.
LEDGER = "metrics.partitions"
# A partition is dropped when nobody reads or writes its table: for so long is waited for that, and
# whoever comes meanwhile waits too.
PATIENCE = "10s"
WAIT = sa.text("select set_config('lock_timeout', :time, true)")
IN_USE = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
METRICS = (
    "metrics.column_summary",
    "metrics.custom_metrics",
    "metrics.custom_metric_verdicts",
    "metrics.group_counts",
    "metrics.group_verdicts",
    "metrics.drift",
    "metrics.performance",
    "metrics.performance_history",
    "metrics.test_results",
    "metrics.breaches",
    "metrics.version_comparisons",
    "metrics.confusion",
    "metrics.measured_inputs",
    "metrics.column_changes",
    LEDGER,
)
RELATION = sa.text(
    "select relkind::text as kind, exists (select from pg_attribute where attrelid = pg_class.oid"
    " and attname = 'partition_date' and atttypid = 'date'::regtype) as has_day"
    " from pg_class where oid = to_regclass(:table)"
)
PARTS = sa.text(
    "select inhrelid::regclass::text as part, pg_get_expr(relpartbound, inhrelid) as bounds,"
    " pg_total_relation_size(inhrelid) as bytes"
    " from pg_inherits join pg_class on pg_class.oid = inhrelid"
    " where inhparent = cast(:table as regclass)"
)
STALE = sa.text(
    "select distinct partition_date from metrics.partitions where monitor = any(:monitors)"
    " and state = 'stale' and date_trunc('month', partition_date)::date = any(:months) order by 1"
)
FINAL = sa.text(
    "update metrics.partitions set rows_dropped_at = now() where monitor = any(:monitors)"
    " and date_trunc('month', partition_date)::date = any(:months) and rows_dropped_at is null"
)


@dataclass(frozen=True)
class Table:
    """A table of one kind, with a column `partition_date`.

    Attributes
    ----------
    monitors : tuple of str
        Monitors whose days cannot be measured again without these rows; none of metrics.
    """

    name: str
    kind: Kind
    monitors: tuple[str, ...] = ()


@dataclass(frozen=True)
class OldMonth:
    """A month of a table that goes.

    Attributes
    ----------
    part : str or None
        The partition that is dropped; None where rows are deleted.
    """

    table: Table
    first: dt.date
    part: str | None
    rows: int
    size: int


def old_months(
    connection: sa.Connection, table: Table, before: dt.date, kept: Collection[dt.date]
) -> list[OldMonth]:
    """Months of a table that end before a day and are not among those that stay.

    Parameters
    ----------
    before : date
        The first of a month.
    kept : collection of date
        Months that stay, by their first day.

    Raises
    ------
    DriftmeterError
        If the table has no column `partition_date`, or is a view.
    """
    relation = connection.execute(RELATION, {"table": _identifier(table).as_string()}).one_or_none()
    if relation is None:
        return []
    if relation.kind not in "rp" or not relation.has_day:
        what = "has no column partition_date" if relation.kind in "rp" else "is not a table"
        raise DriftmeterError(
            what, where=table.name, fix="name a table with the day of each row in partition_date"
        )
    every = (
        _parts(connection, table) if relation.kind == "p" else _months(connection, table, before)
    )
    old = sorted((month for month in every if month.first < before), key=lambda m: m.first)
    if table.name == LEDGER:
        stays = [month.first for month in old if month.first in kept]
        return [month for month in old if not stays or month.first < stays[0]]
    return [month for month in old if month.first not in kept]


def stale_days_of(connection: sa.Connection, months: Sequence[OldMonth]) -> list[dt.date]:
    """Days that changed since they were measured, and would lose the rows to measure again."""
    days: set[dt.date] = set()
    for monitors, firsts in _by_monitors(months).items():
        days.update(
            connection.scalars(STALE, {"monitors": list(monitors), "months": sorted(firsts)})
        )
    return sorted(days)


def drop_months(engine: sa.Engine, months: Sequence[OldMonth]) -> None:
    """Drop all of these in one transaction; days whose rows go keep what was measured of them.

    Raises
    ------
    DriftmeterError
        If somebody reads or writes one of the tables for longer than `PATIENCE`.
    """
    try:
        with engine.begin() as connection:
            connection.execute(WAIT, {"time": PATIENCE})
            # The history of performance lets itself be shortened by this alone.
            connection.execute(sa.text("set local driftmeter.retains = 'on'"))
            for month in months:
                _drop(connection, month)
            for monitors, firsts in _by_monitors(months).items():
                connection.execute(FINAL, {"monitors": list(monitors), "months": sorted(firsts)})
    except sa.exc.OperationalError as error:
        if not isinstance(error.orig, IN_USE):
            raise
        raise DriftmeterError(
            "a table is in use, and nothing was dropped",
            where=engine.url.render_as_string(hide_password=True),
            fix="run this again when no run and no long query is active",
        ) from error


def _by_monitors(months: Sequence[OldMonth]) -> dict[tuple[str, ...], set[dt.date]]:
    firsts: dict[tuple[str, ...], set[dt.date]] = {}
    for month in months:
        if month.table.monitors:
            firsts.setdefault(month.table.monitors, set()).add(month.first)
    return firsts


def _parts(connection: sa.Connection, table: Table) -> list[OldMonth]:
    months = []
    for row in connection.execute(PARTS, {"table": _identifier(table).as_string()}):
        first = dt.date.fromisoformat(row.bounds.split("'")[1])
        rows = connection.exec_driver_sql(f"select count(*) from {row.part}").scalar_one()
        months.append(OldMonth(table, first, row.part, rows, row.bytes))
    return months


def _months(connection: sa.Connection, table: Table, before: dt.date) -> list[OldMonth]:
    query = sql.SQL(
        "select date_trunc('month', partition_date)::date, count(*), sum(pg_column_size(old.*))"
        " from {} as old where partition_date < {} group by 1"
    ).format(_identifier(table), sql.Literal(before))
    rows = connection.exec_driver_sql(query.as_string())
    return [OldMonth(table, first, None, count, size) for first, count, size in rows]


def _drop(connection: sa.Connection, month: OldMonth) -> None:
    if month.part is not None:
        connection.exec_driver_sql(f"drop table {month.part}")
        return
    following = (month.first + dt.timedelta(days=32)).replace(day=1)
    query = sql.SQL("delete from {} where partition_date >= {} and partition_date < {}").format(
        _identifier(month.table), sql.Literal(month.first), sql.Literal(following)
    )
    connection.exec_driver_sql(query.as_string())


def _identifier(table: Table) -> sql.Identifier:
    return sql.Identifier(*in_warehouse(table.name).split("."))
