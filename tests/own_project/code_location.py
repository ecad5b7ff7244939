"""The wind farm's own Dagster: its dbt models under its own keys, with what watches them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets

from dagster_driftmeter.dbt.packages import DBT
from dagster_driftmeter.monitoring import monitoring_definitions

DAYS = dg.DailyPartitionsDefinition("2026-03-01", timezone="Europe/Copenhagen")


class FarmTranslator(DagsterDbtTranslator):
    """Every dbt model is an asset of the farm's."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        return dg.AssetKey(["farm", str(dbt_resource_props["name"])])


def farm_definitions(directory: Path) -> dg.Definitions:
    """The farm's models, a day at a time, and Driftmeter's assets of the monitors among them."""
    project = DbtProject(project_dir=directory, profiles_dir=directory)
    translator = FarmTranslator()

    @dbt_assets(
        manifest=project.manifest_path,
        dagster_dbt_translator=translator,
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def farm_models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        window = context.partition_time_window
        days = {
            "start_date": window.start.date().isoformat(),
            "end_date": window.end.date().isoformat(),
        }
        yield from dbt.cli(["build", "--vars", json.dumps(days)], context=context).stream()

    own = dg.Definitions(
        assets=[farm_models],
        resources={"dbt": DbtCliResource(project_dir=project, dbt_executable=str(DBT))},
        executor=dg.in_process_executor,
    )
    watching = monitoring_definitions(project.manifest_path, translator=translator, partitions=DAYS)
    return dg.Definitions.merge(own, watching)
