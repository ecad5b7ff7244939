"""How often a table is scored, and which of its columns says to which batch a row belongs."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from driftmeter.monitors.cadence import Cadence, Every
from driftmeter.monitors.config import usual_budget
from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table_days import TableDays

Floats = npt.NDArray[np.float64]
# Fewer batches show no rhythm.
FEWEST_BATCHES = 3
# Days from one monthly run to the next.
LEAST_MONTH, MOST_MONTH = 28, 31
# How far such runs may be from one day of the month, or from its last.
DAYS_OFF = 3


def choose_batch(proposal: Proposal) -> None:
    """The column given; without one the timestamp says of which batch a row is."""
    if proposal.given.get("batch"):
        proposal.add("batch", proposal.given["batch"], "as given")


def choose_cadence(proposal: Proposal, days: TableDays) -> None:
    """The cadence given, or weeks or months where the days with rows come so; else days."""
    every, reason = proposal.given.get("every"), "as given"
    if every is None:
        every, reason = proposed_cadence(days.days, days.rows)
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


def choose_budget(proposal: Proposal) -> None:
    """The default: one false alarm in 30 batches, a month of days."""
    every = proposal.fields.get("every", "day")
    proposal.add("alarm_budget", {"false_alarms_per_month": usual_budget(every)}, "the default")
