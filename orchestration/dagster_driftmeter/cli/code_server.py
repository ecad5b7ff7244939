"""`driftmeter code-server`: what Dagster's webserver and daemon load the assets from."""

import os
import sys
from pathlib import Path

from dagster_driftmeter.cli.arguments import Host, Port
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say


def code_server(
    port: Port = 4000,
    host: Host = "127.0.0.1",
) -> None:
    """Serve the assets to Dagster's webserver and daemon, and start their runs as processes.

    Use it in a container, as docker-compose.yml does. When it starts, it marks the runs that an
    earlier container left unfinished as failed, because they would block every later run.
    """
    import dagster as dg

    from dagster_driftmeter.runs.cut_off_runs import end_cut_off_runs

    prepare()
    with dg.DagsterInstance.get() as instance:
        for run_id in end_cut_off_runs(instance):
            say(f"run {run_id} did not finish before its container ended: marked as ended")
    dagster = str(Path(sys.executable).parent / "dagster")
    where = ["--host", host, "--port", str(port), "--module-name", "dagster_driftmeter.definitions"]
    # Signals must reach the server itself.
    os.execv(dagster, [dagster, "code-server", "start", *where])
