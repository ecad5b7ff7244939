"""A report for every incident, stored when it opens."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from python_metrics.errors import DriftmeterError
from python_metrics.monitors.config import Monitor
from python_metrics.reports.write import report_url, write_report

# Columns that an incident's page draws: its own, the first ones.
MOST_COLUMNS = 6
WITHOUT = sa.text(
    "select incident_id, opened_on, columns, segment, segment_value from metrics.incidents"
    " where monitor = :monitor and report_url is null"
    " and family not in ('volume', 'missing_day', 'empty_day', 'late_data')"
    " order by incident_id"
)


def store_reports(engine: sa.Engine, monitor: Monitor, directory: Path) -> dict[int, str]:
    """Write the report of every incident that has none; gives their addresses by number.

    A page is small: the incident's own columns beside prediction and target. An incident of a day
    with too few rows to draw has none.
    """
    with engine.connect() as connection:
        wanted = connection.execute(WITHOUT, {"monitor": monitor.name}).all()
    written = {}
    for incident in wanted:
        outcome = [name for name in (monitor.prediction, monitor.target) if name]
        own = [name for name in incident.columns if name in monitor.columns]
        columns = list(dict.fromkeys([*own[:MOST_COLUMNS], *outcome]))
        segment = (incident.segment, incident.segment_value) if incident.segment else None
        try:
            path = write_report(
                engine,
                monitor,
                incident.opened_on,
                directory,
                segment=segment,
                columns=columns,
                name=f"incident-{incident.incident_id}-{monitor.name}-{incident.opened_on}.html",
            )
        except DriftmeterError:
            continue
        written[incident.incident_id] = report_url(path)
    if written:
        with engine.begin() as connection:
            for table in ("incidents", "incident_events"):
                connection.execute(
                    sa.text(
                        f"update metrics.{table} set report_url = :url"
                        " where incident_id = :number and report_url is null"
                    ),
                    [{"number": number, "url": url} for number, url in written.items()],
                )
    return written


def reports_by_day(
    engine: sa.Engine, monitor: Monitor, days: Sequence[dt.date]
) -> dict[dt.date, str]:
    """The stored report of the gravest incident that was there on each day."""
    query = sa.text(
        "select day, (array_agg(report_url order by severity, incident_id))[1] as url"
        " from unnest(cast(:days as date[])) as day join metrics.incidents"
        " on day between opened_on and last_seen_on"
        " where monitor = :monitor and report_url is not null group by day"
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"monitor": monitor.name, "days": list(days)})
        return {row.day: row.url for row in rows}
