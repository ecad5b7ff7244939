"""All definitions of the dbt project for Dagster. They load without network or database."""

import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from dagster_driftmeter.assets.dbt_models import (
    batch_models,
    dbt_models,
    exposure_specs,
    translator,
)
from dagster_driftmeter.assets.drift_asset import AbsentDays, no_absent_days
from dagster_driftmeter.assets.keys import python_keys
from dagster_driftmeter.assets.partitions import (
    Partitions,
    batch_models_key,
    batch_partitions,
    daily_partitions,
    with_partitions,
)
from dagster_driftmeter.automation.schedules import JOBS, chain_schedules
from dagster_driftmeter.dbt.packages import KEPT_DBT
from dagster_driftmeter.dbt.project_manifest import (
    dbt_project,
    manifest_path,
    monitors,
    read_manifest,
)
from dagster_driftmeter.dbt.resource import DbtWithoutAdapter
from dagster_driftmeter.monitoring import Feeds, monitoring_definitions, no_feeds
from dagster_driftmeter.runs.first_day import first_measured_days
from driftmeter import settings
from driftmeter.monitors.cadence import Every


def project_definitions(
    feeds: Feeds, partitions: dg.DailyPartitionsDefinition, batches: Mapping[Every, Partitions]
) -> dg.Definitions:
    """The dbt project's models, dashboards, job and schedules."""
    declared = monitors()
    keys = {
        name: list(dict.fromkeys([*feeds(name), *dbt_models.keys, *python_keys(monitor)]))
        if monitor.every == "day"
        else [*feeds(name), *python_keys(monitor)]
        for name, monitor in declared.items()
    }
    by_cadence: dict[Every, list[str]] = {}
    for name, monitor in declared.items():
        by_cadence.setdefault(monitor.every, []).append(name)
    return dg.Definitions(
        assets=[
            *with_partitions([dbt_models], partitions),
            *(batch_models(every, by_cadence[every], batches[every]) for every in batches),
            *exposure_specs(read_manifest(), declared),
        ],
        jobs=[JOBS[every] for every in JOBS if every == "day" or every in by_cadence],
        schedules=chain_schedules(declared, keys, partitions.timezone),
        resources={
            "dbt": DbtWithoutAdapter(
                project_dir=dbt_project(),  # type: ignore[arg-type]
                dbt_executable=str(KEPT_DBT),
            )
        },
        # One process does all days: a second one would pay for imports and the reference again.
        executor=dg.in_process_executor,
    )


def with_batches(feeds: Feeds) -> Feeds:
    """Of a monitor by weeks or months the asset that builds its models over them."""

    def of_monitor(name: str) -> Sequence[dg.AssetKey]:
        every = monitors()[name].every
        return feeds(name) if every == "day" else [batch_models_key(every)]

    return of_monitor


def all_definitions(first: dt.date | None = None) -> dg.Definitions:
    """The project with what watches it; of the example, with what fills it too.

    Parameters
    ----------
    first : date, optional
        A day that the partitions must hold though it is before all that is known.
    """
    declared = monitors()
    measured, asked = first_measured_days(), [first] if first else []
    known = [*asked, *([measured["day"]] if "day" in measured else [])]
    feeds: Feeds = no_feeds
    absent_days: AbsentDays = no_absent_days
    of_example: Callable[[dg.DailyPartitionsDefinition], dg.Definitions] | None = None
    if settings.is_example():
        from dagster_taxi import taxi_definitions as example
        from dagster_taxi.trained_days import first_trained_day

        feeds, absent_days = example.feeds, example.absent_days
        of_example = example.example_definitions
        known.append(first_trained_day())
    partitions = daily_partitions(declared.values(), known)
    batches = batch_partitions(declared.values(), partitions.timezone, asked, measured)
    feeds = with_batches(feeds)
    watched = dg.Definitions.merge(
        project_definitions(feeds, partitions, batches),
        monitoring_definitions(
            manifest_path(),
            translator=translator,
            monitors=declared,
            feeds=feeds,
            absent_days=absent_days,
            partitions=partitions,
            batches=batches,
        ),
    )
    if of_example is None:
        return watched
    return dg.Definitions.merge(watched, of_example(partitions))


def zone_of_partitions() -> str | None:
    """The time zone in which the keys of partitions are told."""
    partitions = defs.resolve_job_def(JOBS["day"].name).partitions_def
    if isinstance(partitions, dg.DailyPartitionsDefinition):
        return partitions.timezone
    return None


@functools.cache
def definitions_from(first: dt.date | None, job: str = JOBS["day"].name) -> dg.Definitions:
    """The definitions for a run of a job that begins on a day, which may be before all known."""
    partitions = defs.resolve_job_def(job).partitions_def
    if first is None or not isinstance(partitions, dg.TimeWindowPartitionsDefinition):
        return defs
    return defs if first >= partitions.start.date() else all_definitions(first)


# The only one of its kind in the module: Dagster's pages refuse a module with two.
defs = all_definitions()
