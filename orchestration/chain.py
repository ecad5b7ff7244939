"""Takes days of monitors through dbt, drift, performance and incidents, the reference first."""

import contextlib
import functools
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa

from orchestration.commands.arguments import check_monitor
from orchestration.dbt_manifest import manifest_path, monitors
from orchestration.dbt_server import kept_dbt
from orchestration.incidents import write_reports
from orchestration.over_pieces import FEWEST_PIECES, PROCESSES_TAG
from orchestration.run_scope import days_of_tags, in_a_row, range_tags
from orchestration.workers import cores, kept_workers, prepare_workers, side_by_side
from python_metrics import settings
from python_metrics.arrival.changes import mark_changed, stale_days
from python_metrics.arrival.columns import (
    is_reference_of_other_types,
    is_to_be_measured,
    note_columns,
    retyped_in_words,
)
from python_metrics.arrival.inputs import has_reference_tests, unfinished_days
from python_metrics.arrival.missing import missing_days
from python_metrics.drift.inference_rows import every_day
from python_metrics.errors import DriftmeterError
from python_metrics.judging import judge_changed_policy
from python_metrics.monitors.changes import (
    mark_column_changes,
    retire_undeclared,
    tell_other_version,
)
from python_metrics.monitors.config import Days, Monitor
from python_metrics.monitors.manifest import project_name
from python_metrics.performance.unreadable import tell_unreadable_labels
from python_metrics.warehouse import connection

# Steps after dbt, each with one asset a monitor; performance of those that have a target.
PYTHON_STEPS = ("drift", "performance", "incidents")
# Of Dagster's own statements, and connections beside the one that is kept.
STATEMENT_MILLISECONDS, POOL = 600_000, 20
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class ChainRun:
    """What one run of the chain did."""

    days: Days
    monitors: tuple[str, ...]
    built_reference: bool
    seconds: float


def names_of(only: str | None) -> list[str]:
    """The one monitor that was asked for, or all that the project declares; retires the others.

    Raises
    ------
    DriftmeterError
        If the project declares no such monitor, or none at all.
    """
    declared = monitors()
    project = project_name(manifest_path())
    for name in retire_undeclared(connection.engine(), project, list(declared)):
        print(f"{name} is no longer declared: retired. Its history stays, its alerts end.")
    if not declared:
        raise DriftmeterError(
            "declares no monitor",
            where=str(settings.dbt_project_dir()),
            fix="add config.meta.monitor to the model of your predictions; see docs/monitors.md",
        )
    if only is not None:
        check_monitor(only, declared)
    return [only] if only else list(declared)


@contextlib.contextmanager
def kept_processes(only: str | None = None) -> Iterator[None]:
    """Keep what is started for runs, of one monitor or all: dbt, and workers."""
    with kept_dbt(only), kept_workers():
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
        reference = reference_without_quality(names)
        spans = together(reference, days)
        for span in spans:
            materialize(span, only, dbt_keys())
        if tell_retyped(names, days):
            # dbt made the models of other types: the reference is counted once more.
            spans = together(reference_without_quality(names), days)
            for span in spans:
                materialize(span, only, dbt_keys())
        tell_labels(names, span_of(spans))
        measure_monitors(days, names, workers)
    return ChainRun(days, tuple(names), reference is not None, time.perf_counter() - started)


def begin_workers(names: Sequence[str], days: Days, workers: int | None) -> None:
    """Start what monitors and days are measured with side by side, while dbt is at work."""
    is_long = (days.to_date - days.from_date).days + 1 >= FEWEST_PIECES
    if (len(names) > 1 or is_long) and (workers or cores()) > 1:
        prepare_workers()


