"""`driftmeter up`, `down` and `url`: the warehouse itself."""

from typing import Annotated

import typer

from driftmeter import settings


def up(
    close: Annotated[
        bool,
        typer.Option(
            "--close",
            help="Take temporary tables and large objects from every login of a database that is"
            " Driftmeter's alone; the embedded one always is closed.",
        ),
    ] = False,
) -> None:
    """Start the warehouse, bring its tables up to date, and write dbt's profile.

    With DRIFTMETER_DATABASE_URL set, the warehouse is that Postgres; else an embedded one.
    """
    from dagster_driftmeter.runs.environment import prepare
    from driftmeter.warehouse import connection
    from driftmeter.warehouse.address import read_address
    from driftmeter.warehouse.public_grants import close_to_public

    settings.keep_here()
    shown = read_address(prepare(needs_project=False)).shown
    if close:
        close_to_public(connection.engine())
    typer.echo(f"warehouse: {shown}")
    typer.echo('  psql "$(driftmeter url)"         look into it')
    if settings.is_example():
        typer.echo("  driftmeter demo                  fill it with the example")
        typer.echo("  cd dbt_project && driftmeter-dbt build    build every model of every day")
    else:
        typer.echo("  driftmeter init --table S.T      declare a monitor on a table of predictions")
        typer.echo("  driftmeter run                   measure every day that is new or changed")


def down() -> None:
    """Stop the embedded warehouse; its data stays."""
    from driftmeter.warehouse.embedded import EmbeddedPostgres

    if settings.external_database_url() is not None:
        typer.echo("the warehouse is your own (DRIFTMETER_DATABASE_URL): nothing to stop")
    elif EmbeddedPostgres(settings.home()).stop():
        typer.echo("stopped")
    else:
        typer.echo("was not running")


def url() -> None:
    """Print the warehouse's connection URL, password included, and nothing else."""
    from driftmeter.warehouse.connection import warehouse_url

    typer.echo(warehouse_url())
