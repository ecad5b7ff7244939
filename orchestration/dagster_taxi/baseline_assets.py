"""The baseline models: trained on declared days only, once, and again on demand."""

import dagster as dg
import sqlalchemy as sa

from dagster_driftmeter.automation.schedules import ON_DEMAND
from dagster_driftmeter.runs.progress import track
from dagster_driftmeter.runs.resources import Warehouse
from dagster_taxi.raw_assets import raw_trips
from dagster_taxi.trained_days import trained_days
from dagster_taxi.trip_resources import Trips
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Days
from taxi.models.baseline_models import MODELS
from taxi.models.train import TrainedModel, train_baseline


class Challenger(dg.Config):
    """Which model to train again, and on which days."""

    monitor: str
    from_date: str
    to_date: str


@dg.op
def train_one(
    context: dg.OpExecutionContext, config: Challenger, warehouse: Warehouse, trips: Trips
) -> None:
    """Trains a new version of one model on the days in the run's config.

    The version is a challenger: it scores the days of later runs too, but nobody acts on its
    predictions. metrics.version_comparisons says whether it is better than the active version, and
    `driftmeter versions promote` makes it the active one.
    """
    days = Days.model_validate({"from": config.from_date, "to": config.to_date})
    model = train_challenger(config.monitor, days, warehouse.engine(), trips.open().signature)
    context.add_output_metadata(
        {"version": model.model_version, f"held-back {model.train_metric}": model.holdout_value}
    )


@dg.job(name="challenger")
def challenger_job() -> None:
    """Trains a challenger of one model on the days in the run's config."""
    train_one()


def train_challenger(monitor: str, days: Days, engine: sa.Engine, data_source: str) -> TrainedModel:
    """Train a challenger, as the job and the command line do."""
    if monitor not in MODELS:
        raise DriftmeterError(
            f"{monitor!r} has no model that the example trains",
            where="--monitor",
            fix=f"use one of {', '.join(MODELS)}",
        )
    return train_baseline(
        engine, monitor, days, data_source=data_source, home=settings.home(), challenger=True
    )


@dg.asset(
    key=["raw", "baseline_models"],
    group_name="raw",
    owners=["team:data-platform"],
    kinds={"scikitlearn"},
    tags=ON_DEMAND,
    deps=[raw_trips],
)
def baseline_models(
    context: dg.AssetExecutionContext, warehouse: Warehouse, trips: Trips
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Trains a scikit-learn model for each monitor on the days that its YAML declares.

    It also trains a challenger on the newer half of these days. metrics.model_versions records
    the hash of each model file, and a file with another hash is refused.
    """
    engine, source = warehouse.engine(), trips.open().signature
    metadata: dict[str, str | float | None] = {}
    for name in track("training baselines", list(MODELS)):
        days = trained_days(name)
        model = train_baseline(engine, name, days, data_source=source, home=settings.home())
        metadata[f"{name} challenger"] = _challenger_of(name, days, engine, source)
        metadata[f"{name} version"] = model.model_version
        metadata[f"{name} held-back {model.train_metric}"] = model.holdout_value
        metadata[f"{name} {model.benchmark}"] = model.benchmark_value
    return dg.MaterializeResult(metadata=metadata)


def _challenger_of(monitor: str, days: Days, engine: sa.Engine, source: str) -> str:
    """Train on the newer half of the days, which may be too few trips to learn from."""
    first = days.from_date + (days.to_date - days.from_date) // 2
    newer = Days(**{"from": first, "to": days.to_date})
    try:
        return train_challenger(monitor, newer, engine, source).model_version
    except DriftmeterError as error:
        return f"none: {error}"
