"""The example's own definitions for Dagster: trips, models and predictions."""

from collections.abc import Sequence

import dagster as dg

from dagster_driftmeter.assets.keys import dbt_keys
from dagster_driftmeter.assets.partitions import with_partitions
from dagster_taxi.baseline_assets import baseline_models, challenger_job
from dagster_taxi.raw_assets import PREDICTIONS, TRIPS, raw_predictions, raw_trips
from dagster_taxi.trip_checks import loads_balance
from dagster_taxi.trip_resources import Trips
from taxi.missing_days import missing_days as absent_days
from taxi.models.baseline_models import MODELS

__all__ = ["absent_days", "example_definitions", "feeds"]

baseline_job = dg.define_asset_job(
    "baseline",
    selection=dg.AssetSelection.keys(["raw", "baseline_models"]),
    description="Trains the baseline models on their declared days.",
)


def example_definitions(partitions: dg.DailyPartitionsDefinition) -> dg.Definitions:
    """Assets, jobs and resources that only the taxi example has."""
    return dg.Definitions(
        assets=with_partitions([raw_trips, baseline_models, raw_predictions], partitions),
        asset_checks=[loads_balance],
        jobs=[baseline_job, challenger_job],
        resources={"trips": Trips()},
    )


def feeds(monitor: str) -> Sequence[dg.AssetKey]:
    """What makes a monitor's rows: for the taxi's, trips, predictions and dbt's models."""
    return [*TRIPS, *PREDICTIONS, *dbt_keys()] if monitor in MODELS else []
