"""What people do about an incident: acknowledge it, close it, keep its days out of baselines."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.incidents.stored_incidents import record
from driftmeter.warehouse.schema import by_hours

Action = Literal["ack", "close", "exclude"]
EVENTS: dict[Action, str] = {
    "ack": "acknowledged",
    "close": "closed_by_hand",
    "exclude": "excluded",
}
UPDATES: dict[Action, str] = {
    "ack": "acknowledged_by = :author, acknowledged_at = now()",
    "close": "closed_on = :newest, closed_by = :author",
    "exclude": "excluded_from_baseline = true",
}


@dataclass(frozen=True)
class Acted:
    """The incident of which something was done; verdicts since it opened rest on that."""

    monitor: str
    opened_on: dt.date


def act(engine: sa.Engine, number: int, action: Action, author: str, note: str | None) -> Acted:
    """Do it, and keep who did it and when; doing it twice changes nothing.

    Raises
    ------
    DriftmeterError
        If there is no such incident.
    """
    with engine_of_incident(engine, number).begin() as connection:
        incident = load_incident(connection, number)
        done = {
            "ack": incident["acknowledged_by"] == author,
            "close": incident["closed_on"] is not None,
            "exclude": incident["excluded_from_baseline"],
        }[action]
        if done:
            return Acted(incident["monitor"], incident["opened_on"])
        newest = incident["newest"]
        connection.execute(
            sa.text(f"update metrics.incidents set {UPDATES[action]} where incident_id = :number"),
            {"number": number, "author": author, "newest": newest},
        )
        record(connection, incident, EVENTS[action], newest, author, note)
    return Acted(incident["monitor"], incident["opened_on"])


def engine_of_incident(engine: sa.Engine, number: int) -> sa.Engine:
    """The engine for an incident: one of an hourly monitor is known by hours."""
    query = sa.text(
        "select monitors.timezone from metrics.incidents join metrics.monitors using (monitor)"
        " where incident_id = :number and monitors.every = 'hour'"
    )
    with engine.connect() as connection:
        timezone = connection.scalar(query, {"number": number})
    return engine if timezone is None else by_hours(engine, ZoneInfo(timezone))


def load_incident(connection: sa.Connection, number: int) -> sa.RowMapping:
    """An incident's row, locked, with its monitor's newest computed day and its cadence.

    Raises
    ------
    DriftmeterError
        If there is no such incident.
    """
    query = sa.text(
        "select incidents.*, greatest(last_seen_on, (select max(partition_date)"
        " from metrics.partitions where partitions.monitor = incidents.monitor)) as newest,"
        " declared.every, declared.timezone"
        " from metrics.incidents left join metrics.monitors as declared using (monitor)"
        " where incident_id = :number for update of incidents"
    )
    incident = connection.execute(query, {"number": number}).mappings().first()
    if incident is None:
        raise DriftmeterError(
            f"there is no incident {number}",
            where="ID",
            fix="list them: `driftmeter incidents`",
        )
    return incident
