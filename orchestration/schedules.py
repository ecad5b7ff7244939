"""The jobs of the chain, and when it runs by itself: every morning, for yesterday."""

import dagster as dg

from orchestration.partitions import DAILY

chain_job = dg.define_asset_job(
    "daily_chain",
    selection=dg.AssetSelection.all() - dg.AssetSelection.keys(["raw", "baseline_models"]),
    partitions_def=DAILY,
    description="One day, or a range of days, from raw trips to incidents.",
)
baseline_job = dg.define_asset_job(
    "baseline",
    selection=dg.AssetSelection.keys(["raw", "baseline_models"]),
    description="Trains the baseline models on their declared days.",
)
daily_schedule = dg.build_schedule_from_partitioned_job(
    chain_job,
    name="every_morning",
    hour_of_day=6,
    description="Yesterday, once its trips are in. Off until you turn it on.",
)
