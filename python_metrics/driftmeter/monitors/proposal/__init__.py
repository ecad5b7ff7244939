"""A monitor's fields as a table of predictions suggests them, by types, names and data."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.draft import NONE, ROLES, Proposal, Undecided
from driftmeter.monitors.proposal.features import choose_features
from driftmeter.monitors.proposal.prediction import (
    choose_prediction,
    leave_out_cuts,
    leave_out_predictions,
)
from driftmeter.monitors.proposal.reference_period import choose_reference
from driftmeter.monitors.proposal.roles import choose_id, choose_timestamp, choose_version
from driftmeter.monitors.proposal.table import NUMBERS, TEXTS, TIMES, quote, read_columns
from driftmeter.monitors.proposal.table_days import late_columns, read_days
from driftmeter.monitors.proposal.target import choose_target
from driftmeter.monitors.proposal.task import choose_task

__all__ = ["NONE", "Proposal", "Undecided", "propose", "quote"]

# Types that a column of a role has, where not every type will do.
FITTING = {
    "timestamp": TIMES,
    "prediction": NUMBERS,
    "target": {*NUMBERS, *TEXTS, "boolean"},
}


def propose(engine: sa.Engine, table: str, given: Mapping[str, Any]) -> Proposal:
    """Read a table and propose its monitor.

    Parameters
    ----------
    table : str
        ``schema.table``; schema public without one.
    given : mapping of str to value
        Fields that the user chose: timestamp, timezone, id, task, prediction, target (`NONE` for
        no target), model_version, segments (list of str), reference (``{from, to}``),
        label_delay_days.

    Raises
    ------
    Undecided
        If the data leave open which column has a role.
    DriftmeterError
        If there is no such table, it is empty, a chosen column is not there, or what it holds
        cannot be monitored: names the option that says it, or the way out.
    """
    schema, _, name = table.rpartition(".")
    schema = schema or "public"
    with engine.connect() as session:
        proposal = Proposal(schema, name, read_columns(session, schema, name), given)
        _check_given(proposal)
        choose_timestamp(proposal)
        days = read_days(session, proposal)
        choose_prediction(session, proposal)
        leave_out_predictions(proposal)
        choose_target(session, proposal, late_columns(days))
        leave_out_cuts(session, proposal)
        choose_version(session, proposal)
        choose_id(session, proposal)
        choose_task(proposal)
        choose_features(proposal)
        choose_reference(proposal, days)
    proposal.add("alarm_budget", {"false_alarms_per_month": 1}, "the default")
    return proposal


def _check_given(proposal: Proposal) -> None:
    given = proposal.given
    chosen = {role: [given[role]] for role in ROLES if given.get(role)}
    if given.get("target") == NONE and NONE not in proposal.columns:
        del chosen["target"]
    for role, names in {**chosen, "segments": given.get("segments") or []}.items():
        for name in names:
            option = f"--{role.replace('_', '-')}"
            if name not in proposal.columns:
                raise DriftmeterError(
                    f"{proposal.schema}.{proposal.table} has no column {name!r}",
                    where=option,
                    fix=f"use one of {', '.join(proposal.columns)}",
                )
            fitting = FITTING.get(role)
            data_type = proposal.columns[name].data_type
            if fitting and data_type not in fitting:
                raise DriftmeterError(
                    f"{name!r} of {proposal.schema}.{proposal.table} is of type {data_type}",
                    where=option,
                    fix=f"name a column of type {' or '.join(sorted(fitting))}",
                )
    zone = given.get("timezone")
    if zone is not None and zone not in available_timezones():
        raise DriftmeterError(
            f"{zone!r} is not a time zone", where="--timezone", fix="write one as Europe/Paris"
        )
