"""`driftmeter backup` and `driftmeter restore`: the metrics schema as a file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from dagster_driftmeter.runs.terminal import say
from driftmeter.warehouse import connection, dumps

FILE = typer.Argument(metavar="FILE", help="Path of the backup file.", show_default=False)


def backup(file: Annotated[Path, FILE]) -> None:
    """Write the metrics schema to a new file: tables, rows, views, functions and grants.

    Your own tables are not in the backup, nor is what dbt builds outside the metrics schema.

    Example: driftmeter backup metrics.dump
    """
    dumps.backup(connection.engine(), file)
    say(f"wrote {file}, {file.stat().st_size / 2**20:,.1f} MiB")


def restore(
    file: Annotated[Path, FILE],
    replace: Annotated[
        bool, typer.Option("--replace", help="First drop the warehouse's metrics schema.")
    ] = False,
) -> None:
    """Restore the metrics schema from a backup, completely or not at all.

    If an older Driftmeter wrote the backup, `driftmeter up` or the next run brings it up to date.

    Example: driftmeter restore metrics.dump
    """
    dumps.restore(connection.engine(), file, replace)
    say(f"restored {file}")
