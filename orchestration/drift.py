"""One drift asset a monitor: its days against its reference, told to the one on call."""

import dagster as dg

from orchestration.partitions import DAILY, ONE_RUN, days_of
from orchestration.progress import track
from orchestration.resources import Warehouse
from python_metrics.drift.partition import PartitionResult, compute_partition
from python_metrics.drift.reference import load_reference
from python_metrics.monitors.config import Monitor
from python_metrics.monitors.registry import register
from python_metrics.raw.arrival import missing_days

QUALITY = ("column_profile", "column_histogram")
RUNBOOK = """Drift of {name} (owner: {owner}), a day at a time, against its reference of \
{reference.from_date} to {reference.to_date}.

A day with drifted columns: open its `preview` below, then the columns in metrics.column_profile.
A day `empty` or `missing`: look at raw/trips of the day first. A day `failed`: its `reason` is in
metrics.partitions; materialize the day again once it is mended. Running a day again is safe.
"""


def drift_asset(monitor: Monitor) -> dg.AssetsDefinition:
    """The drift asset of one monitor."""

    @dg.asset(
        key=["drift", monitor.name],
        group_name="drift",
        owners=[f"team:{monitor.owner}"],
        kinds={"evidently", "python"},
        partitions_def=DAILY,
        backfill_policy=ONE_RUN,
        deps=[
            dg.AssetKey(["inference", monitor.name]),
            *(dg.AssetKey(["quality", name]) for name in QUALITY),
        ],
        description=RUNBOOK.format(**dict(monitor)),
    )
    def drift(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        engine, days = warehouse.engine(), days_of(context)
        register(engine, monitor)
        reference = load_reference(engine, monitor)
        missing = missing_days(engine, days)
        for day in track(f"drift, {monitor.name}", days):
            result = compute_partition(engine, monitor, day, reference, arrived=day not in missing)
            context.add_asset_metadata(partition_metadata(result), partition_key=day.isoformat())

    return drift


def partition_metadata(result: PartitionResult) -> dict[str, object]:
    """What Dagster shows of one partition."""
    return {
        "state": result.state,
        "dagster/row_count": result.row_count,
        "drifted columns": len(result.drifted_columns),
        "failing tests": len(result.failing_tests),
        "seconds": round(result.duration_seconds, 3),
        "preview": dg.MetadataValue.md(preview(result)),
    }


def preview(result: PartitionResult) -> str:
    """A day's drift rows as a table, highest above its threshold first."""
    compared = [row for row in result.drift if row.column_name and row.status == "ok"]
    left_out = [row for row in result.drift if row.column_name and row.status != "ok"]
    lines = ["| column | method | score | threshold | |", "|---|---|---:|---:|---|"]
    lines += [
        f"| {row.column_name} | {row.method} | {row.score:.4g} | {row.threshold:.4g} | "
        f"{'**drifted**' if row.is_drifted else ''} |"
        for row in sorted(compared, key=lambda row: (not row.is_drifted, row.column_name or ""))
    ]
    lines += [f"| {row.column_name} | | | | {row.status}: {row.reason} |" for row in left_out]
    return "\n".join(lines)
