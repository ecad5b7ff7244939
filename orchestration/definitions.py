"""Everything Dagster knows of Driftmeter. Loads with no network and no database."""

import json

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.chain import python_keys
from orchestration.dbt_manifest import dbt_project, manifest_path, monitors
from orchestration.dbt_models import dbt_models, translator
from orchestration.dbt_packages import KEPT_DBT
from orchestration.exposures import exposure_specs
from orchestration.monitoring import Feeds, monitoring_definitions, no_feeds
from orchestration.schedules import chain_job, daily_schedules
from python_metrics import settings


def project_definitions(feeds: Feeds = no_feeds) -> dg.Definitions:
    """The dbt project's models, dashboards, job and schedules."""
    manifest = json.loads(manifest_path().read_text())
    declared = monitors()
    keys = {
        name: list(dict.fromkeys([*feeds(name), *dbt_models.keys, *python_keys([name])]))
        for name in declared
    }
    return dg.Definitions(
        assets=[dbt_models, *exposure_specs(manifest, declared)],
        jobs=[chain_job],
        schedules=daily_schedules(declared, keys),
        resources={"dbt": DbtCliResource(project_dir=dbt_project(), dbt_executable=str(KEPT_DBT))},
        # One process does all days: a second one would pay for imports and the reference again.
        executor=dg.in_process_executor,
    )


def all_definitions() -> dg.Definitions:
    """The project with what watches it; of the example, with what fills it too."""
    if not settings.is_example():
        return dg.Definitions.merge(
            project_definitions(),
            monitoring_definitions(manifest_path(), translator=translator, monitors=monitors()),
        )
    from orchestration.example.definitions import absent_days, example_definitions, feeds

    return dg.Definitions.merge(
        project_definitions(feeds),
        monitoring_definitions(
            manifest_path(),
            translator=translator,
            monitors=monitors(),
            feeds=feeds,
            absent_days=absent_days,
        ),
        example_definitions(),
    )


# The only one of its kind in the module: Dagster's pages refuse a module with two.
defs = all_definitions()
