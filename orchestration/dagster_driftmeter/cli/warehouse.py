"""`driftmeter up`, `down` and `url`: the warehouse itself."""

from typing import Annotated

import typer

from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.warehouse import connection
from driftmeter.warehouse.address import read_address
from driftmeter.warehouse.connection import warehouse_url
from driftmeter.warehouse.embedded import EmbeddedPostgres
from driftmeter.warehouse.reader import close_to_public


def up(
    close: Annotated[
        bool,
        typer.Option(
            "--close",
            help="Forbid other logins to create temporary tables, large objects, and tables in"
            " schema public. Use it if only Driftmeter uses the database. The embedded warehouse"
            " is always closed like this.",
        ),
    ] = False,
) -> None:
    """Start the warehouse, bring its tables up to date, and write dbt's profile.

    The warehouse is the Postgres that DRIFTMETER_DATABASE_URL names. If the variable is not set,
    it is the one of the project's own dbt profile, or an embedded Postgres if there is none.
    """
    settings.keep_here()
    shown = read_address(prepare(needs_project=False)).shown
    if close:
        close_to_public(connection.engine())
    say(f"warehouse: {shown}")
    say('  psql "$(driftmeter url)"         open it in psql')
    if settings.is_example():
        say("  driftmeter demo                  run the example in it")
        say("  cd dbt_project && driftmeter-dbt build    build every model of every day")
    else:
        say("  driftmeter init --table S.T      declare a monitor on a table of predictions")
        say("  driftmeter run                   measure every day that is new or changed")


def down() -> None:
    """Stop the embedded warehouse. Its data stays."""
    if settings.external_database_url() is not None:
        say("the warehouse is a Postgres of your own, so it is not stopped")
    elif EmbeddedPostgres(settings.home()).stop():
        say("the embedded warehouse is stopped")
    else:
        say("the embedded warehouse was not running")


def url() -> None:
    """Print the warehouse's connection URL, password included, and nothing else."""
    say(warehouse_url())
