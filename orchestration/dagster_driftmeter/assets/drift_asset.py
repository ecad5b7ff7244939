"""The drift asset of each monitor, which compares its days with its baseline."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import dagster as dg
import sqlalchemy as sa

from dagster_driftmeter.assets.failed_days import tell_failed_days
from dagster_driftmeter.assets.monitored_table import MonitoredTable
from dagster_driftmeter.assets.partitions import Partitions, keys_of, monitor_asset
from dagster_driftmeter.runs.over_pieces import over_pieces, processes_of
from dagster_driftmeter.runs.progress import track
from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.retries import only_informs
from driftmeter import settings
from driftmeter.alarms.detect import detect
from driftmeter.alarms.verdicts import Verdict
from driftmeter.arrival.column_changes import note_columns
from driftmeter.arrival.inputs import steps_after
from driftmeter.arrival.missing import overdue_days
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import Reference, load_reference
from driftmeter.drift.results import PartitionResult
from driftmeter.errors import DriftmeterError
from driftmeter.incidents.judging import judge_changed_policy
from driftmeter.incidents.words import plain_markdown, shown
from driftmeter.monitors.changed_settings import (
    mark_setting_changes,
    retire_undeclared,
    tell_other_version,
)
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.registry import register
from driftmeter.warehouse import connection

# Of a warehouse and days: those that never came, as far as whoever brings them can tell.
AbsentDays = Callable[[sa.Engine, Sequence[dt.date]], set[dt.date]]
RUNBOOK = """Drift of {name} on each day, compared with its reference period \
{reference.from_date} to {reference.to_date}. Owner: {owner}.

If columns drifted on a day, open the day's `preview` below, then look at these columns in
metrics.column_profile. If a day is `empty` or `missing`, check the job that fills the inference
table. If a day `failed`, metrics.partitions holds the `reason`: correct it, then materialize the
day again. You can materialize a day twice: its results are replaced as a whole.
"""


def no_absent_days(engine: sa.Engine, days: Sequence[dt.date]) -> set[dt.date]:
    """None: a table alone cannot tell more than `overdue_days` does."""
    return set()


def drift_asset(
    table: MonitoredTable,
    declared: Collection[str],
    partitions: Partitions,
    absent_days: AbsentDays = no_absent_days,
) -> dg.AssetsDefinition:
    """The drift asset of one monitor.

    Parameters
    ----------
    declared : collection of str
        Every monitor that the project declares; those that it declares no longer are retired.
    """
    monitor = table.monitor

    @monitor_asset(
        "drift",
        monitor,
        partitions,
        kinds={"evidently", "python"},
        deps=[table.inference, *table.quality, *table.feeds],
        runbook=RUNBOOK,
    )
    def drift(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        keys = keys_of(context, monitor.cadence)
        engine, days = connection.of_monitor(warehouse.engine(), monitor), list(keys)
        for name in retire_undeclared(engine, monitor.project, declared):
            context.log.info(f"{name} is no longer declared: retired")
        if changes := mark_setting_changes(engine, monitor):
            context.log.info(changes)
        if judged := judge_changed_policy(engine, monitor, settings.home() / "calibration"):
            context.log.info(judged)
        if told := tell_other_version(engine, monitor):
            context.log.warning(told)
        register(engine, monitor)
        reference = load_reference(engine, monitor)
        with engine.connect() as session:
            overdue = overdue_days(session, monitor)
        shared = _Shared(monitor, reference, frozenset(overdue | absent_days(engine, days)))
        for change in note_columns(engine, monitor, min(days)):
            context.log.warning(f"{monitor.name}: {change.name} was {change.change}")
        computed = over_pieces(_compare, shared, days, processes_of(context.run.tags))
        try:
            results = dict(zip(track(f"drift, {monitor.name}", days), computed, strict=True))
        except DriftmeterError as error:
            tell_failed_days(engine, [monitor], days, error.what)
            raise
        verdicts = detect(
            engine, monitor, reference.config_hash, days, settings.home() / "calibration"
        )
        with only_informs(f"what Dagster shows of {monitor.name}'s drift"):
            for day, result in results.items():
                metadata = partition_metadata(result, verdicts[day])
                context.add_asset_metadata(metadata, partition_key=keys[day])

    return drift


@dataclass(frozen=True)
class _Shared:
    """What all days of a run are compared with."""

    monitor: Monitor
    reference: Reference
    absent: frozenset[dt.date]


def _compare(shared: _Shared, day: dt.date) -> PartitionResult:
    return compute_partition(
        connection.engine_of(shared.monitor),
        shared.monitor,
        day,
        shared.reference,
        arrived=day not in shared.absent,
        to_follow=steps_after(shared.monitor, "drift"),
    )


def partition_metadata(result: PartitionResult, verdicts: Sequence[Verdict]) -> dict[str, object]:
    """What Dagster shows of one partition; numbers are plotted over the days."""
    ratios = [row.score / row.threshold for row in verdicts if row.score and row.threshold]
    whole = [row.is_drifted is True for row in verdicts if row.segment is None]
    parts = [row.is_drifted is True for row in verdicts if row.segment]
    # A day without rows has a gap in these plots, and no zero that looks calm.
    compared = {
        "highest score / threshold": round(max(ratios, default=0.0), 3),
        "drifted columns": sum(whole),
        "drifted segments": sum(parts),
    }
    return {
        "state": result.state,
        "dagster/row_count": result.row_count,
        **(compared if result.row_count else {}),
        "failing tests": len(result.failing_tests),
        "seconds": round(result.duration_seconds, 3),
        "preview": dg.MetadataValue.md(
            preview(verdicts)
            if result.row_count
            else f"**{result.state}**: this day has no row, so that nothing was compared"
        ),
    }


def preview(verdicts: Sequence[Verdict]) -> str:
    """A day's verdicts over all rows as a table, alarms first, then the segments in alarm."""
    judged = [row for row in verdicts if row.status == "ok"]
    listed = [row for row in judged if row.segment is None or row.is_drifted]
    lines = [
        "| column | segment | what | change | score | threshold | |",
        "|---|---|---|---:|---:|---:|---|",
    ]
    for row in sorted(listed, key=lambda row: (not row.is_drifted, -(row.score or 0))):
        column = plain_markdown(row.column_name or "all columns")
        part = f"{row.segment} = {shown(row.segment_value)}" if row.segment else ""
        word = "**drifted**" if row.is_drifted else "still shifted" if row.is_slow else ""
        lines.append(
            f"| {column} | {plain_markdown(part)} | {row.statistic} |"
            f" {row.effect:+.3g} {row.unit} | {row.score:.3g} | {row.threshold:.3g} | {word} |"
        )
    lines += [
        f"| {plain_markdown(row.column_name)} | | | | | | {row.status}:"
        f" {plain_markdown(row.reason)} |"
        for row in verdicts
        if row.status != "ok"
    ]
    return "\n".join(lines)
