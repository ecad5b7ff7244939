"""`driftmeter demo`: loads the example's trips and runs all steps on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from dagster_driftmeter.cli.arguments import (
    FirstDay,
    LastDay,
    OnlyMonitor,
    Stale,
    Workers,
    read_days,
    tell_start,
)
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.monitors.config import Days

if TYPE_CHECKING:
    from dagster_taxi.source_choice import SourceChoice


def demo(
    source: Annotated[
        str, typer.Option(help="Source of the trips: simulated, files or tlc.")
    ] = "simulated",
    directory: Annotated[
        Optional[Path], typer.Option("--dir", help="Directory of TLC files, for source `files`.")
    ] = None,
    from_date: FirstDay = None,
    to_date: LastDay = None,
    monitor: OnlyMonitor = None,
    taxi: Annotated[
        Optional[str], typer.Option(help="yellow or green, for sources `files` and `tlc`.")
    ] = None,
    months: Annotated[
        Optional[str],
        typer.Option(metavar="YYYY-MM..YYYY-MM", help="Months to download, for source `tlc`."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed, for source `simulated`.")] = 7,
    trips_per_day: Annotated[
        int, typer.Option(help="Trips per day, for source `simulated`.")
    ] = 1000,
    label_delay: Annotated[
        float, typer.Option(metavar="DAYS", help="Mean number of days until a label comes.")
    ] = 0.0,
    labels_dropped: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of labels that never come.")
    ] = 0.0,
    stale: Stale = False,
    every: Annotated[
        Optional[float],
        typer.Option(
            metavar="SECONDS",
            help="Replay the days: start one every so many seconds, and skip fresh days.",
        ),
    ] = None,
    workers: Workers = None,
) -> None:
    """Load taxi trips, score them, and measure them. Without options: three simulated weeks.

    The command trains the baseline models and measures the reference period first if they are
    missing. You can run a day twice: its results are replaced as a whole.

    With --label-delay, the days until a label comes follow a geometric distribution. A later run
    loads the labels that have come by then, and the days that they belong to become stale:
    driftmeter demo --stale re-measures only those.

    Example: driftmeter demo --source files --dir trips --from 2019-04-01 --to 2019-06-30
    """
    from dagster_taxi.source_choice import SourceChoice, chosen

    settings.choose_example()
    if stale:
        _run_stale(chosen(), monitor, workers)
        return
    choice = SourceChoice(
        kind=source,
        directory=str(directory.resolve()) if directory else None,
        taxi=taxi,
        months=months,
        seed=seed,
        trips_per_day=trips_per_day,
        label_delay=label_delay,
        labels_dropped=labels_dropped,
    )
    # Told at once what is wrong with it.
    _ = choice.delay
    days = days_to_run(from_date, to_date, choice.kind, months)
    tell_start()
    prepare()
    from dagster_driftmeter.cli.summary import print_day
    from dagster_taxi.trip_chain import replay, run_chain
    from dagster_taxi.trip_summary import print_run

    if every is None:
        print_run(run_chain(choice, days, monitor, workers), choice)
        return
    for done in replay(choice, days, every, monitor, workers):
        print_day(done)


def _run_stale(choice: "SourceChoice", monitor: str | None, workers: int | None) -> None:
    tell_start()
    prepare()
    from dagster_taxi.trip_chain import run_stale
    from dagster_taxi.trip_summary import print_run

    done = 0
    for run_ in run_stale(choice, monitor, workers):
        print_run(run_, choice)
        done += 1
    if not done:
        say("no day is stale")


def days_to_run(
    from_date: str | None, to_date: str | None, source: str, months: str | None
) -> Days:
    """The days that the options ask for: three weeks of faults for the simulator by default."""
    if source == "simulated":
        from_date, to_date = from_date or "2019-04-01", to_date or "2019-04-21"
    if source == "tlc" and months and not (from_date and to_date):
        from dagster_taxi.source_choice import own_days

        return own_days(months).measured
    return read_days(from_date, to_date)
