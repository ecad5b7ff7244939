"""The jobs of the chain, and when it runs by itself: every morning, for yesterday."""

from collections.abc import Iterator

import dagster as dg

from orchestration.partitions import DAILY
from orchestration.resources import Warehouse
from python_metrics.raw.labels import stale_since

chain_job = dg.define_asset_job(
    "daily_chain",
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.keys(["raw", "baseline_models"], ["raw", "challenger_models"]),
    partitions_def=DAILY,
    description="One day, or a range of days, from raw trips to incidents.",
)
baseline_job = dg.define_asset_job(
    "baseline",
    selection=dg.AssetSelection.keys(["raw", "baseline_models"]),
    description="Trains the baseline models on their declared days.",
)


@dg.sensor(
    name="stale_days",
    job=chain_job,
    minimum_interval_seconds=60,
    description="Runs days again whose rows or labels changed since. Off until you turn it on.",
)
def stale_days_sensor(warehouse: Warehouse) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One run a day, and one only for each change of it."""
    changed = stale_since(warehouse.engine())
    if not changed:
        yield dg.SkipReason("no day is stale")
    for day, computed_at in changed.items():
        yield dg.RunRequest(run_key=f"{day} {computed_at}", partition_key=day.isoformat())


challenger_job = dg.define_asset_job(
    "challenger",
    selection=dg.AssetSelection.keys(["raw", "challenger_models"]),
    description="Trains one model again, on days of its config, to score beside the active one.",
)
daily_schedule = dg.build_schedule_from_partitioned_job(
    chain_job,
    name="every_morning",
    hour_of_day=6,
    description="Yesterday, once its trips are in. Off until you turn it on.",
)
