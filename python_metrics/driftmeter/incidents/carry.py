"""Carries over what people did about incidents when another policy combines them anew.

A looser policy finds an incident a few days earlier, a stricter one later: with another first day
it is another incident to `fold`, and not to the person who acknowledged or accepted it.
"""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from driftmeter.incidents.fold import Incident
from driftmeter.incidents.stored_incidents import INHERIT, known_incidents, withdraw
from driftmeter.monitors.config import Monitor

TAKE_OVER = sa.text(
    "update metrics.incidents set cause = :cause, opened_on = :opened_on"
    " where incident_id = :number"
)
COPY_CLOSES = sa.text(
    "insert into metrics.incident_events (incident_id, monitor, event, on_date, kind, diagnosis,"
    " report_url, author, note) select :whole, monitor, event, on_date, kind, diagnosis,"
    " report_url, author, note from metrics.incident_events"
    " where incident_id = :part and event in ('closed_by_hand', 'accepted') order by event_id"
)


def carry_over(connection: sa.Connection, monitor: Monitor, incidents: Sequence[Incident]) -> bool:
    """Give incidents of another policy that people acted on the cause that they have by this one.

    Each keeps its number, unless people acted on the incident of that cause too: then it is one
    with that.

    Parameters
    ----------
    incidents : sequence of Incident
        As they are folded by the monitor's policy.

    Returns
    -------
    bool
        Whether there was one: then what closed it closes another cause, and all are to be folded
        again.
    """
    causes = {incident.cause for incident in incidents}
    known = {row["cause"]: row for row in known_incidents(connection, monitor)}
    is_carried = False
    for row in list(known.values()):
        if row["cause"] in causes or not (row["is_of_other_policy"] and row["is_acted_on"]):
            continue
        heir = heir_of(row, incidents)
        if heir is None:
            continue
        is_carried = True
        number, holder = row["incident_id"], known.get(heir.cause)
        if holder is not None and holder["is_acted_on"]:
            of_both = {"whole": holder["incident_id"], "part": number}
            connection.execute(INHERIT, of_both)
            connection.execute(COPY_CLOSES, of_both)
            withdraw(connection, row, f"it is one with incident {holder['incident_id']}")
            continue
        if holder is not None:
            withdraw(connection, holder, f"it is one with incident {number}")
        taken = {"cause": heir.cause, "opened_on": heir.opened_on, "number": number}
        connection.execute(TAKE_OVER, taken)
        known[heir.cause] = row
    return is_carried


def heir_of(row: sa.RowMapping, incidents: Sequence[Incident]) -> Incident | None:
    """The incident of the same family and columns that shares most days with a known one."""

    def shared_days(incident: Incident) -> int:
        first: dt.date = max(incident.opened_on, row["opened_on"])
        last: dt.date = min(incident.last_seen_on, row["last_seen_on"])
        return (last - first).days + 1

    def is_same(incident: Incident) -> bool:
        columns, known = {*incident.columns}, {*row["columns"]}
        is_of_columns = bool(columns & known) or not (columns or known)
        return incident.first.family == row["family"] and is_of_columns

    same = [one for one in incidents if is_same(one) and shared_days(one) > 0]
    return max(same, key=shared_days, default=None)
