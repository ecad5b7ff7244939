"""Prints the summary of a run of the example, with the faults that were planted."""

import datetime as dt

import sqlalchemy as sa

from dagster_driftmeter.cli.summary import print_summary
from dagster_driftmeter.runs.chain import ChainRun
from dagster_driftmeter.runs.retries import only_informs
from dagster_taxi.source_choice import SourceChoice
from driftmeter.warehouse import connection
from taxi.sources.simulated import SimulatedSource
from taxi.trip_labels import newest_loaded

LOADS = sa.text(
    "select coalesce(sum(read), 0), coalesce(sum(loaded), 0), coalesce(sum(rejected), 0)"
    " from raw.loads where partition_date between :first and :last"
)


@only_informs("the summary of the run")
def print_run(run: ChainRun, choice: SourceChoice) -> None:
    """Print a run; for simulated trips with the faults that were planted, the truth."""
    span = {"first": run.days.from_date, "last": run.days.to_date}
    with connection.engine().connect() as session:
        read, loaded, rejected = session.execute(LOADS, span).one()
    source = choice.open()
    today = newest_loaded(connection.engine()) or run.days.to_date

    def planted(day: dt.date) -> str:
        assert isinstance(source, SimulatedSource)
        return ", ".join(
            f"{fault.kind}: {fault.label_by(day, today)}"
            if fault.kind == "late_data"
            else f"{fault.kind} {fault.column}".strip()
            for fault in source.faults_on(day)
        )

    print_summary(
        run,
        f"{read:,} trips read = {loaded:,} loaded + {rejected:,} rejected",
        planted if isinstance(source, SimulatedSource) else None,
    )
