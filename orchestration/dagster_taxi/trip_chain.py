"""Runs all steps of the example on taxi trips, and trains the models first."""

import datetime as dt
import time
from collections.abc import Iterator

import sqlalchemy as sa

from dagster_driftmeter.assets.keys import dbt_keys
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs import chain
from dagster_driftmeter.runs.chain import ChainRun
from dagster_driftmeter.runs.jobs import materialize, run_job
from dagster_driftmeter.runs.run_scope import in_a_row
from dagster_driftmeter.runs.told_changes import tell_changes
from dagster_driftmeter.runs.unbuilt import reference_without_quality, span_of
from dagster_taxi import source_choice
from dagster_taxi.raw_assets import MATURE_TAG, PREDICTIONS, TRIPS
from dagster_taxi.source_choice import SourceChoice
from dagster_taxi.trained_days import trained_days
from driftmeter.arrival.changed_days import stale_days
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Days
from driftmeter.monitors.days import every_day
from driftmeter.warehouse import connection
from taxi.models.baseline_models import MODELS
from taxi.sources import Source


def run_chain(
    choice: SourceChoice, days: Days, only: str | None = None, workers: int | None = None
) -> ChainRun:
    """Load these days of trips, score them, and measure them.

    The baseline models are trained and the reference days built first if they are missing, or
    were made from another source.

    Parameters
    ----------
    choice : SourceChoice
        Where trips come from; remembered for later runs.
    days : Days
        First and last day.
    only : str, optional
        One monitor's name; None runs all.
    workers : int, optional
        Monitors that are measured at once; as many as there are cores without.

    Raises
    ------
    DriftmeterError
        If the monitor is unknown, the source has none of the days, or a step fails.
    """
    started = time.perf_counter()
    with chain.kept_processes(only):
        names, built_reference = _run(choice, days, only, workers)
    return ChainRun(days, tuple(names), built_reference, time.perf_counter() - started)


def _run(
    choice: SourceChoice, days: Days, only: str | None, workers: int | None
) -> tuple[list[str], bool]:
    """The monitors that were run, and whether their reference was built."""
    names = chain.names_of(only)
    tell_changes(names)
    source = choice.open()
    _check_days(source, days)
    # From here on the choice decides, for downloaded months, which days are the reference.
    source_choice.remember(choice)
    reference = _train(source, names, only) if _needs_baseline(source, names) else None
    # Only now: while Dagster was imported they would have taken its core.
    chain.begin_workers(names, days, workers)
    materialize(days, only, TRIPS)
    for span in chain.together(reference, days):
        materialize(span, only, [*PREDICTIONS, *dbt_keys()])
    chain.measure_monitors(days, names, workers)
    return names, reference is not None


def replay(
    choice: SourceChoice,
    days: Days,
    every_seconds: float,
    only: str | None = None,
    workers: int | None = None,
) -> Iterator[ChainRun]:
    """Take the days through the chain one at a time, one every so many seconds.

    The course's demo loop: dashboards and Dagster's pages fill while one looks. Days that are
    fresh already are left out, so that a replay that was stopped goes on where it was.

    Yields
    ------
    ChainRun
        Each day's, as it is done.
    """
    with chain.kept_processes(only):
        for day in every_day(days.from_date, days.to_date):
            if _is_done(day, only):
                continue
            started = time.monotonic()
            yield run_chain(choice, Days(**{"from": day, "to": day}), only, workers)
            time.sleep(max(0.0, every_seconds - (time.monotonic() - started)))


def run_stale(
    choice: SourceChoice, only: str | None = None, workers: int | None = None
) -> Iterator[ChainRun]:
    """Load and measure again the days whose trips or labels changed; days in a row are one run.

    Yields
    ------
    ChainRun
        As it is done.
    """
    days = {day for name in chain.names_of(only) for day in stale_days(connection.engine(), name)}
    with chain.kept_processes(only):
        for span in in_a_row(days):
            yield run_chain(choice, span, only, workers)


def _is_done(day: dt.date, only: str | None) -> bool:
    query = sa.text(
        "select count(*) from metrics.partitions where partition_date = :day"
        " and monitor = any(:monitors) and state in ('fresh', 'empty', 'missing')"
    )
    names = chain.names_of(only)
    with connection.engine().connect() as session:
        return bool(session.scalar(query, {"day": day, "monitors": names}) == len(names))


def _check_days(source: Source, days: Days) -> None:
    have = source.days()
    if not any(day in days for day in have):
        span = f"{have[0]} to {have[-1]}" if have else "no days"
        raise DriftmeterError(
            f"the source has no day from {days.from_date} to {days.to_date}; it has {span}",
            where="--from, --to",
            fix="ask for days that it has",
        )


def _needs_baseline(source: Source, names: list[str]) -> bool:
    """Whether a monitor lacks a model or built reference days of this source."""
    modelled = sa.text(
        "select count(*) from metrics.model_versions"
        " where monitor = :monitor and is_active and data_source = :source"
    )
    built = sa.text(
        "select count(distinct partition_date) from raw.loads where source = :source"
        " and partition_date between :first and :last"
    )
    with connection.engine().connect() as session:
        for name in names:
            reference = monitors()[name].reference
            span = {"first": reference.from_date, "last": reference.to_date}
            length = (reference.to_date - reference.from_date).days + 1
            if session.scalar(built, {"source": source.signature, **span}) != length:
                return True
            modelled_by = {"monitor": name, "source": source.signature}
            if name in MODELS and not session.scalar(modelled, modelled_by):
                return True
    return reference_without_quality(names) is not None


def _train(source: Source, names: list[str], only: str | None) -> Days:
    """Load the days that models learn from, and the reference, and train; gives the reference."""
    references = [monitors()[name].reference for name in names]
    have = source.days()
    if not any(day in span for span in references for day in have):
        raise DriftmeterError(
            f"the source has none of the reference days {references[0].from_date} to "
            f"{references[0].to_date}",
            where="reference, in dbt_project/models/inference/_inference.yml",
            fix="declare reference days that the source has",
        )
    load = span_of([*(trained_days(name) for name in MODELS), *references])
    materialize(load, only, TRIPS, {MATURE_TAG: "true"})
    run_job("baseline", {})
    return span_of(references)
