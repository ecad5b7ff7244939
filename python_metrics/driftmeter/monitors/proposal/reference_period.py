"""Which days stand for "as it should be"."""

import datetime as dt

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.label_delay import learned_delay
from driftmeter.monitors.proposal.table import run
from driftmeter.monitors.proposal.table_days import (
    TableDays,
    proposed_reference,
    read_days,
    will_not_judge,
)

# Not infinity, nor another day that no calendar here has.
REAL_DAYS = "between date '0001-01-01' and date '9999-12-31'"


def choose_reference(session: sa.Connection, proposal: Proposal) -> None:
    """The days given, or the first half of the table's; what they leave unjudged."""
    roles = (proposal.fields["prediction"], proposal.fields.get("target"))
    columns = [name for name in (*proposal.fields["features"], *roles) if name is not None]
    days = read_days(
        session,
        proposal.relation,
        proposal.day,
        [(name, proposal.columns[name].data_type) for name in columns],
    )
    if proposal.given.get("reference"):
        proposal.add("reference", proposal.given["reference"], "as given")
    else:
        proposal.add("reference", *proposed_reference(days))
    span = proposal.fields["reference"]
    chosen = days.between(*(dt.date.fromisoformat(span[end]) for end in ("from", "to")))
    proposal.not_judged = will_not_judge(chosen, columns)
    _choose_label_delay(proposal, days)


def _choose_label_delay(proposal: Proposal, days: TableDays) -> None:
    if "target" not in proposal.fields:
        return
    delay, reason = learned_delay(days, proposal.fields["target"])
    if proposal.given.get("label_delay_days") is not None:
        delay, reason = proposal.given["label_delay_days"], "as given"
    # Without a delay, which is the default, there is nothing to propose.
    if delay or reason == "as given":
        proposal.add("label_delay_days", delay, reason)


def days_of_table(session: sa.Connection, proposal: Proposal) -> tuple[dt.date, dt.date]:
    """The first and the last day that a row has.

    Raises
    ------
    DriftmeterError
        If no row has one.
    """
    select = (
        f"select min(day), max(day) from (select {proposal.day} as day from {proposal.relation})"
        f" as rows where day {REAL_DAYS}"
    )
    first, last = run(session, select).one()
    if not isinstance(first, dt.date) or not isinstance(last, dt.date):
        name = proposal.fields["timestamp"]
        raise DriftmeterError(
            f"{name!r} of {proposal.schema}.{proposal.table} has no day in any row",
            where="--timestamp",
            fix="name a column that says when a row happened",
        )
    return first, last
