"""Breaches and incidents in the warehouse, and the record of every change."""

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from driftmeter.alarms.trailing import HISTORY
from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.breach import KEPT, OF_ROWS, Breach
from driftmeter.incidents.fold import GAP, Away, Incident, Transition
from driftmeter.monitors.config import Monitor

AUTHOR = "driftmeter"


def alarms_of(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, list[Alarm]]:
    """Calibrated verdicts that are alarms, and columns still away from the reference, by day."""
    query = sa.text(
        "select partition_date, column_name, segment, segment_value, score, threshold, is_drifted"
        " from metrics.drift_scored where monitor = :monitor and (is_drifted or is_slow)"
        " order by partition_date, score_ratio desc, column_name, segment, segment_value"
    )
    alarms: dict[dt.date, list[Alarm]] = {}
    for row in connection.execute(query, {"monitor": monitor.name}):
        where = (row.column_name, row.segment, row.segment_value)
        alarms.setdefault(row.partition_date, []).append(
            Alarm(*where, row.score, row.threshold, row.is_drifted)
        )
    return alarms


def away_of(monitor: Monitor, alarms: Sequence[Alarm]) -> set[Away]:
    """Columns that are away from the reference on a day; the prediction only where it is alone."""
    columns = {alarm.column for alarm in alarms}
    wanted = {name for name in monitor.features if name in columns} or {monitor.prediction}
    return {
        Away(str(alarm.column), alarm.segment or "", alarm.value or "")
        for alarm in alarms
        if alarm.column in wanted
    }


def known_signatures(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, str | None]:
    """What each day's breaches were last written from."""
    query = sa.text(
        "select partition_date, breaches_of from metrics.partitions where monitor = :monitor"
    )
    return dict(connection.execute(query, {"monitor": monitor.name}).tuples().all())


def replace_breaches(
    connection: sa.Connection,
    monitor: Monitor,
    by_day: Mapping[dt.date, Sequence[Breach]],
    signatures: Mapping[dt.date, str],
) -> None:
    """Replace the breaches of days, and note what they were written from."""
    connection.execute(
        sa.text(
            "delete from metrics.breaches where monitor = :monitor and partition_date = any(:days)"
        ),
        {"monitor": monitor.name, "days": list(by_day)},
    )
    rows = [
        {
            "monitor": monitor.name,
            "day": day,
            "rank": rank,
            **{name: getattr(breach, name) for name in (*KEPT, "family", "severity")},
            "columns": list(breach.columns),
            "evidence": as_json({**breach.evidence, "strength": breach.strength}),
        }
        for day, breaches in by_day.items()
        for rank, breach in enumerate(breaches, start=1)
    ]
    if rows:
        connection.execute(
            sa.text(
                "insert into metrics.breaches (monitor, partition_date, rank, family, kind,"
                " severity, segment, segment_value, column_name, columns, diagnosis, evidence,"
                " model_version, config_hash) select :monitor, :day, :rank, :family, :kind,"
                " :severity, :segment, :segment_value, :column_name, :columns, :diagnosis,"
                " cast(:evidence as jsonb), (select max(model_version) from metrics.drift"
                " where monitor = :monitor and partition_date = :day), (select config_hash"
                " from metrics.partitions where monitor = :monitor and partition_date = :day)"
            ),
            rows,
        )
    connection.execute(
        sa.text(
            "update metrics.partitions set breaches_of = :signature"
            " where monitor = :monitor and partition_date = :day"
        ),
        [{"monitor": monitor.name, "day": day, "signature": signatures[day]} for day in by_day],
    )


def as_json(evidence: Mapping[str, Any]) -> str:
    """Evidence as JSON: six digits, and null for what is no number."""

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if isinstance(value, float):
            return float(f"{value:.6g}") if math.isfinite(value) else None
        return value

    return json.dumps(plain(evidence))


def all_breaches(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, list[Breach]]:
    """Breaches of every computed day, those without one too, in order."""
    days = sa.text(
        "select partition_date from metrics.partitions where monitor = :monitor order by 1"
    )
    named = {"monitor": monitor.name}
    by_day: dict[dt.date, list[Breach]] = {day: [] for day in connection.scalars(days, named)}
    query = sa.text(
        f"select partition_date, {', '.join(KEPT)}, columns, evidence"
        " from metrics.breaches where monitor = :monitor order by partition_date, rank"
    )
    for row in connection.execute(query, named):
        by_day[row.partition_date].append(
            Breach(
                **{name: getattr(row, name) for name in KEPT},
                columns=tuple(row.columns),
                strength=row.evidence.get("strength", 1.0),
                evidence=row.evidence,
            )
        )
    return by_day


