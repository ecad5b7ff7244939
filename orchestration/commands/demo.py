"""`driftmeter demo`: the whole chain with a default for everything."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from orchestration.commands.run import run


def demo(
    source: Annotated[
        str, typer.Option(help="Where trips come from: simulated, files or tlc.")
    ] = "simulated",
    directory: Annotated[
        Optional[Path], typer.Option("--dir", help="Directory of TLC files, for `files`.")
    ] = None,
    from_date: Annotated[
        Optional[str], typer.Option("--from", metavar="YYYY-MM-DD", help="First day.")
    ] = None,
    to_date: Annotated[
        Optional[str], typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, included.")
    ] = None,
    taxi: Annotated[Optional[str], typer.Option(help="yellow or green.")] = None,
    months: Annotated[
        Optional[str],
        typer.Option(metavar="YYYY-MM..YYYY-MM", help="Months to download, for `tlc`."),
    ] = None,
) -> None:
    """Start everything and run three weeks of simulated trips, faults planted, to drift.

    Example: driftmeter demo --source files --dir trips --from 2019-04-01 --to 2019-06-30
    """
    run(source, directory, from_date, to_date, None, taxi, months)
