"""`driftmeter report`: dashboards as one HTML page, with neither Docker nor Grafana."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from orchestration.commands.run import read_date
from python_metrics import settings
from python_metrics.errors import DriftmeterError


def report(
    overview: Annotated[
        bool, typer.Option("--overview", help="The overview; short for --dashboard overview.")
    ] = False,
    dashboard: Annotated[
        Optional[str],
        typer.Option(
            help="overview, drift, data-quality, performance, tests-and-incidents or pipeline."
        ),
    ] = None,
    monitor: Annotated[
        Optional[list[str]], typer.Option(help="A monitor, repeatable; all without it.")
    ] = None,
    from_date: Annotated[
        Optional[str], typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")
    ] = None,
    to_date: Annotated[
        Optional[str], typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")
    ] = None,
    out: Annotated[
        Optional[Path], typer.Option(help="The file; in .driftmeter/reports without it.")
    ] = None,
) -> None:
    """Draw a dashboard into one HTML file that needs nothing else, not even a network.

    It runs the same queries as Grafana's dashboard. Without days it shows each monitor's newest
    thirty.

    Example: driftmeter report --overview
    """
    if overview == (dashboard is not None):
        raise DriftmeterError(
            "say which page to draw, once",
            where="driftmeter report",
            fix="use --overview, or --dashboard and a name",
        )
    if (from_date is None) != (to_date is None):
        raise DriftmeterError(
            "only one end of the time range is given",
            where="--from, --to",
            fix="give both, or neither for the newest thirty days",
        )
    days = (read_date("--from", from_date), read_date("--to", to_date)) if from_date else None

    from python_metrics.dashboards.preview.page import write_page
    from python_metrics.dashboards.write import DASHBOARDS
    from python_metrics.warehouse import connection

    by_uid = {known.uid: known for known in DASHBOARDS}
    wanted = by_uid.get(dashboard or "overview")
    if wanted is None:
        raise DriftmeterError(
            f"there is no dashboard {dashboard!r}",
            where="--dashboard",
            fix=f"use one of {', '.join(by_uid)}",
        )
    file = out or settings.home() / "reports" / f"{wanted.uid}.html"
    write_page(connection.engine(), wanted, file, monitors=monitor or (), days=days)
    typer.echo(file.resolve().as_uri())
