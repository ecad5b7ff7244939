"""The example's own part of Dagster's definitions: trips, models, predictions."""

from collections.abc import Sequence

import dagster as dg

from orchestration.chain import dbt_keys
from orchestration.example.baseline import baseline_models, challenger_job
from orchestration.example.chain import PREDICTIONS, TRIPS
from orchestration.example.checks import loads_balance
from orchestration.example.raw import raw_predictions, raw_trips
from orchestration.example.resources import Trips
from orchestration.partitions import with_partitions
from python_metrics.example.missing_days import missing_days as absent_days
from python_metrics.example.models.baseline import MODELS

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
