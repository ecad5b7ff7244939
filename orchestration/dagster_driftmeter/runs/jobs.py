"""Runs jobs of the code location in this process."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from dagster_driftmeter.runs.cut_off_runs import end_killed_runs, process_tag
from dagster_driftmeter.runs.run_scope import chain_of, days_of_tags, range_tags
from driftmeter import settings
from driftmeter.imports import many_imports
from driftmeter.monitors.cadence import Every
from driftmeter.monitors.config import Days
from driftmeter.monitors.hour import day_of

# Of Dagster's own statements, and connections beside the one that is kept.
STATEMENT_MILLISECONDS, POOL = 600_000, 20
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def materialize(
    days: Days,
    only: str | None,
    assets: Sequence[dg.AssetKey],
    more_tags: Mapping[str, str] | None = None,
    every: Every = "day",
) -> None:
    """Materialize assets over a range of days, or of a monitor's batches, in this process."""
    with many_imports():
        from dagster_driftmeter.definitions import zone_of_partitions

    tags = range_tags(days, only, zone_of_partitions() if every == "hour" else None)
    run_job(chain_of(every), {**(more_tags or {}), **tags}, assets)


def run_job(
    name: str, tags: Mapping[str, str], assets: Sequence[dg.AssetKey] | None = None
) -> None:
    """Run a job of the code location in this process; dbt's own lines go to a file."""
    with many_imports():
        from dagster_driftmeter.definitions import definitions_from

    days = days_of_tags(tags)
    with warnings.catch_warnings():
        # Dagster gives its own sensors this parameter while it resolves jobs, and warns of it.
        warnings.filterwarnings("ignore", "Parameter `owners` of initializer `SensorDefinition")
        first = day_of(days.from_date) if days else None
        job = definitions_from(first, name).resolve_job_def(name)
    with dg.DagsterInstance.get() as instance, _kept_connection(instance), _output_to_log():
        end_killed_runs(instance)
        job.execute_in_process(
            run_config=QUIET,
            instance=instance,
            asset_selection=list(assets) if assets else None,
            tags={**tags, **process_tag()},
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
    settings.make_private(log.parent)
    with log.open("a") as file, contextlib.redirect_stdout(file):
        yield
