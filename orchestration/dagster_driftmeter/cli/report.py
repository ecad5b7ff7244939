"""`driftmeter report`: draws Evidently's report of a day, or a dashboard, as one HTML page."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from dagster_driftmeter.cli.arguments import FirstDay, LastDay, monitor_named, read_batch, read_date
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.baselines import BASELINES
from driftmeter.reports.report_address import page_link
from driftmeter.warehouse import connection


def report(
    overview: Annotated[
        bool, typer.Option("--overview", help="Draw the overview dashboard.")
    ] = False,
    dashboard: Annotated[
        Optional[str],
        typer.Option(
            help="Dashboard to draw: overview, drift, data-quality, performance,"
            " tests-and-incidents or pipeline."
        ),
    ] = None,
    monitor: Annotated[
        Optional[list[str]],
        typer.Option(help="Monitor to draw; can be repeated. Default: all monitors."),
    ] = None,
    from_date: FirstDay = None,
    to_date: LastDay = None,
    date: Annotated[
        Optional[str],
        typer.Option(
            metavar="YYYY-MM-DD",
            help="Draw Evidently's report of this day; of hours YYYY-MM-DDTHH:MM.",
        ),
    ] = None,
    segment: Annotated[
        Optional[str],
        typer.Option(metavar="COLUMN=VALUE", help="With --date: only rows of this segment."),
    ] = None,
    against: Annotated[
        str,
        typer.Option(help="With --date: the baseline, which is reference, trailing or weekday."),
    ] = "reference",
    column: Annotated[
        Optional[str],
        typer.Option(help="With --dashboard: the column that panels of one column show."),
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option(
            help="File for the dashboard; the library that draws it is written beside it."
            " Default: a file in .driftmeter/reports."
        ),
    ] = None,
) -> None:
    """Draw a day's report or a dashboard as an HTML page that needs no network.

    With --date, draw Evidently's report of a monitor's day: its drift, summary and performance,
    compared with the reference period, the trailing baseline (28 days that end a week before), or
    the same weekday of the eight weeks before. With --overview or --dashboard, draw the charts of
    that Grafana dashboard; without --from and --to, over each monitor's newest thirty days.

    Examples: driftmeter report --overview;
    driftmeter report --dashboard data-quality --monitor NAME --column income;
    driftmeter report --monitor NAME --date 2026-01-31 --segment country=2
    """
    if date is not None:
        if overview or dashboard or from_date or to_date or out or column:
            raise DriftmeterError(
                "the options ask for a day's report and a dashboard at once",
                where="driftmeter report",
                fix="give --monitor and --date, or --dashboard and its options",
            )
        say(day_report(monitor or [], date, segment, against))
        return
    if overview == (dashboard is not None):
        raise DriftmeterError(
            "the options must name one page to draw",
            where="driftmeter report",
            fix="use --overview, --dashboard NAME, or --monitor and --date",
        )
    if (from_date is None) != (to_date is None):
        raise DriftmeterError(
            "only one end of the time range is given",
            where="--from, --to",
            fix="give both, or neither for the newest thirty days",
        )
    days = (read_date("--from", from_date), read_date("--to", to_date)) if from_date else None

    from driftmeter.dashboards.preview.static_page import write_page
    from driftmeter.dashboards.write import DASHBOARDS

    by_name = {known.name: known for known in DASHBOARDS}
    wanted = by_name.get(dashboard or "overview")
    if wanted is None:
        raise DriftmeterError(
            f"there is no dashboard {dashboard!r}",
            where="--dashboard",
            fix=f"use one of {', '.join(by_name)}",
        )
    file = out or settings.home() / "reports" / f"{wanted.name}.html"
    try:
        write_page(
            connection.engine(), wanted, file, monitors=monitor or (), days=days, column=column
        )
    except OSError as error:
        raise DriftmeterError(
            f"cannot be written ({error.strerror})",
            where=str(file),
            fix="name a file in a directory that exists and is writable",
        ) from error
    say(page_link(file))


def day_report(monitor: list[str], date: str, segment: str | None, against: str) -> str:
    """Write Evidently's page of a day, as the user typed it; gives the link to it."""
    from dagster_driftmeter.runs.progress import spinner
    from driftmeter.reports.write_report import write_report

    if len(monitor) != 1:
        raise DriftmeterError(
            f"one monitor is needed, not {', '.join(monitor) or 'none'}",
            where="--monitor",
            fix="name one; `driftmeter status` lists them",
        )
    declared = monitor_named(monitor[0])
    chosen = next((known for known in BASELINES if known == against), None)
    if chosen is None:
        raise DriftmeterError(
            f"there is no baseline {against!r}",
            where="--against",
            fix=f"use one of {', '.join(BASELINES)}",
        )
    name, equals, value = (segment or "").partition("=")
    if segment is not None and (not equals or name not in (*declared.columns, *declared.segments)):
        raise DriftmeterError(
            f"{segment!r} is not a segment of {declared.name}",
            where="--segment",
            fix="write COLUMN=VALUE with a column such as "
            + (", ".join(declared.segments) or "a feature"),
        )
    with spinner("report"):
        path = write_report(
            connection.engine_of(declared),
            declared,
            read_batch("--date", date, declared),
            settings.home() / "reports",
            segment=(name, value) if segment else None,
            against=chosen,
        )
    return page_link(path)
