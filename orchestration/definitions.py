"""Everything Dagster knows of Driftmeter. Loads with no network and no database."""

import json

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.dbt_manifest import DBT, dbt_project, monitors
from orchestration.dbt_models import dbt_models, translator
from orchestration.exposures import exposure_specs
from orchestration.monitoring import monitoring_definitions
from orchestration.schedules import chain_job, daily_schedule
from python_metrics import settings

project = dg.Definitions(
    assets=[
        dbt_models,
        *exposure_specs(json.loads(dbt_project().manifest_path.read_text()), monitors()),
    ],
    jobs=[chain_job],
    schedules=[daily_schedule],
    resources={"dbt": DbtCliResource(project_dir=dbt_project(), dbt_executable=str(DBT))},
    # One process does all days: a second one would pay for Evidently's import again.
    executor=dg.in_process_executor,
)

if settings.is_example():
    from orchestration.example.definitions import absent_days, example_definitions, feeds

    defs = dg.Definitions.merge(
        project,
        monitoring_definitions(
            dbt_project().manifest_path,
            translator=translator,
            monitors=monitors(),
            feeds=feeds,
            absent_days=absent_days,
        ),
        example_definitions(),
    )
else:
    defs = dg.Definitions.merge(
        project,
        monitoring_definitions(
            dbt_project().manifest_path, translator=translator, monitors=monitors()
        ),
    )
