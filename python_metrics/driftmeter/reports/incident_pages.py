"""Draws a page for every incident when it opens, or in a later run if that failed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.reports.write_report import (
    Segment,
    TooFewRows,
    name_of_batch,
    plain_name,
    report_url,
    write_report,
)

# Columns that an incident's page draws: its own, the first ones.
MOST_COLUMNS = 6
# Rows of either side that it draws: a distribution function of so many is within 1.9 percentage
# points of all rows', 19 times of 20 (Massart 1990), and four times as many take as long again.
MOST_ROWS = 5_000
# Families of incidents whose rows show nothing that a page could draw.
WITHOUT_PAGE = "'volume', 'missing_day', 'empty_day', 'late_data', 'late_labels'"
WITHOUT = sa.text(
    "select incident_id, opened_on, columns, segment, segment_value, kind, severity, diagnosis,"
    " coalesce(evidence -> 'cause' -> 'columns', '[]') as because from metrics.incidents"
    " where monitor = :monitor and report_url is null"
    f" and family not in ({WITHOUT_PAGE}) order by incident_id"
)
UNDRAWN = sa.text(
    "select count(*) from metrics.incidents where monitor = :monitor and report_url is null"
    " and report_state <> 'too few rows'"
    f" and family not in ({WITHOUT_PAGE})"
)
NOTE = sa.text(
    "update metrics.incidents set report_url = :url, report_state = :state,"
    " report_reason = :reason where incident_id = :number and report_url is null"
)
NOTE_EVENTS = sa.text(
    "update metrics.incident_events set report_url = :url"
    " where incident_id = :number and report_url is null"
)


@dataclass(frozen=True)
class IncidentReport:
    """What the report of an incident shows.

    Attributes
    ----------
    day : date
        On which the incident opened.
    columns : tuple of str
        The incident's own, and after them prediction and target: a page is small.
    segment : (str, str) or None
        Column and value.
    heading : dict of str to str
        What the page says first: which incident it is, and what happened.
    """

    incident_id: int
    day: dt.date
    columns: tuple[str, ...]
    segment: Segment | None
    heading: dict[str, str]


def wanted_reports(engine: sa.Engine, monitor: Monitor) -> list[IncidentReport]:
    """Reports of a monitor's incidents that have none, the oldest incident first."""
    with engine.connect() as connection:
        incidents = connection.execute(WITHOUT, {"monitor": monitor.name}).all()
    outcome = [name for name in (monitor.prediction, monitor.target) if name]
    wanted = []
    for incident in incidents:
        # Of a loss, the columns that it is put down to.
        named = [*incident.because, *incident.columns]
        own = [name for name in named if name in monitor.columns]
        columns = tuple(dict.fromkeys([*own[:MOST_COLUMNS], *outcome]))
        segment = (incident.segment, incident.segment_value) if incident.segment else None
        heading = {
            "Incident": f"{incident.incident_id}, {incident.kind}, severity {incident.severity}",
            "What happened": incident.diagnosis,
            "What to run": f"driftmeter incidents show {incident.incident_id}",
        }
        number, opened_on = incident.incident_id, incident.opened_on
        wanted.append(IncidentReport(number, opened_on, columns, segment, heading))
    return wanted


def undrawn(connection: sa.Connection, monitor: str) -> int:
    """How many of a monitor's incidents wait for a page, because a run was cut off or it failed."""
    return int(connection.execute(UNDRAWN, {"monitor": monitor}).scalar_one())


@dataclass(frozen=True)
class Drawn:
    """What became of an incident's page.

    Attributes
    ----------
    state : {'drawn', 'failed', 'too few rows'}
        A later run draws what failed, and looks again at a day with no row to draw.
    url : str or None
        Where it is served.
    reason : str or None
        Why there is none.
    """

    report: IncidentReport
    state: Literal["drawn", "failed", "too few rows"]
    url: str | None = None
    reason: str | None = None


def write_incident_report(
    engine: sa.Engine, monitor: Monitor, report: IncidentReport, directory: Path
) -> Drawn:
    """Write the page of an incident, unless its day or segment has no row to draw."""
    try:
        path = write_report(
            engine,
            monitor,
            report.day,
            directory,
            segment=report.segment,
            columns=report.columns,
            most_rows=MOST_ROWS,
            heading=report.heading,
            name=f"incident-{report.incident_id}-{plain_name(monitor.name)}"
            f"-{name_of_batch(report.day)}.html",
        )
    except TooFewRows as error:
        return Drawn(report, "too few rows", reason=error.what)
    return Drawn(report, "drawn", report_url(path))


def note_report(engine: sa.Engine, drawn: Drawn) -> None:
    """Put on record where an incident's page is served, or why there is none."""
    noted = {
        "number": drawn.report.incident_id,
        "url": drawn.url,
        "state": drawn.state,
        "reason": drawn.reason,
    }
    with engine.begin() as connection:
        connection.execute(NOTE, noted)
        connection.execute(NOTE_EVENTS, noted)


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
