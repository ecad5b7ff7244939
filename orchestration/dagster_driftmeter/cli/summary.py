"""Prints what a run found, at the terminal."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_driftmeter.assets.incidents_asset import without_page
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.chain import ChainRun
from dagster_driftmeter.runs.progress import spinner
from dagster_driftmeter.runs.retries import only_informs
from dagster_driftmeter.runs.terminal import console as output
from driftmeter import settings
from driftmeter.alarms.event_days import judged_events
from driftmeter.alarms.not_judged import not_judged, with_wide_thresholds
from driftmeter.arrival.changed_days import MEASURED_SPAN, watched_spans
from driftmeter.dashboards.dashboard import read_dashboard
from driftmeter.dashboards.preview.static_page import write_page
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Days
from driftmeter.monitors.days import counted_days
from driftmeter.monitors.hour import day_of
from driftmeter.reports.report_address import page_link, stored_page
from driftmeter.warehouse import connection

DAYS = sa.text(
    """
    select
        partitions.partition_date,
        partitions.state,
        partitions.row_count,
        count(*) filter (where drift.status = 'ok') as compared,
        coalesce(
            array_agg(drift.column_name order by drift.score_ratio desc nulls last)
            filter (where drift.is_drifted),
            '{}'
        ) as drifted,
        (
            select alarm_days.budgets from metrics.alarm_days
            where
                alarm_days.monitor = partitions.monitor
                and alarm_days.partition_date = partitions.partition_date
        ) as budgets,
        (
            select count(*)
            from metrics.failing_tests as tests
            where
                tests.monitor = partitions.monitor
                and tests.partition_date = partitions.partition_date
        ) as failing_tests
    from metrics.partitions
    left join metrics.drift_scored as drift
        on
            drift.monitor = partitions.monitor
            and drift.partition_date = partitions.partition_date
            and drift.segment is null
            and drift.column_name is not null
    where
        partitions.monitor = :monitor
        and partitions.partition_date between :first and :last
    group by
        partitions.monitor,
        partitions.partition_date,
        partitions.state,
        partitions.row_count
    order by partitions.partition_date
    """
)
STYLES = {"fresh": "", "empty": "yellow", "missing": "yellow", "stale": "yellow", "failed": "red"}
LONGEST_TABLE = 31
INCIDENTS = sa.text(
    "select opened_on, kind, diagnosis, incident_id, report_state, report_reason"
    " from metrics.incidents where monitor = :monitor"
    " and opened_on <= :last and last_seen_on >= :first"
    " order by family in ('performance', 'metric') desc, opened_on desc, incident_id desc"
)
OPEN_GAPS = sa.text(
    "select monitor, diagnosis from metrics.incidents where kind = 'missing_day'"
    " and closed_on is null and (cast(:monitor as text) is null or monitor = :monitor) order by 1"
)
NEWEST_ROWS = sa.text(
    "select max(partition_date) from metrics.partitions where monitor = :monitor and row_count > 0"
)
MOST_INCIDENTS = 10
MOST_EVENTS = 5
# Each takes some 0.4 s to draw.
MOST_ON_PAGE = 10
GRAVEST_REPORT = sa.text(
    "select report_url from metrics.incidents where monitor = any(:monitors)"
    " and opened_on <= :last and last_seen_on >= :first and report_url is not null"
    " order by severity, incident_id limit 1"
)


# What is known of a day beside its measurements, for one more column of the table.
Remark = Callable[[dt.date], str]


@only_informs("the summary of the run")
def print_summary(run: ChainRun, arrived: str = "", planted: Remark | None = None) -> None:
    """Print what ran, which breaches there are, and where to look next.

    Parameters
    ----------
    arrived : str
        What came in on these days, for the first line.
    planted : callable, optional
        Of a day: the faults that were planted into it, where the truth is known.
    """
    terminal = output()
    span = {"first": day_of(run.days.from_date), "last": day_of(run.days.to_date)}
    with connection.engine().connect() as session:
        terminal.print(
            f"\n[bold]{run.days.from_date} to {run.days.to_date}[/] in {run.seconds:.0f} s"
            + (f": {escape(arrived)}" if arrived else "")
            + (", including the reference period" if run.built_reference else ""),
            markup=True,
        )
        alarms = {
            monitor: _print_monitor(terminal, monitor, run.days, planted)
            for monitor in run.monitors
        }
        report = _report(session, run.monitors, span)
    _print_next(terminal, sorted(alarms, key=lambda name: -alarms[name]), report)


def open_gaps(engine: sa.Engine, monitor: str | None) -> list[str]:
    """A line a monitor, of one or of all, whose rows are due and have not come."""
    with engine.connect() as session:
        rows = session.execute(OPEN_GAPS, {"monitor": monitor})
        return [f"{row.monitor}: {row.diagnosis}" for row in rows]


def newest_rows(monitor: str | None) -> list[str]:
    """A line a monitor, of one or of all, whose newest rows are older than yesterday's."""
    lines = []
    for name, declared in monitors().items():
        with connection.engine_of(declared).connect() as session:
            newest = session.scalar(NEWEST_ROWS, {"monitor": name})
        if newest is None or monitor not in (None, name):
            continue
        now, cadence = dt.datetime.now(declared.zone), declared.cadence
        if cadence.ended_by(now) > newest:
            batch, age = cadence.name(newest), counted_days((now.date() - day_of(newest)).days)
            if cadence.is_hourly:
                age = cadence.counted(cadence.between(newest, now))
            lines.append(f"{name}: the newest rows are from {batch}, {age} ago")
    return lines


