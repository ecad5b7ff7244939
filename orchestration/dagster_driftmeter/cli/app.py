"""The `driftmeter` command line. Commands import what they need late, so that `url` is quick."""

import os
import sys
from typing import Annotated

import typer

from dagster_driftmeter.cli import (
    backup,
    code_server,
    doctor,
    gate,
    grafana,
    groups,
    incidents,
    init,
    judge,
    notify,
    power,
    report,
    reports,
    retain,
    run,
    slices,
    status,
    ui,
    versions,
    warehouse,
)
from dagster_driftmeter.cli import health_endpoint as health
from dagster_driftmeter.dbt.profile_login import name_warehouse
from dagster_driftmeter.runs.terminal import say
from driftmeter import __version__, settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.refusal import refusal_of

app = typer.Typer(
    epilog="To start, run `driftmeter demo`, the example, or `driftmeter init` on your own table.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(warehouse.up)
app.command()(warehouse.down)
app.command()(warehouse.url)
app.command()(init.init)
app.command()(run.run)
app.command()(retain.retain)
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(health.health)
app.command("test")(gate.gate)
app.command()(ui.ui)
app.command()(judge.judge)
app.command()(power.power)
app.command()(slices.slices)
app.command()(groups.groups)
app.command()(report.report)
app.command()(reports.reports)
app.command()(code_server.code_server)
app.add_typer(incidents.app, name="incidents")
app.command()(notify.notify)
app.command()(grafana.grafana)
app.add_typer(versions.app, name="versions")
if settings.is_example() or (settings.IS_CHECKOUT and not settings.has_project()):
    from dagster_taxi.commands import demo

    app.command()(demo.demo)
if settings.is_example():
    from dagster_taxi.commands import trained_versions as trained

    for of_example in (trained.train, trained.promote, trained.retire):
        versions.app.command()(of_example)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def driftmeter(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Monitor batch machine-learning models whose predictions are rows in Postgres."""
    if "--help" not in sys.argv:
        name_warehouse()


def run_app() -> None:
    """Run the command line; a user's error is one line on stderr and exit code 1."""
    try:
        app()
    except Exception as error:
        told = error if isinstance(error, DriftmeterError) else refusal_of(error)
        if told is None or os.environ.get("DRIFTMETER_DEBUG"):
            raise
        say(f"error: {told}", err=True)
        raise SystemExit(1) from None
