"""`driftmeter backup` and `driftmeter restore`: the metrics schema as a file, and back."""

from pathlib import Path
from typing import Annotated

import typer

FILE = typer.Argument(metavar="FILE", help="File of the backup.", show_default=False)


def backup(file: Annotated[Path, FILE]) -> None:
    """Write the metrics schema to a new file: tables, rows, views, functions and grants.

    Your own tables and what dbt makes of them are not in it.

    Example: driftmeter backup metrics.dump
    """
    from driftmeter.warehouse import connection
    from driftmeter.warehouse import dumps as backup

    backup.backup(connection.engine(), file)
    typer.echo(f"wrote {file}, {file.stat().st_size / 2**20:,.1f} MiB")


def restore(
    file: Annotated[Path, FILE],
    replace: Annotated[
        bool, typer.Option("--replace", help="Drop the metrics schema that is there first.")
    ] = False,
) -> None:
    """Put the metrics schema of a backup into the warehouse, whole or not at all.

    A backup of an older Driftmeter is brought up to date by the next command, or `driftmeter up`.

    Example: driftmeter restore metrics.dump
    """
    from driftmeter.warehouse import connection
    from driftmeter.warehouse import dumps as backup

    backup.restore(connection.engine(), file, replace)
    typer.echo(f"restored {file}")