def closed_by_hand(connection: sa.Connection, monitor: Monitor) -> dict[str, list[Transition]]:
    """When somebody closed an incident or accepted what it brought, by its cause."""
    query = sa.text(
        "select incidents.cause, events.event, events.on_date, events.author"
        " from metrics.incident_events as events join metrics.incidents using (incident_id)"
        " where incidents.monitor = :monitor and events.event in ('closed_by_hand', 'accepted')"
        " order by events.event_id"
    )
    by_day: dict[str, list[Transition]] = {}
    for row in connection.execute(query, {"monitor": monitor.name}):
        by_day.setdefault(row.cause, []).append(Transition(row.event, row.on_date, row.author))
    return by_day


# Of an incident as it was folded, and of its worst breach.
OF_INCIDENT = (
    "cause", "severity", "columns", "opened_on", "last_seen_on", "closed_on", "closed_by", "days",
    "reopened", "diagnosis",
)  # fmt: skip
OF_WORST = ("kind", "segment", "segment_value", "column_name")
WRITTEN = ("monitor", "family", *OF_WORST, *OF_INCIDENT, "policy_hash")
FOUND = ("evidence", "model_version", "config_hash")
UPSERT = sa.text(
    f"insert into metrics.incidents ({', '.join((*WRITTEN, *FOUND))}, computed_at)"
    f" select {', '.join(f':{name}' for name in WRITTEN)}, cast(:evidence as jsonb),"
    " breaches.model_version, breaches.config_hash, now()"
    " from (select max(model_version) as model_version, max(config_hash) as config_hash"
    " from metrics.breaches where monitor = :monitor and partition_date = :opened_on) as breaches"
    " on conflict (monitor, cause) do update set"
    f" {', '.join(f'{name} = excluded.{name}' for name in (*WRITTEN, *FOUND))},"
    " computed_at = case when (incidents.last_seen_on, incidents.closed_on, incidents.diagnosis)"
    " is distinct from (excluded.last_seen_on, excluded.closed_on, excluded.diagnosis)"
    " then now() else incidents.computed_at end returning incident_id"
)
# What an event keeps of its incident.
OF_EVENT = ("incident_id", "monitor", "kind", "diagnosis", "report_url")
EVENT = sa.text(
    f"insert into metrics.incident_events ({', '.join(OF_EVENT)}, event, on_date, author, note)"
    f" values ({', '.join(f':{name}' for name in OF_EVENT)}, :event, :on_date, :author, :note)"
)


# Closing is one of the things that people do.
KNOWN = sa.text(
    f"select {', '.join(OF_EVENT)}, cause, family, columns, opened_on, last_seen_on, closed_on,"
    " policy_hash is distinct from :policy_hash as is_of_other_policy,"
    " acknowledged_by is not null or excluded_from_baseline or exists (select 1"
    " from metrics.incident_events as events where events.incident_id = incidents.incident_id"
    " and events.event in ('closed_by_hand', 'accepted')) as is_acted_on,"
    # A verdict rests on the days before its own.
    " exists (select from metrics.partitions as days where days.monitor = incidents.monitor"
    " and days.drift_state = 'stale' and days.partition_date"
    " between incidents.opened_on - cast(:history as interval) and incidents.last_seen_on)"
    " as rests_on_stale"
    " from metrics.incidents where monitor = :monitor order by incident_id for update"
)
CLOSE = sa.text(
    "update metrics.incidents set closed_on = last_seen_on, closed_by = :author"
    " where incident_id = :number"
)
NO_BREACH = "its day was computed again and has no such breach"
NO_BREACH_NOW = "by the policy that is declared now, its days have no such breach"
# What people did about an incident holds for the one that it is a part of.
INHERIT = sa.text(
    "update metrics.incidents set"
    " acknowledged_at = coalesce(incidents.acknowledged_at, part.acknowledged_at),"
    " acknowledged_by = coalesce(incidents.acknowledged_by, part.acknowledged_by),"
    " excluded_from_baseline = incidents.excluded_from_baseline or part.excluded_from_baseline"
    " from metrics.incidents as part"
    " where incidents.incident_id = :whole and part.incident_id = :part"
)


