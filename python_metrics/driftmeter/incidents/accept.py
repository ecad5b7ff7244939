"""Accepts an incident's days as the new normal of its columns."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.incidents.actions import engine_of_incident, load_incident
from driftmeter.incidents.breach import OF_VALUES
from driftmeter.incidents.stored_incidents import record
from driftmeter.monitors.cadence import ONE_DAY, Cadence
from driftmeter.monitors.hour import day_of

# Columns of the incident that were away from the reference on the newest days.
AWAY = sa.text(
    "select distinct column_name from metrics.drift"
    " where monitor = :monitor and column_name = any(:columns) and method = 'day_level'"
    " and (is_drifted or is_slow) and partition_date > :quiet order by 1"
)
KNOWN = sa.text(
    "select monitor, array_agg(column_name order by column_name), from_date, in_force_on"
    " from metrics.accepted_normals where incident_id = :incident"
    " group by monitor, from_date, in_force_on"
)
ACCEPT = sa.text(
    "insert into metrics.accepted_normals"
    " (monitor, column_name, from_date, in_force_on, incident_id, author, note)"
    " values (:monitor, :column, :first, :in_force, :incident, :author, :note)"
    " on conflict (monitor, column_name, in_force_on) do update set from_date = excluded.from_date,"
    " incident_id = excluded.incident_id, author = excluded.author, note = excluded.note"
)
CLOSE = sa.text(
    "update metrics.incidents set closed_on = :newest, closed_by = :author"
    " where incident_id = :incident and closed_on is null"
)
CLOSE_IT = "close it with `driftmeter incidents close`"
# What is said of an incident that has no column to accept, by its family.
NOT_SHIFTED = ("no column of incident {} is still shifted", CLOSE_IT)
NOT_ACCEPTED = {
    "performance": (
        "incident {} is of the model's error, which cannot be accepted",
        "retrain the model, or move `reference` in the monitor's YAML",
    ),
    "metric": (
        "incident {} is of a metric, and only columns have an accepted normal",
        f"{CLOSE_IT}, or move `reference` in the monitor's YAML to days after the change",
    ),
    "groups": (
        "incident {} is of a difference between groups, and only columns have an accepted normal",
        f"{CLOSE_IT}, or move `reference` in the monitor's YAML to days after the change",
    ),
}


@dataclass(frozen=True)
class Acceptance:
    """Columns of a monitor that are normal as they are, since when, and for days from when on."""

    monitor: str
    columns: list[str]
    from_date: dt.date
    in_force_on: dt.date


def accept(
    engine: sa.Engine,
    number: int,
    author: str,
    note: str | None = None,
    first: dt.date | None = None,
) -> Acceptance:
    """Make an incident's columns normal as they are now, and close it for good.

    Days after the newest computed one are held against the days from `first` on; days that were
    computed keep their verdicts. Doing it twice changes nothing.

    Parameters
    ----------
    first : date, optional
        The first normal day; that on which the incident opened without it.

    Returns
    -------
    Acceptance
        As it was made, now or before.

    Raises
    ------
    DriftmeterError
        If there is no such incident, nothing of it is away from the reference, or the date is none
        of its days.
    """
    with engine_of_incident(engine, number).begin() as connection:
        incident = load_incident(connection, number)
        if known := connection.execute(KNOWN, {"incident": number}).first():
            return Acceptance(*known)
        cadence = Cadence.of(incident["every"] or "day", incident["timezone"] or "UTC")
        newest, start = incident["newest"], cadence.start(first or incident["opened_on"])
        if cadence.is_hourly:
            start = max(start, incident["opened_on"])
        if not incident["opened_on"] <= start <= newest:
            raise DriftmeterError(
                f"{start} is not a day of incident {number}",
                where="--from",
                fix=f"name the first normal day, from {incident['opened_on']} to {newest}",
            )
        away = {"monitor": incident["monitor"], "columns": incident["columns"]}
        quiet = cadence.after(newest, -cadence.quiet)
        columns = list(connection.scalars(AWAY, {**away, "quiet": quiet}))
        if incident["family"] not in OF_VALUES or not columns:
            what, fix = NOT_ACCEPTED.get(incident["family"], NOT_SHIFTED)
            raise DriftmeterError(what.format(number), where="ID", fix=fix)
        row = {"incident": number, "author": author, "newest": newest, "note": note}
        start = _first_normal_day(start, cadence)
        row |= {"monitor": incident["monitor"], "first": start}
        row["in_force"] = max(day_of(newest), start) + ONE_DAY
        connection.execute(ACCEPT, [{**row, "column": column} for column in columns])
        connection.execute(CLOSE, row)
        record(connection, incident, "accepted", newest, author, note)
        return Acceptance(incident["monitor"], columns, start, row["in_force"])


def _first_normal_day(start: dt.date, cadence: Cadence) -> dt.date:
    """The first day of which every hour is normal; a batch of days itself."""
    is_whole = not cadence.is_hourly or start == cadence.start(day_of(start))
    return day_of(start) if is_whole else day_of(start) + ONE_DAY
