"""`driftmeter demo`: the example's trips, from a source through the whole chain."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from dagster_driftmeter.cli.arguments import Workers, read_days, tell_start
from dagster_driftmeter.runs.environment import prepare
from driftmeter import settings
from driftmeter.monitors.config import Days

if TYPE_CHECKING:
    from dagster_taxi.source_choice import SourceChoice


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
    monitor: Annotated[
        Optional[str], typer.Option(help="One monitor only; all without it.")
    ] = None,
    taxi: Annotated[
        Optional[str], typer.Option(help="yellow or green, for `files` and `tlc`.")
    ] = None,
    months: Annotated[
        Optional[str],
        typer.Option(metavar="YYYY-MM..YYYY-MM", help="Months to download, for `tlc`."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed, for `simulated`.")] = 7,
    trips_per_day: Annotated[int, typer.Option(help="Trips a day, for `simulated`.")] = 1000,
    label_delay: Annotated[
        float, typer.Option(metavar="DAYS", help="Labels come so many days late, on average.")
    ] = 0.0,
    labels_dropped: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of labels that never come.")
    ] = 0.0,
    stale: Annotated[
        bool,
        typer.Option("--stale", help="Only days whose rows or labels changed since, again."),
    ] = False,
    every: Annotated[
        Optional[float],
        typer.Option(
            metavar="SECONDS",
            help="Replay: one day every so many seconds; days that are fresh are left out.",
        ),
    ] = None,
    workers: Workers = None,
) -> None:
    """Load taxi trips and take them through to incidents; without options, three simulated weeks.

    Trains the baseline models and builds the reference days first if they are missing. Running
    days again is safe: a day is replaced whole.

    Labels that are late are drawn from a geometric distribution; a later run lets them land, which
    makes their days stale: driftmeter demo --stale computes just those again.

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
        typer.echo("no day is stale: nothing changed since it was computed")


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
