"""`driftmeter test`: a day's tests, as a gate in somebody's pipeline."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.commands.arguments import read_date
from python_metrics.errors import DriftmeterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from python_metrics.drift.results import TestOutcome

# What passes is counted: a list of eighty passes hides the one that does not.
ORDER = ("fail", "error", "skipped")
COLORS = {"fail": "red", "error": "red", "skipped": "yellow"}


def gate(
    monitor: Annotated[str, typer.Option(help="The monitor.")],
    date: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day.")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail it too.")] = False,
    output: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
) -> None:
    """Run a day's Evidently tests and store their outcomes; exit code 1 if one fails.

    Tests of severity error decide; with --strict all of them. A day without rows fails.

    Example: driftmeter test --monitor trip_duration --date 2019-04-03
    """
    if output not in ("table", "json"):
        raise DriftmeterError(
            f"there is no format {output!r}", where="--format", fix="use table or json"
        )
    from orchestration.dbt_manifest import monitors
    from orchestration.progress import spinner
    from python_metrics.drift.partition import run_tests
    from python_metrics.drift.reference import load_reference
    from python_metrics.warehouse import connection

    declared = monitors()
    if monitor not in declared:
        raise DriftmeterError(
            f"there is no monitor {monitor!r}",
            where="--monitor",
            fix=f"use one of {', '.join(declared)}",
        )
    day, engine = read_date("--date", date), connection.engine()
    with spinner("tests"):
        reference = load_reference(engine, declared[monitor])
        outcomes = run_tests(engine, declared[monitor], day, reference)
    failing = [each for each in outcomes if each.status in ("fail", "error")]
    deciding = [each for each in failing if strict or each.severity == "error"]
    if output == "json":
        typer.echo(json.dumps([vars(each) for each in outcomes]))
    else:
        _show(outcomes)
        typer.echo(
            f"{len(outcomes)} tests of {monitor} on {day}:"
            f" {sum(each.status == 'pass' for each in outcomes)} pass, {len(failing)} fail,"
            f" {len(deciding)} of these decide"
        )
    raise SystemExit(1 if deciding else 0)


def _show(outcomes: "Sequence[TestOutcome]") -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("", "severity", "column", "test", "observed", "expected", box=box.SIMPLE_HEAD)
    shown = [each for each in outcomes if each.status in ORDER]
    for each in sorted(shown, key=lambda each: ORDER.index(each.status)):
        table.add_row(
            f"[{COLORS[each.status]}]{each.status}[/]",
            each.severity,
            each.column_name or "",
            each.test,
            "" if each.observed is None else f"{each.observed:.4g}",
            each.reason or each.expected,
        )
    Console().print(table)
