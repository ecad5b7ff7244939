"""One incidents asset a monitor: what was wrong, in a sentence, and since when."""

from collections.abc import Sequence

import dagster as dg

from orchestration.freshness import freshness_policy
from orchestration.partitions import DAILY, ONE_RUN, days_of
from orchestration.progress import spinner
from orchestration.resources import Warehouse
from orchestration.retries import retried_when_disconnected
from python_metrics import settings
from python_metrics.incidents.breach import Breach
from python_metrics.incidents.reports import reports_by_day, store_reports
from python_metrics.incidents.update import update_incidents
from python_metrics.monitors.config import Monitor
from python_metrics.words import plain_markdown

RUNBOOK = """Incidents of {name} (owner: {owner}): what a day's alarms come from, and which days \
share it.

A day with a breach says what happened, in which column or segment, with numbers; `report` below is
Evidently's page of it. `driftmeter incidents` lists them; `driftmeter incidents ack ID` takes one
on, and keeps its days out of the trailing baseline. Running a day again is safe.
"""


def incidents_asset(
    monitor: Monitor, partitions: dg.DailyPartitionsDefinition = DAILY
) -> dg.AssetsDefinition:
    """The incidents asset of one monitor."""

    @dg.asset(
        key=["incidents", monitor.name],
        group_name="incidents",
        owners=[f"team:{monitor.owner}"],
        kinds={"python"},
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        deps=[dg.AssetKey(["performance" if monitor.target else "drift", monitor.name])],
        description=RUNBOOK.format(**dict(monitor)),
        freshness_policy=freshness_policy(monitor),
    )
    @retried_when_disconnected()
    def incidents(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        engine = warehouse.engine()
        with spinner(f"incidents, {monitor.name}"):
            breaches_by_day = update_incidents(engine, monitor, days_of(context), ends_run=True)
            store_reports(engine, monitor, settings.home() / "reports")
        links = reports_by_day(engine, monitor, list(breaches_by_day))
        for day, breaches in breaches_by_day.items():
            metadata = partition_metadata(breaches, links.get(day))
            context.add_asset_metadata(metadata, partition_key=day.isoformat())

    return incidents


def partition_metadata(breaches: Sequence[Breach], report: str | None) -> dict[str, object]:
    """What Dagster shows of one partition."""
    lines = [
        f"- **{breach.kind}** ({breach.severity}): {plain_markdown(breach.diagnosis)}"
        for breach in breaches
    ]
    return {
        "breaches": len(breaches),
        "diagnosis": dg.MetadataValue.md("\n".join(lines) or "nothing was wrong"),
        **({"report": dg.MetadataValue.url(report)} if report else {}),
    }