def looked_at(monitor: str | None, watch_days: int | None) -> list[str]:
    """A line a monitor, of one or of all, on the days that were compared with the table."""
    lines, has_more = [], False
    for name, declared in monitors().items():
        if monitor not in (None, name):
            continue
        with connection.engine_of(declared).connect() as session:
            spans = watched_spans(session, declared, watch_days=watch_days, looks_back=True)
            if spans:
                days = " and ".join(f"{each.from_date} to {each.to_date}" for each in spans)
                lines.append(f"{name}: compared {days} with what was measured of them")
                oldest = session.execute(MEASURED_SPAN, {"monitor": name}).one().oldest
                whole = [(day_of(each.from_date), day_of(each.to_date)) for each in spans]
                compared = sum((last - first).days + 1 for first, last in whole)
                newest = max(last for _, last in whole)
                has_more |= oldest is not None and (newest - day_of(oldest)).days + 1 > compared
    if has_more:
        lines.append("--watch-days N compares more days")
    return lines


@only_informs("the summary of the day")
def print_day(run: ChainRun) -> None:
    """Print one line a monitor for one day of a replay."""
    with connection.engine().connect() as session:
        for monitor in run.monitors:
            cadence = monitors()[monitor].cadence
            batch = cadence.start(run.days.from_date)
            asked = {"monitor": monitor, "first": batch, "last": batch}
            day = session.execute(DAYS, asked).mappings().one()
            output().print(
                f"{cadence.name(batch)}  {monitor:<16} {day['state']:<8}"
                f" {day['row_count']:>8,} rows"
                f"  {f'{_drifted(day)} drifted' if day['compared'] else _drifted(day)}"
                f"  {run.seconds:.1f} s",
                highlight=False,
            )


def _print_monitor(console: Console, monitor: str, of_run: Days, planted: Remark | None) -> int:
    """A table of days; gives how many have an alarm."""
    with connection.engine_of(monitors()[monitor]).connect() as session:
        return _print_batches(console, session, monitor, of_run, planted)


