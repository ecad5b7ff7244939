"""`driftmeter doctor`: whether each part works, and what to do where one does not."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dagster_driftmeter.cli.health.finding import Finding

WORDS = {"ok": "[green]ok[/]", "warning": "[yellow]warning[/]", "failure": "[red]failure[/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Check every part of Driftmeter, and say how to fix what does not work.

    The exit code is 1 if a part does not work. The command changes nothing and starts nothing.

    Example: driftmeter doctor
    """
    from dagster_driftmeter.cli.health.examine import examine

    findings = list(examine())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    if any(finding.state == "failure" for finding in findings):
        raise typer.Exit(1)


def _show(findings: "Sequence[Finding]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from dagster_driftmeter.runs.terminal import console

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for finding in findings:
        shows = escape(finding.shows)
        if finding.fix:
            shows += f"\n-> {escape(finding.fix)}"
        table.add_row(WORDS[finding.state], escape(finding.part), shows)
    console().print(table)
    counted = {state: sum(one.state == state for one in findings) for state in WORDS}
    plural = {"warning": "warnings", "failure": "failures"}
    typer.echo(
        ", ".join(
            f"{number} {state if number == 1 else plural.get(state, state)}"
            for state, number in counted.items()
        )
    )
