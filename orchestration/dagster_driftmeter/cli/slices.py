"""`driftmeter slices`: names slices of a day in which rows are new or the loss is large."""

from typing import Annotated

import typer

from dagster_driftmeter.cli.arguments import AsJson, NamedMonitor, monitor_named, read_batch
from dagster_driftmeter.runs.terminal import say, say_json
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection

HEADINGS = {
    "rows": "More rows than in the reference period:",
    "loss": "More of the loss than of the rows, and than in the reference period:",
}


def slices(
    monitor: NamedMonitor,
    date: Annotated[
        str,
        typer.Option(metavar="YYYY-MM-DD", help="A day of the batch; of hours YYYY-MM-DDTHH:MM."),
    ],
    as_json: AsJson = False,
) -> None:
    """Show up to three slices of a day with more rows, and three with more loss, than usual.

    A slice has at most two conditions, which a decision tree finds on one half of the day's rows.
    Its figures are counted on the other half. Slices raise no alarm, and nothing is written.

    Example: driftmeter slices --monitor NAME --date 2026-01-31
    """
    from driftmeter.arrival.inference_rows import read_rows
    from driftmeter.performance.undeclared_slices import slices_of
    from driftmeter.reports.write_report import MOST_ROWS

    declared = monitor_named(monitor)
    day = read_batch("--date", date, declared)
    with connection.engine_of(declared).connect() as session:
        rows, reference = (
            read_rows(session, declared, days, most_rows=MOST_ROWS)
            for days in ([day], declared.reference_batches)
        )
    if rows.empty or reference.empty:
        raise DriftmeterError(
            f"{declared.cadence.named(day) if rows.empty else 'the reference period'} has no rows",
            where=f"{declared.schema_name}.{declared.name}",
            fix="name a day that has rows",
        )
    found = slices_of(declared, reference, rows)
    if as_json:
        say_json([each.as_record() for each in found])
        return
    if not found:
        say(f"No slice of {declared.cadence.named(day)} stands out.")
    for question, heading in HEADINGS.items():
        if named := [each for each in found if each.question == question]:
            say(heading)
            for each in named:
                say(f"  {each}")
