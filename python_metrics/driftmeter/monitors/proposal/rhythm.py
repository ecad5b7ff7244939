"""How often a table is scored, and which of its columns says to which batch a row belongs."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Cadence, Every
from driftmeter.monitors.config import usual_budget
from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table import quote, run
from driftmeter.monitors.proposal.table_days import TableDays

Floats = npt.NDArray[np.float64]
# Fewer batches show no rhythm.
FEWEST_BATCHES = 3
# Days from one monthly run to the next.
LEAST_MONTH, MOST_MONTH = 28, 31
# How far such runs may be from one day of the month, or from its last.
DAYS_OFF = 3
# A job writes by the hour where so many times are full hours, on so many hours of a day, and so
# many rows at each: with fewer an hour by itself shows little.
WHOLE_HOURS = 0.99
HOURS_OF_A_DAY = 8
ROWS_OF_AN_HOUR = 200


def choose_batch(proposal: Proposal) -> None:
    """The column given; without one the timestamp says of which batch a row is."""
    if proposal.given.get("batch"):
        proposal.add("batch", proposal.given["batch"], "as given")


def choose_cadence(session: sa.Connection, proposal: Proposal, days: TableDays) -> None:
    """The cadence given, or weeks, months or hours where rows come so; else days.

    Raises
    ------
    DriftmeterError
        If hours were asked for, and no column says which.
    """
    every, reason = proposal.given.get("every"), "as given"
    if every is None:
        every, reason = proposed_cadence(days.days, days.rows)
        if every == "day" and (of_hours := _why_hourly(session, proposal)):
            every, reason = "hour", of_hours
    if every == "hour" and proposal.dated_by.data_type == "date":
        raise DriftmeterError(
            f"{proposal.dated_by.name!r} of {proposal.table} is a date, which tells no hours",
            where="--every",
            fix="name a column with times, with --timestamp or --batch",
        )
    if every != "day":
        proposal.add("every", every, reason)


def proposed_cadence(days: Sequence[dt.date], rows: Floats) -> tuple[Every, str]:
    """How often the rows of these days came, and what shows it."""
    if len(days) < FEWEST_BATCHES:
        return "day", "too few days with rows to show another rhythm"
    usual = f"about {np.median(rows):,.0f} rows each"
    steps = np.diff(np.array(days, dtype="datetime64[D]")).astype(int)
    if np.all(steps % 7 == 0) and np.median(steps) == 7:
        return "week", f"rows came on {len(days):,} {days[0]:%A}s, {usual}"
    months = {Cadence("month").start(day) for day in days}
    of_month = [day.day for day in days]
    is_monthly = len(months) == len(days) and LEAST_MONTH <= np.median(steps) <= MOST_MONTH
    # The first, or the last working day, of a month may be three days off.
    if is_monthly and min(max(of_month) - min(of_month), 31 - min(of_month)) <= DAYS_OFF:
        return "month", f"rows came once in each of {len(days):,} months, {usual}"
    return "day", f"rows came on {len(days):,} days, {usual}"


def _why_hourly(session: sa.Connection, proposal: Proposal) -> str | None:
    """What shows that a job writes each hour, and rows enough to judge it by itself; None without.

    Its times are the beginnings of hours: an event's own time is at no minute more than at others.
    """
    if proposal.dated_by.data_type == "date":
        return None
    name, zone = quote(proposal.dated_by.name), str(proposal.fields["timezone"]).replace("'", "''")
    time = f"{name}::timestamp"
    if proposal.dated_by.data_type == "timestamp with time zone":
        time = f"({name} at time zone '{zone}')"
    select = (
        "select count(*) as hours, count(distinct hour::date) as days,"
        " percentile_cont(0.5) within group (order by rows) as rows,"
        " sum(whole)::double precision / sum(rows)::double precision as whole"
        f" from (select date_trunc('hour', {time}) as hour, count(*) as rows,"
        f" count(*) filter (where {time} = date_trunc('hour', {time})) as whole"
        f" from {proposal.relation} where {name} is not null group by 1) as by_hour"
    )
    found = run(session, select).one()
    if not found.days or found.whole < WHOLE_HOURS or found.rows < ROWS_OF_AN_HOUR:
        return None
    a_day = found.hours / found.days
    if a_day < HOURS_OF_A_DAY:
        return None
    return f"rows came at {a_day:.0f} full hours of a day, about {found.rows:,.0f} rows each"


def choose_budget(proposal: Proposal) -> None:
    """The default: one false alarm in 30 batches, a month of days, and of hours one a month."""
    every = proposal.fields.get("every", "day")
    proposal.add("alarm_budget", {"false_alarms_per_month": usual_budget(every)}, "the default")
