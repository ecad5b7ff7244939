"""Runs all steps on days of monitors: dbt, drift, performance, incidents; the reference first."""

import contextlib
import datetime as dt
import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import joblib

from dagster_driftmeter.assets.incidents_asset import write_reports
from dagster_driftmeter.assets.keys import python_keys
from dagster_driftmeter.dbt.project_manifest import check_monitor, manifest_path, monitors
from dagster_driftmeter.dbt.server import kept_dbt
from dagster_driftmeter.runs.ending import keeping_ctrl_c
from dagster_driftmeter.runs.jobs import materialize
from dagster_driftmeter.runs.over_pieces import FEWEST_PIECES, PROCESSES_TAG
from dagster_driftmeter.runs.own_folder import make_own_folder
from dagster_driftmeter.runs.run_scope import ended_batches, in_a_row
from dagster_driftmeter.runs.terminal import say
from dagster_driftmeter.runs.told_changes import tell_changes, tell_labels, tell_retyped
from dagster_driftmeter.runs.unbuilt import (
    build,
    build_missing,
    build_reference,
    groups_of,
    reference_without_quality,
    span_of,
)
from dagster_driftmeter.runs.workers import kept_workers, prepare_workers, side_by_side
from driftmeter import settings
from driftmeter.arrival.changed_days import mark_changed, stale_days
from driftmeter.arrival.contents import newest_ended_day
from driftmeter.arrival.inputs import unfinished_days
from driftmeter.arrival.missing import idle_days, missing_days
from driftmeter.errors import DriftmeterError
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.cadence import DAILY, Cadence
from driftmeter.monitors.changed_settings import declare_again, retire_undeclared
from driftmeter.monitors.config import Days
from driftmeter.monitors.hour import day_of
from driftmeter.monitors.manifest import project_name
from driftmeter.monitors.renamed import take_over_history
from driftmeter.warehouse import connection


@dataclass(frozen=True)
class ChainRun:
    """What one run of the chain did."""

    days: Days
    monitors: tuple[str, ...]
    built_reference: bool
    seconds: float


def names_of(only: str | None) -> list[str]:
    """The one monitor that was asked for, or all that the project declares; retires the others.

    A monitor that was renamed is given its history first.

    Raises
    ------
    DriftmeterError
        If the project declares no such monitor, or none at all.
    """
    declared = monitors()
    project = project_name(manifest_path())
    for line in take_over_history(connection.engine(), declared.values()):
        say(line)
    for name in retire_undeclared(connection.engine(), project, list(declared)):
        say(f"{name} is no longer declared and is retired. Its history stays, and its alerts end.")
    for name in declare_again(connection.engine(), list(declared)):
        say(f"{name} is declared again and goes on where it was.")
        update_incidents(connection.engine_of(declared[name]), declared[name], [])
    if not declared:
        raise DriftmeterError(
            "declares no monitor",
            where=str(settings.dbt_project_dir()),
            fix="run `driftmeter init`, or add config.meta.monitor to a model (docs/monitors.md)",
        )
    if only is not None:
        check_monitor(only, declared)
    return [only] if only else list(declared)


@contextlib.contextmanager
def kept_processes(only: str | None = None) -> Iterator[None]:
    """Keep what is started for runs, of one monitor or all: dbt, and workers."""
    make_own_folder()
    with keeping_ctrl_c(), kept_dbt(only), kept_workers():
        yield


def measure(days: Days, only: str | None = None, workers: int | None = None) -> ChainRun:
    """Measure these days of the inference tables, and the reference days first if they are not.

    Parameters
    ----------
    days : Days
        First and last day.
    only : str, optional
        One monitor's name; None measures all.
    workers : int, optional
        Monitors that are measured at once, each in a process; as many as there are cores without.

    Raises
    ------
    DriftmeterError
        If there is no such monitor, or a step fails.
    """
    started = time.perf_counter()
    with kept_processes(only):
        names = names_of(only)
        tell_changes(names)
        begin_workers(names, days, workers)
        built = [build_batches(days, *group) for group in groups_of(names, only)]
        measure_monitors(days, names, workers)
    return ChainRun(days, tuple(names), any(built), time.perf_counter() - started)


def build_batches(days: Days, names: Sequence[str], only: str | None) -> bool:
    """Build with dbt what has these days, and the reference; says whether that was to be built."""
    cadence, reference = monitors()[names[0]].cadence, reference_without_quality(names)
    batches = ended_batches(monitors()[names[0]], days)
    if batches is None:
        say(f"{names[0]}: the {cadence.every} of {days.to_date} has not ended; it is measured then")
        return build_reference(names, only)
    spans = together(reference, batches, cadence)
    for span in spans:
        build(span, names, only)
    if tell_retyped(names, batches):
        # dbt made the models of other types: the reference is counted once more.
        spans = together(reference_without_quality(names), batches, cadence)
        for span in spans:
            build(span, names, only)
    tell_labels(names, span_of(spans))
    return reference is not None


def days_from(first: dt.date, only: str | None = None) -> Days:
    """Days from one to the newest with rows that has ended, of one monitor or of all.

    Raises
    ------
    DriftmeterError
        If no such day has rows.
    """
    names = names_of(only)
    with kept_processes(only):
        build_missing(names, only)
    newest = []
    for monitor in (monitors()[name] for name in names):
        with connection.engine_of(monitor).connect() as session:
            newest.append(newest_ended_day(session, monitor))
    last = max((day_of(day) for day in newest if day), default=None)
    if last is None or last < first:
        since = f"; the newest that has some is {last}" if last else ""
        raise DriftmeterError(
            f"no day from {first} on that has ended has rows{since}",
            where="--from",
            fix="name an earlier day, or leave --from out to measure what is new",
        )
    return Days(**{"from": first, "to": last})


