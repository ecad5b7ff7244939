"""When the chain runs by itself: every morning for yesterday, or day after day in a replay."""

import datetime as dt

import dagster as dg

from orchestration import source_choice
from orchestration.dbt_manifest import monitors
from orchestration.partitions import DAILY

chain_job = dg.define_asset_job(
    "daily_chain",
    selection=dg.AssetSelection.all() - dg.AssetSelection.keys(["raw", "baseline_models"]),
    partitions_def=DAILY,
    description="One day, or a range of days, from raw trips to drift.",
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


@dg.sensor(
    name="replay",
    job=chain_job,
    minimum_interval_seconds=10,
    description=(
        "Replays history: one day of the source every 10 seconds, the next one each time, as the"
        " demo loop does. Stop and start it at will; to begin again, set its cursor to a day."
    ),
)
def replay(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask for the day after the cursor; the first is the first day after the reference."""
    days = source_choice.chosen().open().days()
    after = dt.date.fromisoformat(context.cursor) if context.cursor else _last_reference_day()
    following = [day for day in days if day > after]
    if not following:
        return dg.SkipReason(f"{after} was the last day of the source")
    day = following[0].isoformat()
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=None, partition_key=day)], cursor=day
    )


def _last_reference_day() -> dt.date:
    return max(monitor.reference.to_date for monitor in monitors().values())
