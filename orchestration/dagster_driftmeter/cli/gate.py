"""`driftmeter test`: a day's tests, as a gate in somebody's pipeline."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from dagster_driftmeter.cli.arguments import NamedMonitor, monitor_named, read_batch
from dagster_driftmeter.runs.terminal import console, say, say_json
from driftmeter.drift.results import TestOutcome
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection

# What passes is counted: a list of eighty passes hides the one that does not.
ORDER = ("fail", "error", "warn", "skipped")
WORDS = ("pass", *ORDER)
COLORS = {"fail": "red", "error": "red", "warn": "yellow", "skipped": "yellow"}


def gate(
    monitor: NamedMonitor,
    date: Annotated[
        str, typer.Option(metavar="YYYY-MM-DD", help="Day to test; of hours YYYY-MM-DDTHH:MM.")
    ],
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as failures.")] = False,
    output: Annotated[
        str, typer.Option("--format", help="Form of the output: table or json.")
    ] = "table",
) -> None:
    """Run the Evidently tests of a day, and store their outcomes.

    The exit code is 1 if a test of severity error fails, or the day has no rows. With --strict, it
    is also 1 if a test of severity warn fails.

    Example: driftmeter test --monitor NAME --date 2026-01-31
    """
    if output not in ("table", "json"):
        raise DriftmeterError(
            f"there is no format {output!r}", where="--format", fix="use table or json"
        )
    from dagster_driftmeter.runs.progress import spinner
    from driftmeter.drift.drift_day import run_tests
    from driftmeter.drift.reference import load_reference

    declared = monitor_named(monitor)
    day, engine = read_batch("--date", date, declared), connection.engine_of(declared)
    with spinner("tests"):
        reference = load_reference(engine, declared)
        measured = run_tests(engine, declared, day, reference)
    outcomes = [test for test in measured if not test.is_comparison]
    deciding = [test for test in outcomes if decides(test, strict)]
    if output == "json":
        say_json([{**vars(test), "decides": decides(test, strict)} for test in outcomes])
    else:
        _show(outcomes, strict)
        counts = Counter(verdict(test, strict) for test in outcomes)
        numbers = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
        why = (
            "at least one failure: exit code 1"
            if deciding
            else "no failures: exit code 0 (--strict makes warnings fail)"
            if counts["warn"]
            else "no failures: exit code 0"
        )
        say(f"{len(outcomes)} tests of {monitor} {declared.cadence.on(day)}: {numbers}; {why}")
    raise SystemExit(1 if deciding else 0)


def decides(test: TestOutcome, strict: bool) -> bool:
    """Whether a test's outcome fails the day."""
    return test.status in ("fail", "error") and (strict or test.severity == "error")


def verdict(test: TestOutcome, strict: bool) -> str:
    """A test's outcome in one word: what fails and decides nothing is a warning."""
    is_failing = test.status in ("fail", "error")
    return "warn" if is_failing and not decides(test, strict) else test.status


def _show(outcomes: Sequence[TestOutcome], strict: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table("", "severity", "column", "test", "observed", "expected", box=box.SIMPLE_HEAD)
    shown = [(verdict(test, strict), test) for test in outcomes]
    listed = [(word, test) for word, test in shown if word in ORDER]
    for word, test in sorted(listed, key=lambda row: ORDER.index(row[0])):
        table.add_row(
            Text(word, COLORS[word]),
            test.severity,
            test.column_name or "",
            test.test,
            "" if test.observed is None else f"{test.observed:.4g}",
            test.reason or test.expected,
        )
    console().print(table)
