"""The job of the chain, and when it runs by itself: every morning, for yesterday."""

import dagster as dg

from orchestration.partitions import DAILY

# Tag of assets that are no part of a day: they are materialized when somebody asks for them.
ON_DEMAND = {"driftmeter/on_demand": "true"}

chain_job = dg.define_asset_job(
    "daily_chain",
    selection=dg.AssetSelection.all() - dg.AssetSelection.tag("driftmeter/on_demand", "true"),
    partitions_def=DAILY,
    description="One day, or a range of days, from the rows that arrive to incidents.",
)
daily_schedule = dg.build_schedule_from_partitioned_job(
    chain_job,
    name="every_morning",
    hour_of_day=6,
    description="Yesterday, once its rows are in. Off until you turn it on.",
)
