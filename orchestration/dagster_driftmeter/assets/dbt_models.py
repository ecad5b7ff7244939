"""The dbt project in Dagster: its models as daily assets, its exposures as external ones."""

import datetime as dt
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliInvocation,
    DbtCliResource,
    dbt_assets,
)

from dagster_driftmeter.assets.failed_days import tell_failed_days
from dagster_driftmeter.assets.monitored_table import QUALITY
from dagster_driftmeter.assets.partitions import (
    DAILY,
    EVERY_TAG,
    Partitions,
    batch_models_key,
    days_of,
    in_one_run,
)
from dagster_driftmeter.dbt.dependents import left_alone
from dagster_driftmeter.dbt.profile import profiles_dir
from dagster_driftmeter.dbt.project_manifest import (
    dbt_project,
    manifest_path,
    monitors,
    read_manifest,
)
from dagster_driftmeter.dbt.reference_days import chosen_reference
from dagster_driftmeter.dbt.test_results import write_test_results
from dagster_driftmeter.runs.progress import spinner
from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.retries import retried_when_disconnected
from dagster_driftmeter.runs.run_scope import MONITOR_TAG, monitors_of
from dagster_driftmeter.runs.terminal import say
from driftmeter import settings
from driftmeter.arrival.inputs import note_tests
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import ONE_DAY, Cadence, Every
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import counted_days, every_day
from driftmeter.monitors.hour import day_of
from driftmeter.monitors.renamed import take_over_history
from driftmeter.warehouse.connection import of_monitor
from driftmeter.warehouse.turn import turn