def _print_batches(
    console: Console,
    session: sa.Connection,
    monitor: str,
    of_run: Days,
    planted: Remark | None,
) -> int:
    cadence = monitors()[monitor].cadence
    first, last = cadence.bounds(of_run.from_date, of_run.to_date)
    span = {"first": cadence.start(first), "last": last}
    days = session.execute(DAYS, {"monitor": monitor, **span}).mappings().all()
    states = [day["state"] for day in days]
    alarms = sum(day["budgets"] is not None for day in days)
    is_judged = any(day["compared"] or day["budgets"] for day in days)
    found = f"{alarms} with an alarm" if is_judged else f"no {cadence.every} was judged"
    # Days between two batches are empty; one that should not be has an incident.
    remarkable = [d for d in days if d["budgets"] or d["state"] not in ("fresh", "empty")]
    shown = days if len(days) <= LONGEST_TABLE else remarkable[-LONGEST_TABLE:]
    counts = ", ".join(f"{states.count(state)} {state}" for state in STYLES if state in states)
    table = Table(
        title=f"{monitor}: {cadence.counted(len(days))} ({counts}); {found}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in (cadence.every, "state", "rows", "drifted", "failing tests"):
        table.add_column(column, justify="right" if column in ("rows", "failing tests") else "left")
    table.add_column("most drifted", overflow="fold")
    if planted:
        table.add_column("planted", overflow="fold")
    for day in shown:
        batch = day["partition_date"]
        table.add_row(
            cadence.name(batch),
            day["state"],
            f"{day['row_count']:,}",
            _drifted(day),
            str(day["failing_tests"]),
            _most_drifted(day["drifted"]) or ", ".join(day["budgets"] or ()),
            *([planted(day_of(batch))] if planted else []),
            style=STYLES[day["state"]],
        )
    console.print(table)
    for part in not_judged(session, [monitor]):
        console.print(f"  {part.sentence}", style="yellow", highlight=False)
    for sentence in with_wide_thresholds(session, [monitor]).values():
        console.print(f"  {sentence}.", highlight=False)
    events = judged_events(session, monitor, span["first"], span["last"])
    for sentence in events[-MOST_EVENTS:]:
        console.print(f"  {sentence}.", highlight=False)
    if len(events) > MOST_EVENTS:
        console.print(f"  {len(events) - MOST_EVENTS} earlier days are of known events too")
    _print_incidents(console, session, monitor, span, cadence)
    if len(shown) < len(days):
        console.print(
            f"  {len(shown)} of {cadence.counted(len(days))} shown: the latest that have an alarm,"
            " or are neither fresh nor empty"
        )
    return alarms


def _print_incidents(
    console: Console,
    session: sa.Connection,
    monitor: str,
    span: dict[str, dt.date],
    cadence: Cadence,
) -> None:
    """What happened on these days: losses first, then the latest."""
    incidents = session.execute(INCIDENTS, {"monitor": monitor, **span}).mappings().all()
    for incident in incidents[:MOST_INCIDENTS]:
        console.print(
            f"  {cadence.name(incident['opened_on'])}  {incident['kind']:<18}"
            f" {incident['diagnosis']}",
            highlight=False,
        )
    if len(incidents) > MOST_INCIDENTS:
        console.print(f"  and {len(incidents) - MOST_INCIDENTS} more: driftmeter incidents --all")
    for incident in incidents:
        if incident["report_state"] == "failed":
            line = without_page(incident["incident_id"], incident["report_reason"])
            console.print(f"  {line}", highlight=False)


def _drifted(day: Mapping[Any, Any]) -> str:
    """How many columns drifted, of how many that were judged."""
    if day["compared"]:
        return f"{len(day['drifted'])}/{day['compared']}"
    return "not judged" if day["state"] == "fresh" else ""


def _most_drifted(columns: list[str]) -> str:
    """The column that drifted most, and how many more did."""
    more = f" +{len(columns) - 1}" if len(columns) > 1 else ""
    return f"{columns[0]}{more}" if columns else ""


def _report(
    session: sa.Connection, monitors: Sequence[str], span: dict[str, dt.date]
) -> Path | None:
    """Evidently's report of the most severe incident of these days, if it was drawn."""
    address = session.scalar(GRAVEST_REPORT, {"monitors": list(monitors), **span})
    return None if address is None else stored_page(str(address))


def _overview(monitors: Sequence[str]) -> Path:
    file = settings.home() / "reports" / "overview.html"
    with spinner("overview page"):
        return write_page(connection.engine(), read_dashboard("overview"), file, monitors=monitors)


def _print_next(console: Console, monitors: Sequence[str], report: Path | None) -> None:
    """Pages and commands; of the monitors of the run the first few are on the page."""
    console.print("\n[bold]Where to look next[/]", markup=True)
    lines = []
    with only_informs("the overview page"):
        page = page_link(_overview(monitors[:MOST_ON_PAGE]))
        more = len(monitors) - MOST_ON_PAGE
        rest = f"; `driftmeter report --overview` draws {more} more monitors" if more > 0 else ""
        lines.append(f"{page}   the overview as one page{rest}")
    if report:
        lines.append(f"{page_link(report)}   Evidently's report of the most severe incident")
    lines += [
        "driftmeter ui       Dagster on http://127.0.0.1:3001, an asset for each step and monitor",
        "driftmeter incidents   open incidents, each with its diagnosis",
        "driftmeter status   the state of every monitor",
        'psql "$(driftmeter url)" -c "select * from metrics.drift_scored where is_drifted"',
    ]
    for line in lines:
        console.print(f"  {line}", soft_wrap=True, highlight=False)
