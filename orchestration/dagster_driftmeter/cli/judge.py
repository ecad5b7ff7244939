"""`driftmeter judge`: judges stored results by an alarm policy; shows or stores the verdicts."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
from pydantic import ValidationError

from dagster_driftmeter.cli.arguments import (
    FirstDay,
    LastDay,
    NamedMonitor,
    monitor_named,
    read_date,
)
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import console, say
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.changed_settings import days_of_other_policy, days_of_other_version
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import counted_days
from driftmeter.warehouse import connection

if TYPE_CHECKING:
    from driftmeter.incidents.ledger import LedgerEntry

    Ledger = Mapping[dt.date, Sequence[LedgerEntry]]

# What of a monitor is policy: the rest decides what is measured, and needs days computed anew.
POLICY = (
    "alarm_budget.false_alarms_per_month",
    "least_effect.shift",
    "least_effect.share",
)


def judge(
    monitor: NamedMonitor,
    from_date: FirstDay = None,
    to_date: LastDay = None,
    changes: Annotated[
        Optional[list[str]],
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help=f"Policy to try. FIELD is one of {', '.join(POLICY)}.",
        ),
    ] = None,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply", help="Judge every stored day by the declared policy, and store it."
        ),
    ] = False,
) -> None:
    """Show on which measured days another policy would have raised alarms.

    Nothing is written unless you add --apply. With --apply, every stored day is judged again by
    the policy in the monitor's YAML and by this version of Driftmeter, and the verdicts are stored.
    After a change of the policy, `driftmeter run` does that by itself. If another version of
    Driftmeter judged the days, `driftmeter run` only says so.

    Example: driftmeter judge --monitor NAME --from 2026-01-01 --to 2026-01-31
    --set alarm_budget.false_alarms_per_month=0.5
    """
    declared = monitor_named(monitor)
    if apply:
        if from_date or to_date or changes:
            raise DriftmeterError(
                "judges every stored day by the declared policy",
                where="--apply",
                fix="leave out --from, --to and --set, and write the policy into the YAML",
            )
        keep(declared)
        return
    from driftmeter.incidents.ledger import alarms_under, stored_alarms

    first = declared.cadence.start(read_date("--from", from_date))
    last = read_date("--to", to_date)
    asked = with_policy(declared, changes or [])
    last = declared.cadence.last(last) if declared.cadence.is_hourly else last
    engine = connection.engine_of(declared)
    now = alarms_under(engine, asked, first, last, settings.home() / "calibration")
    with engine.connect() as session:
        then = stored_alarms(session, monitor, first, last)
        is_otherwise = bool(changes) or days_of_other_version(session, monitor) > 0
        is_otherwise |= days_of_other_policy(session, declared) > 0
    show(asked, then, now if is_otherwise else {day: then.get(day, []) for day in now})


def keep(monitor: Monitor) -> None:
    """Judge every stored day again as the monitor is declared, and write what comes of it."""
    from dagster_driftmeter.runs.progress import spinner
    from driftmeter.incidents.judging import judge_declared

    prepare()
    with spinner("judging stored days"):
        judged = judge_declared(
            connection.engine_of(monitor), monitor, settings.home() / "calibration"
        )
    if not judged:
        raise DriftmeterError(
            f"no day of {monitor.name} has been measured since its YAML changed",
            where="--apply",
            fix="run `driftmeter run` first",
        )
    say(f"{monitor.name}: {counted_days(judged)} judged again, none measured again")


def with_policy(monitor: Monitor, changes: Sequence[str]) -> Monitor:
    """The monitor with other alarm fields, checked as its YAML is."""
    content: dict[str, Any] = monitor.model_dump(by_alias=True)
    for change in changes:
        field, equals, value = change.partition("=")
        if field not in POLICY or not equals:
            raise DriftmeterError(
                f"{change!r} does not set a policy",
                where="--set",
                fix=f"write FIELD=VALUE with FIELD one of {', '.join(POLICY)}",
            )
        group, _, name = field.partition(".")
        content[group] = {**content[group], name: value}
    try:
        return type(monitor).model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise DriftmeterError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg'].lower()}",
            where="--set",
            fix="write a number that the field allows",
        ) from error


def show(monitor: Monitor, then: "Ledger", now: "Ledger") -> None:
    """Days with an alarm under either policy, and how many there are."""
    from rich import box
    from rich.table import Table

    terminal = console()
    table = Table(monitor.every, "as stored", "judged now", box=box.SIMPLE_HEAD)
    counts = [sum(map(bool, ledger.values())) for ledger in (then, now)]
    days = sorted({*then, *now})
    for day in days:
        names = [_names(ledger.get(day, ())) for ledger in (then, now)]
        if any(names):
            table.add_row(monitor.cadence.name(day), *names)
    budget = monitor.alarm_budget.false_alarms_per_month
    every = monitor.every
    none = f"no alarm {'on' if every == 'day' else 'in'} any {every}"
    terminal.print(table if any(counts) else none)
    counted = monitor.cadence.counted(len(days))
    terminal.print(
        f"{counted}: {counts[0]} have a stored alarm, {counts[1]} have one as judged now"
        f" ({budget:g} false alarms a month)"
    )


def _names(entries: "Sequence[LedgerEntry]") -> str:
    """What is in alarm: the columns, the plainest first; else what it is of."""
    columns = [e.column or "" for e in entries if e.budget == "columns"]
    others = [_name(e) for e in entries if e.budget not in ("columns", "segments")]
    segments = [_name(e) for e in entries if e.budget == "segments"]
    names = [*columns, *others] or segments[:1]
    more = f" +{len(names) - 3}" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _name(entry: "LedgerEntry") -> str:
    if entry.budget == "segments":
        return f"{entry.column} in {entry.segment} = {entry.segment_value}"
    if entry.budget == "groups":
        metric = str(entry.column).replace("_", " ")
        return f"{metric} of {entry.segment} = {entry.segment_value}"
    if entry.budget == "metrics":
        where = f" in {entry.segment} = {entry.segment_value}" if entry.segment else ""
        return f"{entry.column}{where}"
    words = {"classifier": "all columns together", "volume": "number of rows", "error": "error"}
    return words[entry.budget]
