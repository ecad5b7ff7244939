"""`driftmeter doctor`: whether each part works, and what to do where one does not."""

from collections.abc import Sequence
from dataclasses import asdict

import typer

from dagster_driftmeter.cli.arguments import AsJson
from dagster_driftmeter.cli.health.finding import Finding
from dagster_driftmeter.runs.terminal import console, say, say_json

COLORS = {"ok": "green", "warning": "yellow", "failure": "red"}


def doctor(
    as_json: AsJson = False,
) -> None:
    """Check every part of Driftmeter, and say how to fix what does not work.

    The exit code is 1 if a part does not work. The command changes nothing and starts nothing.

    Example: driftmeter doctor
    """
    from dagster_driftmeter.cli.health.examine import examine

    findings = list(examine())
    if as_json:
        say_json([asdict(finding) for finding in findings])
    else:
        _show(findings)
    if any(finding.state == "failure" for finding in findings):
        raise typer.Exit(1)


def _show(findings: Sequence[Finding]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        shows = finding.shows
        if finding.fix:
            shows += f"\n-> {finding.fix}"
        table.add_row(Text(finding.state, COLORS[finding.state]), finding.part, shows)
    console().print(table)
    counted = {state: sum(one.state == state for one in findings) for state in COLORS}
    plural = {"warning": "warnings", "failure": "failures"}
    say(
        ", ".join(
            f"{number} {state if number == 1 else plural.get(state, state)}"
            for state, number in counted.items()
        )
    )