class FolderTranslator(DagsterDbtTranslator):
    """Asset key and group of a dbt node: the folder it lies in, then its name."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            # A table that another table's asset writes with its own says so.
            meta = dbt_resource_props["config"].get("meta") or {}
            name = meta.get("written_by", dbt_resource_props["name"])
            return dg.AssetKey([dbt_resource_props["source_name"], name])
        return dg.AssetKey([folder_of(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return folder_of(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        monitor = dbt_resource_props["config"].get("meta", {}).get("monitor", {})
        return [f"team:{monitor.get('owner', 'data-platform')}"]


def folder_of(node: Mapping[str, Any]) -> str:
    """First folder of a node below its resource path: staging, features, ... or seeds."""
    return "seeds" if node["resource_type"] == "seed" else str(node["fqn"][1])


def dbt_arguments(
    days: list[str],
    monitor: str | None,
    left_out: list[str],
    hours: Sequence[dt.date] = (),
) -> list[str]:
    """What dbt is called with for a window of days, the last of them excluded, or of hours."""
    variables = {"start_date": days[0], "end_date": days[1], "monitor": monitor or ""}
    if hours:
        after = Cadence("hour").after(hours[-1])
        variables |= {"start_hour": hours[0].isoformat(), "end_hour": after.isoformat()}
    if reference := chosen_reference():
        variables["reference_from"] = reference.from_date.isoformat()
        variables["reference_to"] = reference.to_date.isoformat()
    # Unit tests prove the SQL, not the day: they belong to `make test`.
    excluded = " ".join(["resource_type:unit_test", *left_out])
    return ["build", "--vars", json.dumps(variables), "--exclude", excluded]


def selection() -> str:
    """Which of a project's models are Driftmeter's to build.

    All of the example's; of a project of one's own, what monitors and their quality are made of.
    """
    if settings.is_example():
        return "fqn:*"
    declared = monitors()
    challengers = [m.challengers.model for m in declared.values() if m.challengers]
    # What teams measure themselves is built where a monitor does.
    own = ["custom_metrics"] if any(monitor.metrics for monitor in declared.values()) else []
    own += ["group_counts"] if any(monitor.protected for monitor in declared.values()) else []
    return " ".join([*(f"+{name}" for name in (*declared, *challengers)), *QUALITY, *own])


def key_of(model: str) -> dg.AssetKey:
    """Asset key of a dbt model."""
    nodes = read_manifest()["nodes"].values()
    (node,) = [n for n in nodes if n["resource_type"] == "model" and n["name"] == model]
    return translator.get_asset_key(node)


translator = FolderTranslator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))


@in_one_run
@dbt_assets(
    manifest=manifest_path(),
    project=dbt_project(),
    select=selection(),
    dagster_dbt_translator=translator,
    partitions_def=DAILY,
    # Two runs of one project would swap each other's views away.
    pool="dbt",
)
def dbt_models(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: Warehouse
) -> Iterator[Any]:
    """dbt's models and tests over the days of the run; a test's outcome is kept for each day."""
    yield from build(context, dbt, warehouse.engine(), days_of(context), is_own=True)


def batch_models(every: Every, names: Sequence[str], partitions: Partitions) -> dg.AssetsDefinition:
    """The asset that builds dbt's models over the hours, weeks, or months, of monitors.

    The models are daily assets. Dagster runs assets of other partitions in no run together with
    them, so that this one builds the same models for the batches of its run.
    """

    @dg.asset(
        key=batch_models_key(every),
        group_name="quality",
        owners=["team:data-platform"],
        kinds={"dbt"},
        partitions_def=partitions,
        pool="dbt",
        tags={EVERY_TAG: every},
        deps=[key_of(name) for name in names],
        description=f"dbt's models and tests of {', '.join(names)}, over each {every} as a whole.",
    )
    def models_of_batches(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse: Warehouse
    ) -> None:
        of_run = [name for name in monitors_of(context, monitors()) if name in names]
        for name in of_run:
            cadence = monitors()[name].cadence
            batches = days_of(context, cadence)
            days = every_day(day_of(batches[0]), cadence.last_day(batches[-1]))
            hours = batches if cadence.is_hourly else ()
            for _ in build(context, dbt, warehouse.engine(), days, monitor=name, hours=hours):
                pass

    return in_one_run(models_of_batches)


def build(
    context: dg.AssetExecutionContext,
    dbt: DbtCliResource,
    engine: sa.Engine,
    days: Sequence[dt.date],
    monitor: str | None = None,
    *,
    hours: Sequence[dt.date] = (),
    is_own: bool = False,
) -> Iterator[Any]:
    """Build models over days, of one monitor or of all, and note what became of it.

    Parameters
    ----------
    hours : sequence of Hour
        Those of an hourly monitor; without them all that have ended on the days.
    is_own : bool
        Whether the models are assets of the run, whose events are yielded.
    """
    start, end = days[0], days[-1] + ONE_DAY
    monitor = monitor or context.run.tags.get(MONITOR_TAG)
    others = [name for name in monitors() if monitor and name != monitor]

    def tell(line: str) -> None:
        context.log.info(line)
        say(line, err=True)

    purpose = f"{start} to {days[-1]}, {monitor or 'all'}"
    # Dagster's pool holds its queued runs apart, and nothing that a command line starts.
    with retried_when_disconnected(), turn(engine, "dbt", purpose, tell):
        built = {key.path[-1] for key in dbt_models.keys}.difference(others)
        kept = left_alone(engine, read_manifest(), built)
        for name, views in kept.items():
            reason = f"if dbt rebuilt it, it would drop {', '.join(views)}"
            context.log.info(f"{name} stays as it is: {reason}")
            # Without a result Dagster would skip what reads it.
            if is_own and (key := key_of(name)) in context.selected_asset_keys:
                yield dg.MaterializeResult(asset_key=key, metadata={"stays as it is": reason})
        for line in take_over_history(engine, monitors().values()):
            context.log.info(line)
        measured = [m for m in monitors().values() if m.name not in others]
        # A week or a month is counted by the run that has its last day.
        batches_by_name = {m.name: list(hours) or _ended(m, start, days[-1]) for m in measured}
        for name, batches in batches_by_name.items():
            with of_monitor(engine, monitors()[name]).begin() as connection:
                note_tests(connection, monitors()[name], batches, is_done=False)
        span = [start.isoformat(), end.isoformat()]
        arguments = dbt_arguments(span, monitor, [*others, *kept], hours)
        # Of the warehouse as it is named now: the project may have been read under another.
        arguments += ["--profiles-dir", str(profiles_dir())]
        of_run = context if is_own else None
        invocation = dbt.cli(arguments, context=of_run, raise_on_error=False)
        with spinner(f"dbt, {counted_days(len(days))}"):
            if is_own:
                yield from invocation.stream()
            run_results = finished_results(invocation)
        finished = measured if has_all_models(run_results) else []
        for alike in _by_engine(measured):
            write_test_results(
                of_monitor(engine, alike[0]),
                run_results,
                read_manifest(),
                {each.name: batches_by_name[each.name] for each in alike},
                [each for each in alike if each in finished],
            )
        failure = first_failure(run_results)
        if failure:
            for declared in measured:
                if batches := batches_by_name[declared.name]:
                    tell_failed_days(engine, [declared], batches, failure.what)
    if failure:
        raise failure
    # dagster-dbt gives each run a directory of some megabytes and removes none.
    shutil.rmtree(invocation.target_path, ignore_errors=True)


def _ended(monitor: Monitor, first: dt.date, last: dt.date) -> list[dt.date]:
    """Batches of a monitor that end on these days; of hours those that have ended."""
    batches = monitor.cadence.ending_within(first, last)
    if not monitor.cadence.is_hourly:
        return batches
    newest = monitor.cadence.ended_by(dt.datetime.now(monitor.zone))
    return [batch for batch in batches if batch <= newest]


def _by_engine(measured: Sequence[Monitor]) -> list[list[Monitor]]:
    """Hourly monitors each alone, which are known by other keys, and all others together."""
    others = [monitor for monitor in measured if not monitor.cadence.is_hourly]
    hourly = [[monitor] for monitor in measured if monitor.cadence.is_hourly]
    return [*([others] if others else []), *hourly]


def finished_results(invocation: DbtCliInvocation) -> Mapping[str, Any]:
    """What dbt did, node by node; an error if it ended before it began."""
    invocation.wait()
    if not (invocation.target_path / "run_results.json").exists():
        reason = str(invocation.get_error() or "dbt gave no reason")
        raise DriftmeterError(
            f"dbt ended before it ran a model ({' '.join(reason.split())[-300:]})",
            where=str(invocation.target_path),
            fix="run `dbt build` in dbt_project to see its whole output",
        )
    return invocation.get_artifact("run_results.json")


def has_all_models(run_results: Mapping[str, Any]) -> bool:
    """Whether each model of a run was built; its tests may have failed."""
    return all(
        result["status"] == "success"
        for result in run_results["results"]
        if result["unique_id"].startswith("model.")
    )


def first_failure(run_results: Mapping[str, Any]) -> DriftmeterError | None:
    """The first model, or test of severity error, that failed; None if all went well."""
    for result in run_results["results"]:
        if result["status"] in ("error", "fail"):
            message = " ".join(str(result["message"]).split())
            return DriftmeterError(
                f"dbt: {result['unique_id'].split('.', 2)[2]}: {message}",
                where="dbt_project",
                fix="read its SQL under dbt_project/target, and a test's rows in schema "
                "test_failures",
            )
    return None


def exposure_specs(manifest: Mapping[str, Any], monitors: Iterable[str]) -> Iterator[dg.AssetSpec]:
    """One external asset for each exposure that dbt declares.

    Its lineage begins at the dbt models it names and, where its meta says that it reads what
    Python writes, at every monitor's incidents.
    """
    incidents = [dg.AssetKey(["incidents", name]) for name in monitors]
    translator = FolderTranslator()
    for exposure in manifest["exposures"].values():
        nodes = (manifest["nodes"][key] for key in exposure["depends_on"]["nodes"])
        yield dg.AssetSpec(
            key=["dashboards", exposure["name"]],
            group_name="dashboards",
            description=exposure["description"],
            owners=[exposure["owner"]["email"]],
            kinds={"grafana"},
            metadata={"url": dg.MetadataValue.url(exposure["url"])},
            deps=[
                *(translator.get_asset_key(node) for node in nodes),
                *(incidents if exposure["config"]["meta"].get("reads_drift") else []),
            ],
        )
