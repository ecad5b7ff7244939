"""`driftmeter retain`: drops what is older than a team keeps."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Optional

import sqlalchemy as sa
import typer

from dagster_driftmeter.cli.arguments import read_date
from dagster_driftmeter.cli.retained_tables import declared_ages, tables_of
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import console, say
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse import connection
from driftmeter.warehouse.retention.age import first_kept
from driftmeter.warehouse.retention.drop import KINDS, OldMonth, Table, drop_months, stale_days_of
from driftmeter.warehouse.retention.plan import Plan, Span, make_plan, shortest_days

AGE = "How long to keep {}, such as 90d, 8w, 13m or 3y."


def retain(
    raw: Annotated[
        Optional[str], typer.Option(metavar="AGE", help=AGE.format("raw tables"))
    ] = None,
    features: Annotated[
        Optional[str], typer.Option(metavar="AGE", help=AGE.format("feature tables"))
    ] = None,
    inference: Annotated[
        Optional[str], typer.Option(metavar="AGE", help=AGE.format("inference tables"))
    ] = None,
    metrics: Annotated[
        Optional[str], typer.Option(metavar="AGE", help=AGE.format("metrics"))
    ] = None,
    table: Annotated[
        Optional[list[str]],
        typer.Option(metavar="SCHEMA.TABLE", help="Your own inference table that may lose rows."),
    ] = None,
    as_of: Annotated[
        Optional[str],
        typer.Option(metavar="YYYY-MM-DD", help="Count ages from this day. Default: newest day."),
    ] = None,
    drop_reference: Annotated[
        bool, typer.Option("--drop-reference", help="Drop days of references and baselines too.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be dropped; drop nothing.")
    ] = False,
) -> None:
    """Drop whole months of rows that are older than the age given for their kind of table.

    If you give no age, those of `vars.retain` in dbt_project.yml hold. Ages count back from the
    newest day that was measured. Months with days of a reference period or baseline are kept, and
    so are the metrics of open incidents. A day whose rows were dropped keeps its metrics until
    they reach their own age, and cannot be measured again.

    Example: driftmeter retain --inference 400d --metrics 3y --dry-run
    """
    prepare()
    given = {"raw": raw, "features": features, "inference": inference, "metrics": metrics}
    ages = {kind: age for kind in KINDS if (age := given[kind])}
    where = "--{}" if ages else "dbt_project.yml, vars.retain.{}"
    ages = ages or declared_ages()
    if not ages:
        raise DriftmeterError(
            "no age is given",
            where="driftmeter retain",
            fix="give one, such as --inference 400d --metrics 3y, or declare vars.retain in"
            " dbt_project.yml",
        )
    if table and "inference" not in ages:
        raise DriftmeterError("needs --inference", where="--table", fix="add --inference AGE")
    declared, engine = monitors(), connection.engine()
    tables = {kind: tables_of(kind, declared, table or []) for kind in ages}
    with engine.connect() as session:
        newest = read_date("--as-of", as_of) if as_of else _newest_day(session)
        before = {
            kind: _first_kept(age, newest, where.format(kind), declared)
            for kind, age in ages.items()
        }
        plan = make_plan(session, tables, before, declared, drop_reference)
        stale = stale_days_of(session, plan.months)
    if stale:
        raise DriftmeterError(
            f"{len(stale)} of the days to drop changed after they were measured, the first of"
            f" them {stale[0]}",
            where="metrics.partitions",
            fix="run `driftmeter run --stale` first",
        )
    if plan.months and not dry_run:
        drop_months(engine, plan.months)
    say(f"ages count back from {newest}")
    _show(plan, dry_run)


def _newest_day(session: sa.Connection) -> dt.date:
    newest: dt.date | None = session.scalar(
        sa.text("select max(partition_date) from metrics.partitions")
    )
    if newest is None:
        raise DriftmeterError(
            "no day has been measured yet",
            where="metrics.partitions",
            fix="run `driftmeter run` first",
        )
    return newest


def _first_kept(age: str, newest: dt.date, where: str, monitors: Mapping[str, Monitor]) -> dt.date:
    """The first day that stays; an age that would take what is still read is refused."""
    first, shortest = first_kept(age, newest, where), shortest_days(monitors.values())
    if first > newest - dt.timedelta(days=shortest):
        raise DriftmeterError(
            f"{age} is too short: baselines, late rows and late labels need days that it drops",
            where=where,
            fix=f"keep {shortest + 31}d or more, or shorten watch_days and label_delay_days",
        )
    return first


def _show(plan: Plan, dry_run: bool) -> None:
    from rich import box
    from rich.table import Table as Shown

    by_table: dict[Table, list[OldMonth]] = {}
    for month in plan.months:
        by_table.setdefault(month.table, []).append(month)
    shown = Shown("", "table", "months", "partitions", "rows", "size", box=box.SIMPLE_HEAD)
    for table, gone in by_table.items():
        first, last = gone[0].first, gone[-1].first
        shown.add_row(
            table.kind,
            table.name,
            f"{first:%Y-%m}" + (f" to {last:%Y-%m}" if last > first else ""),
            str(len(gone)) if gone[0].part else "rows only",
            f"{sum(month.rows for month in gone):,}",
            _mebibytes(gone),
        )
    if by_table:
        console().print(shown)
    _tell("kept", plan.kept)
    _tell("would be dropped" if dry_run else "dropped", plan.lost)
    parts = sum(month.part is not None for month in plan.months)
    rows = sum(month.rows for month in plan.months)
    say(
        f"{'would drop' if dry_run else 'dropped'} {rows:,} rows, {_mebibytes(plan.months)},"
        f" among them {parts} whole partitions"
        if by_table
        else "no month is older than these ages"
    )


def _tell(word: str, spans: Sequence[Span]) -> None:
    """One line for what several monitors need alike."""
    alike: dict[tuple[dt.date, dt.date, str], list[str]] = {}
    for span in spans:
        alike.setdefault((span.first, span.last, span.why), []).append(span.monitor)
    for (first, last, why), names in alike.items():
        say(f"{word}: {first} to {last}, {why} of {', '.join(names)}")


def _mebibytes(months: Sequence[OldMonth]) -> str:
    return f"{sum(month.size for month in months) / 2**20:,.1f} MiB"
