"""`driftmeter slices`: names slices of a day with new rows, a large loss or missing labels."""

from typing import Annotated

import typer

from dagster_driftmeter.cli.arguments import AsJson, NamedMonitor, monitor_named, read_batch
from dagster_driftmeter.runs.terminal import say, say_json
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection


def slices(
    monitor: NamedMonitor,
    date: Annotated[
        str,
        typer.Option(metavar="YYYY-MM-DD", help="A day of the batch; of hours YYYY-MM-DDTHH:MM."),
    ],
    as_json: AsJson = False,
) -> None:
    """Show slices of a day with more rows, more loss or more missing labels than usual.

    There are up to three of each. A slice has at most two conditions, which a decision tree finds
    on one half of the day's rows. Its figures are counted on the other half. Slices raise no alarm,
    and nothing is written.

    Example: driftmeter slices --monitor NAME --date 2026-01-31
    """
    from driftmeter.arrival.inference_rows import read_rows
    from driftmeter.arrival.labels_due import last_due
    from driftmeter.performance.undeclared_slices import HEADINGS, slices_of
    from driftmeter.reports.write_report import MOST_ROWS

    declared = monitor_named(monitor)
    day = read_batch("--date", date, declared)
    with connection.engine_of(declared).connect() as session:
        rows, reference = (
            read_rows(session, declared, days, most_rows=MOST_ROWS)
            for days in ([day], declared.reference_batches)
        )
        is_due = day <= last_due(session, declared)
    if rows.empty or reference.empty:
        raise DriftmeterError(
            f"{declared.cadence.named(day) if rows.empty else 'the reference period'} has no rows",
            where=f"{declared.schema_name}.{declared.name}",
            fix="name a day that has rows",
        )
    found = slices_of(declared, reference, rows, is_due=is_due)
    if as_json:
        say_json([each.as_record() for each in found])
        return
    if not found:
        say(f"No slice of {declared.cadence.named(day)} stands out.")
    for question, heading in HEADINGS.items():
        if named := [each for each in found if each.question == question]:
            say(f"{heading}:")
            for each in named:
                say(f"  {each}")