def begin_workers(names: Sequence[str], days: Days, workers: int | None) -> None:
    """Start what monitors and days are measured with side by side, while dbt is at work."""
    longest = max(1 / monitors()[name].cadence.days for name in names)
    is_long = ((days.to_date - days.from_date).days + 1) * longest >= FEWEST_PIECES
    if (len(names) > 1 or is_long) and (workers or joblib.cpu_count()) > 1:
        prepare_workers()


def measure_monitors(days: Days, names: Sequence[str], workers: int | None) -> None:
    """Take the days from dbt's models to incidents, a run of Dagster's for each monitor."""
    most = workers or joblib.cpu_count()
    # Cores that are left over take days of the same monitor.
    tags = {PROCESSES_TAG: str(max(most // len(names), 1))}
    work = [
        functools.partial(materialize, batches, name, python_keys(monitor), tags, monitor.every)
        for name in names
        if (batches := ended_batches(monitor := monitors()[name], days))
    ]
    side_by_side(work, most)


def together(reference: Days | None, days: Days, cadence: Cadence = DAILY) -> list[Days]:
    """The days, and the reference where there is one to build: as one span if they adjoin."""
    spans = [reference, days] if reference else [days]
    begun = (day for span in spans for day in cadence.batches(span.from_date, span.to_date))
    return in_a_row(begun, cadence)


@dataclass(frozen=True)
class Wanted:
    """Which of the days that are new or changed are measured.

    Attributes
    ----------
    until : date, optional
        The last one.
    watch_days : int, optional
        So many days before the newest are looked at, in place of each monitor's own number.
    """

    until: dt.date | None = None
    watch_days: int | None = None

    def of(self, days: Iterable[dt.date]) -> list[dt.date]:
        """Those days that are wanted."""
        return [day for day in days if self.until is None or day <= self.until]


def _one_by_one(
    measured: Callable[[str, int | None, Wanted], Iterator[ChainRun]],
) -> Callable[[str | None, int | None, Wanted], Iterator[ChainRun]]:
    """Let what measures days of one monitor do it for one or for all, one after the other.

    What is looked at is built before, and pages that no run has drawn are drawn after it.
    """

    @functools.wraps(measured)
    def of_each(only: str | None, workers: int | None, wanted: Wanted) -> Iterator[ChainRun]:
        names = names_of(only)
        tell_changes(names)
        # Runs are of one monitor after the other.
        with kept_processes(names[0]):
            for name in names:
                build_missing([name], name)
                yield from measured(name, workers, wanted)
                # Pages that have not been drawn, whichever run left them undrawn.
                directory, processes = settings.home() / "reports", workers or joblib.cpu_count()
                engine = connection.engine_of(monitors()[name])
                write_reports(engine, monitors()[name], directory, processes)

    return of_each


def _spans(name: str, days: Sequence[dt.date]) -> list[Days]:
    """Days of a monitor as few spans: one over all batches of a table that is filled weekly."""
    monitor = monitors()[name]
    with connection.engine_of(monitor).connect() as session:
        return in_a_row([*days, *idle_days(session, monitor, days)], monitor.cadence)


@_one_by_one
def measure_stale(name: str, workers: int | None, wanted: Wanted) -> Iterator[ChainRun]:
    """Measure the days that changed since they were measured, days in a row as one run.

    Yields
    ------
    ChainRun
        As it is done.
    """
    engine = connection.engine_of(monitors()[name])
    mark_changed(engine, monitors()[name], wanted.watch_days, looks_back=True)
    for days in _spans(name, wanted.of(stale_days(engine, name))):
        yield measure(days, name, workers)


@_one_by_one
def measure_arrived(name: str, workers: int | None, wanted: Wanted) -> Iterator[ChainRun]:
    """Measure what is new in each table, what changed, what a run left open, and what never came.

    Yields
    ------
    ChainRun
        As it is done.
    """
    engine = connection.engine_of(monitors()[name])
    # First, for measuring its newest rows again hides that a monitor was live.
    yield from _measure_missing(name, workers, wanted)
    arrived = mark_changed(engine, monitors()[name], wanted.watch_days, looks_back=True)
    with engine.connect() as session:
        unfinished = unfinished_days(session, monitors()[name])
    for day, rows in sorted(arrived.unended.items()):
        zone, batch = monitors()[name].timezone, monitors()[name].cadence.name(day)
        say(f"{name}: {batch} has {rows:,} rows by now; it is measured once it has ended in {zone}")
    for days in _spans(name, wanted.of([*arrived.new, *stale_days(engine, name), *unfinished])):
        yield measure(days, name, workers)
    if arrived.new:
        yield from _measure_missing(name, workers, wanted)


def _measure_missing(name: str, workers: int | None, wanted: Wanted) -> Iterator[ChainRun]:
    """Take days through all steps on which rows were due and none came."""
    with connection.engine_of(monitors()[name]).connect() as session:
        missing = missing_days(session, monitors()[name])
    for days in _spans(name, wanted.of(missing)):
        yield measure(days, name, workers)


def combined(runs: Iterable[ChainRun]) -> list[ChainRun]:
    """Runs of the same monitors as one, from the first of their days to the last."""
    by_monitors: dict[tuple[str, ...], list[ChainRun]] = {}
    for run in runs:
        by_monitors.setdefault(run.monitors, []).append(run)
    return [
        ChainRun(
            span_of([run.days for run in alike]),
            monitors,
            any(run.built_reference for run in alike),
            sum(run.seconds for run in alike),
        )
        for monitors, alike in by_monitors.items()
    ]