def replace_incidents(
    connection: sa.Connection, monitor: Monitor, incidents: Sequence[Incident]
) -> None:
    """Make the table hold these incidents, each under the number it has; keep each change.

    All others are withdrawn, but for those of another policy that people acted on: they are closed.
    """
    known = {row["cause"]: row for row in known_incidents(connection, monitor)}
    numbers = {}
    for incident in incidents:
        number = connection.execute(UPSERT, _row(monitor, incident)).scalar_one()
        numbers[incident.cause] = number
        waits = incident.cause in known and known[incident.cause]["rests_on_stale"]
        _record_changes(connection, monitor, incident, number, tells_closing=not waits)
    kept = {incident.cause: incident for incident in incidents}
    same = {cause: incident.cause for incident in incidents for cause in incident.same_as}
    withdrawn = [row for cause, row in known.items() if cause not in kept]
    for row in withdrawn:
        whole = numbers.get(same.get(row["cause"], ""))
        if whole:
            connection.execute(INHERIT, {"whole": whole, "part": row["incident_id"]})
            withdraw(connection, row, f"it is one with incident {whole}")
        elif not row["is_of_other_policy"]:
            # Whether it is gone is seen once the days that wait are measured.
            if not (row["rests_on_stale"] and row["family"] in OF_ROWS):
                withdraw(connection, row, NO_BREACH)
        elif not row["is_acted_on"]:
            withdraw(connection, row, NO_BREACH_NOW)
        elif row["closed_on"] is None:
            connection.execute(CLOSE, {"number": row["incident_id"], "author": AUTHOR})
            record(connection, row, "closed", row["last_seen_on"], note=NO_BREACH_NOW)


def record(
    connection: sa.Connection,
    incident: Mapping[str, Any] | sa.RowMapping,
    event: str,
    on_date: dt.date,
    author: str = AUTHOR,
    note: str | None = None,
) -> None:
    """Keep what became of an incident, or what somebody did about it."""
    kept = {name: incident[name] for name in OF_EVENT}
    told = {"event": event, "on_date": on_date, "author": author, "note": note}
    connection.execute(EVENT, {**kept, **told})


def withdraw(connection: sa.Connection, row: sa.RowMapping, note: str) -> None:
    """Take an incident out of the table; that it was there, and why it went, stays on record."""
    record(connection, row, "withdrawn", row["opened_on"], note=note)
    connection.execute(
        sa.text("delete from metrics.incidents where incident_id = :number"),
        {"number": row["incident_id"]},
    )


def known_incidents(connection: sa.Connection, monitor: Monitor) -> Sequence[sa.RowMapping]:
    """The monitor's incidents as they stand, locked."""
    cadence = monitor.cadence
    history = dt.timedelta(hours=HISTORY)
    if not cadence.is_hourly:
        history = dt.timedelta(days=math.ceil(HISTORY * cadence.days))
    asked = {"monitor": monitor.name, "policy_hash": monitor.policy_hash, "history": history}
    return connection.execute(KNOWN, asked).mappings().all()


def _row(monitor: Monitor, incident: Incident) -> dict[str, object]:
    worst, (latest_on, last) = incident.worst, incident.last
    latest = {"day": str(latest_on), "diagnosis": last.diagnosis}
    return {
        "monitor": monitor.name,
        "family": incident.first.family,
        "policy_hash": monitor.policy_hash,
        **{name: getattr(worst, name) for name in OF_WORST},
        **{name: getattr(incident, name) for name in OF_INCIDENT},
        "evidence": as_json({**worst.evidence, "latest": latest, **_proposal(monitor, incident)}),
    }


def _proposal(monitor: Monitor, incident: Incident) -> dict[str, str]:
    """What to run, where the monitor's policy is to train again for such an incident."""
    policy = monitor.retrain
    if policy is None or incident.worst.kind not in policy.when:
        return {}
    last = monitor.cadence.last_day(incident.last_seen_on)
    first = last - dt.timedelta(days=policy.days - 1)
    return {
        "proposal": f"driftmeter versions train --monitor {monitor.name} --from {first} --to {last}"
    }


def _breach_of(incident: Incident, change: Transition) -> Breach:
    """The breach that an incident's change is told with: when it opens no later one is known.

    Of a gap all of its days are known: they were found missing together.
    """
    is_first = change.event == "opened" and incident.first.family != GAP
    return incident.first if is_first else incident.worst


def _record_changes(
    connection: sa.Connection,
    monitor: Monitor,
    incident: Incident,
    number: int,
    *,
    tells_closing: bool,
) -> None:
    """Append those of an incident's changes that are not on record.

    That it closed is not told while days that it rests on wait: measured, they may keep it open.
    """
    query = sa.text(
        "select event, on_date from metrics.incident_events where incident_id = :number"
    )
    known = {(row.event, row.on_date) for row in connection.execute(query, {"number": number})}
    for change in incident.transitions:
        is_new = (change.event, change.on_date) not in known
        if is_new and (tells_closing or change.event != "closed"):
            breach = _breach_of(incident, change)
            told = {"kind": breach.kind, "diagnosis": breach.diagnosis, "report_url": None}
            kept = {"incident_id": number, "monitor": monitor.name, **told}
            record(connection, kept, change.event, change.on_date, change.author)
