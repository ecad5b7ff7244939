"""`driftmeter ui`: Dagster's own pages on this warehouse."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestration.environment import prepare


def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3001,
) -> None:
    """Open Dagster's UI and its daemon, which runs schedules and the replay, until Ctrl-C."""
    prepare()
    dagster = Path(sys.executable).parent / "dagster"
    arguments = ["dev", "--module-name", "orchestration.definitions", "--host", "127.0.0.1"]
    typer.echo(f"Dagster: http://127.0.0.1:{port}  (Ctrl-C ends it; the warehouse stays up)")
    os.execv(dagster, [str(dagster), *arguments, "--port", str(port)])
