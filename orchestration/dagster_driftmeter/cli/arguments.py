"""What a user typed as an option, read and checked."""

import datetime as dt
from typing import Annotated, Optional

import typer

from dagster_driftmeter.dbt.project_manifest import check_monitor, monitors
from dagster_driftmeter.runs.terminal import say
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Days, Monitor

FirstDay = Annotated[Optional[str], typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")]
LastDay = Annotated[
    Optional[str], typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")
]
NamedMonitor = Annotated[str, typer.Option("--monitor", help="Name of the monitor.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
Port = Annotated[int, typer.Option(help="Port to listen on.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
# Of the commands that measure days.
OnlyMonitor = Annotated[
    Optional[str], typer.Option(help="Measure only this monitor. Default: all monitors.")
]
Stale = Annotated[
    bool,
    typer.Option(
        "--stale", help="Re-measure only the days whose rows, labels or settings changed."
    ),
]
WatchDays = Annotated[
    Optional[int],
    typer.Option(
        min=0,
        help="How many of the newest days are checked for changed rows or labels. Default:"
        " `watch_days` of each monitor, and in each run one older month, another each time.",
    ),
]
Workers = Annotated[
    Optional[int],
    typer.Option(min=1, help="How many processes measure in parallel. Default: one for each core."),
]


def tell_start() -> None:
    """Say at once that something happens: Dagster and dbt take seconds to import."""
    say("Starting the warehouse, dbt and Dagster ...", err=True)


def monitor_named(name: str) -> Monitor:
    """The declared monitor of that name, or one clear line."""
    declared = monitors()
    check_monitor(name, declared)
    return declared[name]


def read_date(option: str, text: str | None) -> dt.date:
    """A date as the user typed it, or one clear line."""
    if not text:
        raise DriftmeterError("is missing", where=option, fix="write a day as YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise DriftmeterError(
            f"{text!r} is not a date", where=option, fix="write a day as YYYY-MM-DD"
        ) from error


def read_batch(option: str, text: str, monitor: Monitor) -> dt.date:
    """The batch of a monitor that has the day, or the hour, that the user typed.

    An hour may have its offset from UTC, which tells the two hours of one name apart in autumn.
    """
    if not monitor.cadence.is_hourly:
        return monitor.cadence.start(read_date(option, text))
    fix = f"write an hour in {monitor.timezone} as YYYY-MM-DDTHH:MM, such as 2026-01-31T14:00"
    try:
        hour = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise DriftmeterError(f"{text!r} is not an hour", where=option, fix=fix) from error
    if len(text) <= len("2026-01-31"):
        raise DriftmeterError(f"{monitor.name} is measured by the hour", where=option, fix=fix)
    return monitor.cadence.start(hour if hour.tzinfo else hour.replace(tzinfo=monitor.zone))


def read_days(from_date: str | None, to_date: str | None) -> Days:
    """The days from one to the other, both included."""
    first, last = read_date("--from", from_date), read_date("--to", to_date)
    if first > last:
        raise DriftmeterError(
            f"{first} is after --to {last}", where="--from", fix="swap the two days"
        )
    return Days(**{"from": first, "to": last})
