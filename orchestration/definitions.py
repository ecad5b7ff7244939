"""Everything Dagster knows of Driftmeter. Loads with no network and no database."""

import json

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestration.baseline import baseline_models, challenger_models
from orchestration.checks import drift_check, loads_balance
from orchestration.dbt_manifest import DBT, dbt_project, monitors
from orchestration.dbt_models import dbt_models
from orchestration.drift import drift_asset
from orchestration.exposures import exposure_specs
from orchestration.incidents import incidents_asset
from orchestration.notifications import incident_notifications
from orchestration.performance import performance_asset
from orchestration.raw import raw_predictions, raw_trips
from orchestration.resources import Trips, Warehouse
from orchestration.schedules import (
    baseline_job,
    chain_job,
    challenger_job,
    daily_schedule,
    stale_days_sensor,
)

defs = dg.Definitions(
    assets=[
        raw_trips,
        baseline_models,
        challenger_models,
        raw_predictions,
        dbt_models,
        *(drift_asset(monitor) for monitor in monitors().values()),
        *(performance_asset(monitor) for monitor in monitors().values() if monitor.target),
        *(incidents_asset(monitor) for monitor in monitors().values()),
        *exposure_specs(json.loads(dbt_project().manifest_path.read_text()), monitors()),
    ],
    asset_checks=[loads_balance, *(drift_check(monitor) for monitor in monitors().values())],
    jobs=[chain_job, baseline_job, challenger_job],
    schedules=[daily_schedule],
    sensors=[incident_notifications, stale_days_sensor],
    resources={
        "warehouse": Warehouse(),
        "trips": Trips(),
        "dbt": DbtCliResource(project_dir=dbt_project(), dbt_executable=str(DBT)),
    },
    # One process does all days: a second one would pay for Evidently's import again.
    executor=dg.in_process_executor,
)
