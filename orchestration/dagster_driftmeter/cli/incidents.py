"""`driftmeter incidents`: list incidents, and record what people do about them."""

import getpass
import os
from typing import TYPE_CHECKING, Annotated, Optional

import sqlalchemy as sa
import typer

from dagster_driftmeter.cli.arguments import read_date
from dagster_driftmeter.dbt.project_manifest import check_monitor, monitors
from dagster_driftmeter.runs.terminal import console, say, say_json
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import days_within
from driftmeter.reports.report_address import page_link, stored_page
from driftmeter.warehouse import connection

if TYPE_CHECKING:
    from driftmeter.incidents.actions import Action

app = typer.Typer(
    help="List incidents. Acknowledge, close, exclude or accept one.",
    epilog="Example: driftmeter incidents ack 12 --note 'vendor informed'",
    add_completion=False,
)
Number = Annotated[int, typer.Argument(metavar="ID", help="The incident's number.")]
Note = Annotated[Optional[str], typer.Option(help="The reason, kept in the incident's history.")]
Author = Annotated[
    Optional[str], typer.Option(help="Your name. Default: DRIFTMETER_AUTHOR, or your login.")
]

LIST = (
    "select incident_id, monitor, kind, severity, opened_on, last_seen_on, closed_on, days,"
    " opened_start, last_seen_start, closed_start, coalesce(timezone, 'UTC') as timezone,"
    " diagnosis, acknowledged_by, excluded_from_baseline, evidence ->> 'proposal' as proposal,"
    " coalesce(every, 'day') as every from metrics.incidents"
    " left join (select monitor, every, timezone from metrics.monitors) as monitors using (monitor)"
    " where (cast(:monitor as text) is null or monitor = :monitor)"
    " and (:closed or closed_on is null)"
    " order by closed_on is null and family = 'performance' desc, opened_start, incident_id"
)
HISTORY = (
    "select at, event, on_date, on_start, coalesce(every, 'day') as every,"
    " coalesce(timezone, 'UTC') as timezone, author, note from metrics.incident_events"
    " left join (select monitor, every, timezone from metrics.monitors) as monitors using (monitor)"
    " where incident_id = :number order by event_id"
)


@app.callback(invoke_without_command=True)
def list_incidents(
    context: typer.Context,
    monitor: Annotated[
        Optional[str], typer.Option(help="Only the incidents of this monitor.")
    ] = None,
    closed: Annotated[bool, typer.Option("--all", help="Closed incidents too.")] = False,
) -> None:
    """List the open incidents: those of the error first, then the oldest."""
    if context.invoked_subcommand is not None:
        return
    from rich.markup import escape
    from rich.padding import Padding

    with connection.engine().connect() as session:
        if monitor is not None:
            known = session.scalars(sa.text("select monitor from metrics.monitors order by 1"))
            check_monitor(monitor, list(known))
        rows = session.execute(sa.text(LIST), {"monitor": monitor, "closed": closed}).all()
    terminal = console()
    if not rows:
        terminal.print("no incident" if closed else "no open incident (--all lists closed ones)")
        return
    for row in rows:
        cadence = Cadence.of(row.every, row.timezone)
        first, last, end = row.opened_on, row.last_seen_on, row.closed_on
        if cadence.is_hourly:
            first, last = row.opened_start, row.last_seen_start
            end = row.closed_start and cadence.name(row.closed_start)
        state = f"closed {end}" if end else "[bold]open[/]"
        marks = [f"acknowledged by {escape(row.acknowledged_by)}"] if row.acknowledged_by else []
        marks += ["excluded"] if row.excluded_from_baseline else []
        kind = f"[red]{row.kind}[/]" if row.severity == "error" else row.kind
        days = days_within(row.days, first, last, cadence)
        terminal.print(
            f"{row.incident_id:>4}  {escape(row.monitor)}  {kind}  {days}, "
            + ", ".join([state, *marks]),
            highlight=False,
            markup=True,
        )
        terminal.print(Padding(row.diagnosis, (0, 0, 0, 6), expand=False), highlight=False)
        if row.proposal and not row.closed_on:
            terminal.print(Padding(f"proposed: {row.proposal}", (0, 0, 0, 6), expand=False))


