"""The incidents asset of each monitor, which diagnoses alarms and combines them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
import sqlalchemy as sa

from dagster_driftmeter.assets.partitions import Partitions, keys_of, monitor_asset
from dagster_driftmeter.runs.over_pieces import over_pieces, processes_of
from dagster_driftmeter.runs.progress import spinner, track
from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.retries import is_disconnected, only_informs, tell
from driftmeter import settings
from driftmeter.errors import reason_of
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.update import update_incidents
from driftmeter.incidents.words import plain_markdown
from driftmeter.monitors.config import Monitor
from driftmeter.reports.incident_pages import (
    Drawn,
    IncidentReport,
    note_report,
    reports_by_day,
    wanted_reports,
    write_incident_report,
)
from driftmeter.warehouse import connection

RUNBOOK = """Incidents of {name}: the cause of each day's alarms, and the days that share it. \
Owner: {owner}.

`diagnosis` below says what happened on a day, and in which column or segment. `report` links to
Evidently's report of it. `driftmeter incidents` lists the open incidents; `driftmeter incidents ack
ID` acknowledges one, and keeps its days out of the trailing baseline. You can materialize a day
twice: its results are replaced as a whole.
"""


def incidents_asset(monitor: Monitor, partitions: Partitions) -> dg.AssetsDefinition:
    """The incidents asset of one monitor."""

    @monitor_asset(
        "incidents",
        monitor,
        partitions,
        kinds={"python"},
        deps=[dg.AssetKey(["performance" if monitor.target else "drift", monitor.name])],
        runbook=RUNBOOK,
    )
    def incidents(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        engine = connection.of_monitor(warehouse.engine(), monitor)
        keys = keys_of(context, monitor.cadence)
        with spinner(f"incidents, {monitor.name}"):
            breaches_by_day = update_incidents(engine, monitor, list(keys), ends_run=True)
        directory, processes = settings.home() / "reports", processes_of(context.run.tags)
        write_reports(engine, monitor, directory, processes, context.log.warning)
        with only_informs(f"what Dagster shows of {monitor.name}'s incidents"):
            links = reports_by_day(engine, monitor, list(breaches_by_day))
            for day, breaches in breaches_by_day.items():
                metadata = partition_metadata(breaches, links.get(day))
                context.add_asset_metadata(metadata, partition_key=keys[day])

    return incidents


def write_reports(
    engine: sa.Engine,
    monitor: Monitor,
    directory: Path,
    processes: int,
    tell: Callable[[str], None] = tell,
) -> dict[int, str]:
    """Draw the page of every incident that has none; gives their addresses by number.

    A page that cannot be drawn is told in one line, and its incident stays without it until a
    later run draws it.
    """
    urls: dict[int, str] = {}
    with only_informs(f"pages of {monitor.name}'s incidents"):
        wanted = wanted_reports(engine, monitor)
        if not wanted:
            return {}
        pages = over_pieces(_write_report, (monitor, directory), wanted, processes)
        tracked = track(f"incidents' pages, {monitor.name}", wanted)
        for _, drawn in zip(tracked, pages, strict=True):
            # Each by itself: a run that is killed leaves none to draw twice.
            note_report(engine, drawn)
            if drawn.url:
                urls[drawn.report.incident_id] = drawn.url
            elif drawn.state == "failed":
                tell(without_page(drawn.report.incident_id, str(drawn.reason)))
    return urls


def without_page(incident_id: int, reason: str) -> str:
    """One line on an incident whose page could not be drawn."""
    return f"the page of incident {incident_id} was not drawn ({reason}); the next run tries again"


def _write_report(shared: tuple[Monitor, Path], report: IncidentReport) -> Drawn:
    monitor, directory = shared
    engine = connection.engine_of(monitor)
    try:
        return write_incident_report(engine, monitor, report, directory)
    except Exception as error:
        if is_disconnected(error):
            raise
        return Drawn(report, "failed", reason=reason_of(error))


def partition_metadata(breaches: Sequence[Breach], report: str | None) -> dict[str, object]:
    """What Dagster shows of one partition."""
    lines = [
        f"- **{breach.kind}** ({breach.severity}): {plain_markdown(breach.diagnosis)}"
        for breach in breaches
    ]
    return {
        "breaches": len(breaches),
        "diagnosis": dg.MetadataValue.md("\n".join(lines) or "no breach"),
        **({"report": dg.MetadataValue.url(report)} if report else {}),
    }
