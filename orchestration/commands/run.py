"""`driftmeter run`: days of a source through the whole chain."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from orchestration.environment import prepare
from python_metrics.errors import DriftmeterError
from python_metrics.monitors.config import Days

if TYPE_CHECKING:
    from orchestration.source_choice import SourceChoice

Date = Annotated[Optional[str], typer.Option(metavar="YYYY-MM-DD")]


def run(
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
) -> None:
    """Load days and take them through to drift; without options, three weeks of simulated trips.

    Trains the baseline models and builds the reference days first if they are missing. Running
    days again is safe: a day is replaced whole.

    Labels that are late are drawn from a geometric distribution; a later run lets them land, which
    makes their days stale: driftmeter run --stale computes just those again.

    Example: driftmeter run --source files --dir trips --from 2019-04-01 --to 2019-06-30
    """
    from orchestration.source_choice import SourceChoice, chosen

    if stale:
        _run_stale(chosen(), monitor)
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
    prepare()
    from orchestration.chain import replay, run_chain
    from orchestration.summary import print_day, print_summary

    if every is None:
        print_summary(run_chain(choice, days, monitor))
        return
    for done in replay(choice, days, every, monitor):
        print_day(done)


def _run_stale(choice: "SourceChoice", monitor: str | None) -> None:
    prepare()
    from orchestration.chain import run_stale
    from orchestration.summary import print_summary

    done = 0
    for run_ in run_stale(choice, monitor):
        print_summary(run_)
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
        from orchestration.source_choice import own_days

        return own_days(months).measured
    first_day, last_day = read_date("--from", from_date), read_date("--to", to_date)
    if first_day > last_day:
        raise DriftmeterError(
            f"{first_day} is after --to {last_day}", where="--from", fix="swap the two"
        )
    return Days(**{"from": first_day, "to": last_day})


def read_date(option: str, text: str | None) -> dt.date:
    """A date as the user typed it, or one clear line."""
    if not text:
        raise DriftmeterError("is missing", where=option, fix="write a day as YYYY-MM-DD")
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise DriftmeterError(
            f"{text!r} is no date", where=option, fix="write a day as YYYY-MM-DD"
        ) from error
