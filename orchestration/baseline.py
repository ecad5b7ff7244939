"""The baseline models: trained on declared days only, once, and again on demand."""

import dagster as dg

from orchestration.dbt_manifest import trained_days
from orchestration.progress import track
from orchestration.raw import raw_trips
from orchestration.resources import Trips, Warehouse
from python_metrics import settings
from python_metrics.inference.models import MODELS
from python_metrics.inference.train import train_baseline


@dg.asset(
    key=["raw", "baseline_models"],
    group_name="raw",
    owners=["team:data-platform"],
    kinds={"scikitlearn"},
    deps=[raw_trips],
)
def baseline_models(
    context: dg.AssetExecutionContext, warehouse: Warehouse, trips: Trips
) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """One scikit-learn model a monitor, trained on the days that its YAML declares.

    The file's hash is recorded in metrics.model_versions, and a file with another hash is refused.
    """
    engine, source = warehouse.engine(), trips.open().signature
    metadata: dict[str, object] = {}
    for name in track("training baselines", list(MODELS)):
        model = train_baseline(
            engine, name, trained_days(name), data_source=source, home=settings.home()
        )
        metadata[f"{name} version"] = model.model_version
        metadata[f"{name} held-back {model.train_metric}"] = model.holdout_value
        metadata[f"{name} {model.benchmark}"] = model.benchmark_value
    return dg.MaterializeResult(metadata=metadata)