@app.command()
def show(number: Number) -> None:
    """Show an incident with its evidence and its history."""
    with connection.engine().connect() as session:
        query = sa.text("select * from metrics.incidents where incident_id = :number")
        incident = session.execute(query, {"number": number}).mappings().first()
        events = session.execute(sa.text(HISTORY), {"number": number}).all()
    if incident is None and not events:
        raise DriftmeterError(
            f"there is no incident {number}", where="ID", fix="list them: `driftmeter incidents`"
        )
    if incident is not None:
        say(f"{incident['kind']} of {incident['monitor']}: {incident['diagnosis']}")
        if incident["report_url"]:
            page = stored_page(incident["report_url"])
            say(f"report: {page_link(page) if page else incident['report_url']}")
        say_json(incident["evidence"])
    for event in events:
        note = f"  {event.note}" if event.note else ""
        cadence = Cadence.of(event.every, event.timezone)
        on = cadence.on(event.on_start) if cadence.is_hourly else f"on {event.on_date}"
        say(f"{event.at:%Y-%m-%d %H:%M}  {event.event} {on} by {event.author}{note}")


@app.command()
def ack(number: Number, note: Note = None, author: Author = None) -> None:
    """Acknowledge an incident. Its days no longer count in the trailing baseline."""
    _act(number, "ack", author, note)


@app.command()
def close(number: Number, note: Note = None, author: Author = None) -> None:
    """Close an incident. If the same cause returns within four weeks, the incident opens again."""
    _act(number, "close", author, note)


@app.command()
def exclude(number: Number, note: Note = None, author: Author = None) -> None:
    """Keep an incident's days out of the trailing baseline permanently."""
    _act(number, "exclude", author, note)


@app.command()
def accept(
    number: Number,
    from_date: Annotated[
        Optional[str],
        typer.Option(
            "--from",
            metavar="YYYY-MM-DD",
            help="First day that is normal. Default: the incident's first day.",
        ),
    ] = None,
    note: Note = None,
    author: Author = None,
) -> None:
    """Declare an incident's days normal from a day on, and close the incident permanently."""
    from driftmeter.incidents import accept as accepting
    from driftmeter.incidents.update import update_incidents

    engine, who = connection.engine(), _author(author)
    first = read_date("--from", from_date) if from_date else None
    monitor = _declared_here(number)
    accepted = accepting.accept(engine, number, who, note, first)
    update_incidents(connection.of_monitor(engine, monitor), monitor, [])
    say(
        f"incident {number}: accepted by {who}. Days from {accepted.from_date} on are normal for"
        f" {', '.join(accepted.columns)}; days from {accepted.in_force_on} on are compared with"
        " them"
    )


def _author(author: str | None) -> str:
    return author or os.environ.get("DRIFTMETER_AUTHOR") or getpass.getuser()


def _act(number: int, action: "Action", author: str | None, note: str | None) -> None:
    from driftmeter.incidents.actions import EVENTS, act
    from driftmeter.incidents.judging import judge_again

    who = _author(author)
    engine = connection.engine()
    # Before anything is stored: what follows from it is judged with the monitor's own YAML.
    monitor = _declared_here(number) if action != "close" else None
    acted = act(engine, number, action, who, note)
    if monitor is not None:
        of_monitor = connection.of_monitor(engine, monitor)
        judge_again(of_monitor, monitor, settings.home() / "calibration", acted.opened_on)
    say(f"incident {number}: {EVENTS[action].removesuffix('_by_hand')} by {who}")


def _declared_here(number: int) -> Monitor:
    """The monitor of an incident, as this project declares it.

    Raises
    ------
    DriftmeterError
        If there is no such incident, or another project declares its monitor.
    """
    from driftmeter.incidents.actions import load_incident

    with connection.engine().begin() as session:
        name = load_incident(session, number)["monitor"]
    declared = monitors()
    if name not in declared:
        raise DriftmeterError(
            f"it is of the monitor {name}, which this dbt project does not declare",
            where=f"incident {number}",
            fix="run this in the directory of the project that does, after `driftmeter run` there",
        )
    return declared[name]