def measure_monitors(days: Days, names: Sequence[str], workers: int | None) -> None:
    """Take the days from dbt's models to incidents, a run of Dagster's for each monitor."""
    most = workers or cores()
    # Cores that are left over take days of the same monitor.
    tags = {PROCESSES_TAG: str(max(most // len(names), 1))}
    work = [functools.partial(materialize, days, name, python_keys([name]), tags) for name in names]
    side_by_side(work, most)


def together(reference: Days | None, days: Days) -> list[Days]:
    """The days, and the reference where there is one to build: as one span if they adjoin."""
    spans = [reference, days] if reference else [days]
    return in_a_row(day for span in spans for day in every_day(span.from_date, span.to_date))


def measure_stale(only: str | None = None, workers: int | None = None) -> Iterator[ChainRun]:
    """Measure the days that changed since they were measured, days in a row as one run.

    Yields
    ------
    ChainRun
        As it is done.
    """
    names = names_of(only)
    tell_changes(names)
    # Runs are of one monitor after the other.
    with kept_processes(names[0]):
        for name in names:
            build_missing([name], name)
            engine = connection.engine()
            mark_changed(engine, monitors()[name])
            for days in in_a_row(stale_days(engine, name)):
                yield measure(days, name, workers)
            draw_pages(name, workers)


def measure_arrived(only: str | None = None, workers: int | None = None) -> Iterator[ChainRun]:
    """Measure what is new in each table, what changed, what a run left open, and what never came.

    Yields
    ------
    ChainRun
        As it is done.
    """
    names = names_of(only)
    tell_changes(names)
    # Runs are of one monitor after the other.
    with kept_processes(names[0]):
        for name in names:
            build_missing([name], name)
            engine = connection.engine()
            # First, for measuring its newest rows again hides that a monitor was live.
            yield from _measure_missing(name, workers)
            arrived = mark_changed(engine, monitors()[name])
            with engine.connect() as session:
                unfinished = unfinished_days(session, monitors()[name])
            for days in in_a_row([*arrived.new, *stale_days(engine, name), *unfinished]):
                yield measure(days, name, workers)
            if arrived.new:
                yield from _measure_missing(name, workers)
            draw_pages(name, workers)


def draw_pages(name: str, workers: int | None) -> None:
    """Draw the pages of a monitor's incidents that have none, whichever run left them undrawn."""
    directory = settings.home() / "reports"
    write_reports(connection.engine(), monitors()[name], directory, workers or cores())


def _measure_missing(name: str, workers: int | None) -> Iterator[ChainRun]:
    """Take days through all steps on which rows were due and none came."""
    with connection.engine().connect() as session:
        missing = missing_days(session, monitors()[name])
    for days in in_a_row(missing):
        yield measure(days, name, workers)


def tell_changes(names: Sequence[str]) -> None:
    """Say, in a line each, what changes do to measured days: of columns, policy, or Driftmeter.

    Days of another policy are judged again here, for there may be no other day to run.
    """
    for name in built_tables(names):
        engine, monitor = connection.engine(), monitors()[name]
        lines = (
            mark_column_changes(engine, monitor),
            judge_changed_policy(engine, monitor, settings.home() / "calibration"),
            tell_other_version(engine, monitor),
        )
        for line in filter(None, lines):
            print(line)


def tell_retyped(names: Sequence[str], days: Days) -> bool:
    """Say, in a line a monitor, which columns are of another type; whether any is to be measured.

    Days that were measured before are stale then.
    """
    is_any = False
    for name in names:
        engine, monitor = connection.engine(), monitors()[name]
        changes = note_columns(engine, monitor, days.from_date)
        retyped = [change for change in changes if change.change == "retyped"]
        if not retyped:
            continue
        again = any(is_to_be_measured(monitor, change) for change in retyped)
        words = "; ".join(map(retyped_in_words, retyped))
        follows = "the reference is measured again, days measured before are stale"
        print(f"{name}: {words}{': ' + follows if again else ''}")
        if again:
            # What calm days look like is kept by the reference's rows, and segments are none.
            for file in (settings.home() / "calibration").glob(f"{name}-*.npz"):
                file.unlink()
        is_any |= again
    return is_any


def tell_labels(names: Sequence[str], span: Days) -> None:
    """Say, in a line a monitor, which labels are neither true nor false."""
    for name in names:
        engine, monitor = connection.engine(), monitors()[name]
        if line := tell_unreadable_labels(engine, monitor, span.from_date, span.to_date):
            print(line)


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


def span_of(spans: Sequence[Days]) -> Days:
    """The days from the first of these spans to the last."""
    first = min(span.from_date for span in spans)
    return Days(**{"from": first, "to": max(span.to_date for span in spans)})


def build_reference(names: Sequence[str], only: str | None) -> bool:
    """Build the reference days where dbt has not; says whether there was something to build."""
    reference = reference_without_quality(names)
    if reference is not None:
        materialize(reference, only, dbt_keys())
    return reference is not None


def build_missing(names: Sequence[str], only: str | None) -> None:
    """Build what is to be looked at and is not there: the reference's quality, tables, views.

    A table may be a view that dbt has yet to make, or that went with a team's `drop ... cascade`.
    """
    missing = [name for name in names if name not in built_tables(names)]
    if not build_reference(names, only) and missing:
        materialize(span_of([monitors()[name].reference for name in missing]), only, dbt_keys())


def built_tables(names: Sequence[str]) -> list[str]:
    """Those of these monitors whose inference table is in the warehouse."""
    exists = sa.text("select to_regclass(quote_ident(:schema) || '.' || quote_ident(:name))")
    with connection.engine().connect() as session:
        return [
            name
            for name in names
            if session.scalar(exists, {"schema": monitors()[name].schema_name, "name": name})
        ]


def reference_without_quality(names: Sequence[str]) -> Days | None:
    """Reference days of those monitors that dbt has not measured and tested; None where it has."""
    with connection.engine().connect() as session:
        spans = [
            monitors()[name].reference
            for name in names
            if _has_other_reference(session, monitors()[name])
            or not _has_summary(session, monitors()[name])
            or not has_reference_tests(session, monitors()[name])
        ]
    return span_of(spans) if spans else None


def _has_other_reference(session: sa.Connection, monitor: Monitor) -> bool:
    """Whether days were last held against another reference period than is declared now.

    dbt has measured some of its days at most, and in bins of the other one.
    """
    query = sa.text(
        "select (from_date, to_date) <> (:first, :last) from metrics.baselines"
        " where monitor = :monitor and baseline = 'reference'"
    )
    days = monitor.reference
    span = {"first": days.from_date, "last": days.to_date}
    return bool(session.scalar(query, {"monitor": monitor.name, **span}))


def _has_summary(session: sa.Connection, monitor: Monitor) -> bool:
    """Whether dbt measured the reference's days, with every column as it is now."""
    if is_reference_of_other_types(session, monitor):
        return False
    query = sa.text(
        "select column_name, bool_or(kind = 'numerical') from metrics.column_summary"
        " where monitor = :monitor and partition_date between :first and :last"
        " and column_name is not null and segment is null group by column_name"
    )
    days = monitor.reference
    span = {"first": days.from_date, "last": days.to_date}
    measured = dict(session.execute(query, {"monitor": monitor.name, **span}).tuples().all())
    declared = {name: column.kind == "numerical" for name, column in monitor.columns.items()}
    return declared.items() <= measured.items()


def dbt_keys() -> list[dg.AssetKey]:
    """Assets that dbt makes."""
    from orchestration.dbt_models import dbt_models

    return list(dbt_models.keys)


def python_keys(names: Sequence[str]) -> list[dg.AssetKey]:
    """Assets after dbt of these monitors."""
    return [
        dg.AssetKey([step, name])
        for step in PYTHON_STEPS
        for name in names
        if step != "performance" or monitors()[name].target
    ]


def materialize(
    days: Days,
    only: str | None,
    assets: Sequence[dg.AssetKey],
    more_tags: Mapping[str, str] | None = None,
) -> None:
    """Materialize assets over a range of days, in this process."""
    run_job("daily_chain", {**(more_tags or {}), **range_tags(days, only)}, assets)


def run_job(
    name: str, tags: Mapping[str, str], assets: Sequence[dg.AssetKey] | None = None
) -> None:
    """Run a job of the code location in this process; dbt's own lines go to a file."""
    from orchestration.definitions import definitions_from

    days = days_of_tags(tags)
    job = definitions_from(days.from_date if days else None).resolve_job_def(name)
    with dg.DagsterInstance.get() as instance, _kept_connection(instance), _output_to_log():
        job.execute_in_process(
            run_config=QUIET,
            instance=instance,
            asset_selection=list(assets) if assets else None,
            tags=dict(tags),
        )


@contextlib.contextmanager
def _kept_connection(instance: dg.DagsterInstance) -> Iterator[None]:
    """Write Dagster's events, one for each asset and day, over one connection.

    With a connection of its own for each, which is what Dagster opens outside its webserver, a
    month's took half a minute. It is kept for a second, so that a Postgres that was restarted
    never meets a dead one.
    """
    instance.optimize_for_webserver(
        statement_timeout=STATEMENT_MILLISECONDS, pool_recycle=1, max_overflow=POOL
    )
    try:
        yield
    finally:
        # Dagster leaves them open to the end of the process.
        for storage in (
            instance.run_storage,
            instance.event_log_storage,
            instance.schedule_storage,
        ):
            if (engine := getattr(storage, "_engine", None)) is not None:
                engine.dispose()


@contextlib.contextmanager
def _output_to_log() -> Iterator[None]:
    """dbt's lines go to a file: the terminal has the progress bars."""
    log = settings.home() / "logs" / "run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file, contextlib.redirect_stdout(file):
        yield
