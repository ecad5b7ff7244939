"""The performance asset of each monitor with a target: its realised and estimated error."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from dagster_driftmeter.assets.partitions import Partitions, keys_of, monitor_asset
from dagster_driftmeter.runs.over_pieces import over_pieces, processes_of
from dagster_driftmeter.runs.progress import track
from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.retries import only_informs
from driftmeter.arrival.inputs import steps_after
from driftmeter.monitors.config import Monitor
from driftmeter.performance.alarms import alarmed_metrics
from driftmeter.performance.decided import settle_days
from driftmeter.performance.outcomes import METRICS
from driftmeter.performance.performance_day import ErrorBackground, load_background, measure_day
from driftmeter.performance.stored_errors import PerformanceRow
from driftmeter.warehouse import connection

RUNBOOK = """Performance of {name} on each day, compared with its reference period \
{reference.from_date} to {reference.to_date}. Owner: {owner}.

The realised error is that of the rows whose label has come; the estimated error is that of all
rows. `error alarms` lists the metrics whose error raised an alarm. The error of a provisional day
changes as labels come: metrics.performance_as_of shows what was measured when. You can materialize
a day twice: its results are replaced as a whole.
"""


def performance_asset(monitor: Monitor, partitions: Partitions) -> dg.AssetsDefinition:
    """The performance asset of one monitor."""

    @monitor_asset(
        "performance",
        monitor,
        partitions,
        kinds={"postgres", "scikitlearn"},
        deps=[dg.AssetKey(["drift", monitor.name])],
        runbook=RUNBOOK,
    )
    def performance(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        keys = keys_of(context, monitor.cadence)
        engine, days = connection.of_monitor(warehouse.engine(), monitor), list(keys)
        background = load_background(engine, monitor)
        measured_days = over_pieces(_measure, background, days, processes_of(context.run.tags))
        tracked = track(f"performance, {monitor.name}", days)
        rows = dict(zip(tracked, measured_days, strict=True))
        settle_days(engine, monitor, days)
        with engine.connect() as session:
            alarms = alarmed_metrics(session, monitor, min(days), max(days))
        for day, measured in rows.items():
            with only_informs(f"what Dagster shows of {monitor.name}'s performance on {day}"):
                metadata = partition_metadata(measured, alarms.get(day, ()))
                context.add_asset_metadata(metadata, partition_key=keys[day])

    return performance


def _measure(background: ErrorBackground, day: dt.date) -> list[PerformanceRow]:
    monitor = background.monitor
    to_follow = steps_after(monitor, "performance")
    engine = connection.engine_of(monitor)
    return measure_day(engine, background, day, monitor.config_hash, to_follow)


def partition_metadata(
    measured: Sequence[PerformanceRow], alarms: Sequence[str]
) -> dict[str, object]:
    """What Dagster shows of one partition."""
    whole = [row for row in measured if row.segment is None]
    coverage = max((row.label_coverage or 0.0 for row in whole), default=0.0)
    lines = ["| metric | | value | 95% interval | reference |", "|---|---|---:|---:|---:|"]
    for row in whole:
        between = f"{_text(row.lower)} to {_text(row.upper)}" if row.lower is not None else ""
        lines.append(
            f"| {row.metric} | {row.kind} | {_text(row.value)} | {between} |"
            f" {_text(row.reference_value)} |"
        )
    # Numbers, which Dagster plots over the days; challengers come after the version in use.
    plotted: dict[str, float] = {}
    first = {row.kind: row.model_version for row in reversed(whole)}
    for row in whole:
        if row.value is not None and any(row.metric in names for names in METRICS.values()):
            of_version = "" if row.model_version == first[row.kind] else f" of {row.model_version}"
            kind = "" if row.kind == "realised" else f", {row.kind}"
            plotted[f"{row.metric}{kind}{of_version}"] = row.value
    return {
        **plotted,
        "label coverage": round(coverage, 4),
        "error alarms": ", ".join(alarms) or "none",
        "state": "final" if whole and all(row.state == "final" for row in whole) else "provisional",
        "preview": dg.MetadataValue.md("\n".join(lines)),
    }


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
