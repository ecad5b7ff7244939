"""`driftmeter code-server`: what Dagster's webserver and daemon load the assets from."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def code_server(
    port: Annotated[int, typer.Option(help="Port.")] = 4000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
) -> None:
    """Serve the assets to Dagster's webserver and daemon; runs are processes of this command.

    For a container, as in docker-compose.yml. Runs that a container before this one left under
    way are marked as failed first, lest they hold up every run after them.
    """
    import dagster as dg

    from dagster_driftmeter.runs.cut_off_runs import end_cut_off_runs
    from dagster_driftmeter.runs.environment import prepare

    prepare()
    with dg.DagsterInstance.get() as instance:
        for run_id in end_cut_off_runs(instance):
            typer.echo(f"run {run_id} was cut off: marked as failed")
    dagster = str(Path(sys.executable).parent / "dagster")
    where = ["--host", host, "--port", str(port), "--module-name", "dagster_driftmeter.definitions"]
    # Signals must reach the server itself.
    os.execv(dagster, [dagster, "code-server", "start", *where])
