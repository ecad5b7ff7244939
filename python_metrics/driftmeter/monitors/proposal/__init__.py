"""A monitor's fields as a table of predictions suggests them, by types, names and data."""

import dataclasses
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.proposal.column_types import read_name, read_types
from driftmeter.monitors.proposal.draft import NONE, ROLES, Proposal, Undecided, split_names
from driftmeter.monitors.proposal.features import choose_features
from driftmeter.monitors.proposal.labels_table import read_labels
from driftmeter.monitors.proposal.prediction import (
    choose_prediction,
    leave_out_cuts,
    leave_out_predictions,
)
from driftmeter.monitors.proposal.reference_period import choose_reference
from driftmeter.monitors.proposal.rhythm import choose_batch, choose_budget, choose_cadence
from driftmeter.monitors.proposal.roles import (
    READ_AS_TIMES,
    choose_timestamp,
    choose_version,
)
from driftmeter.monitors.proposal.row_keys import choose_id
from driftmeter.monitors.proposal.table import NUMBERS, TEXTS, TIMES, quote, read_columns
from driftmeter.monitors.proposal.table_days import late_columns, read_days
from driftmeter.monitors.proposal.target import choose_target, choose_task
from driftmeter.monitors.proposal.time_casts import read_times

__all__ = ["NONE", "Proposal", "Undecided", "propose", "quote"]

# Types that a column of a role has, where not every type will do.
FITTING = {
    "timestamp": TIMES,
    "batch": TIMES,
    "prediction": {*NUMBERS, *TEXTS, "boolean"},
    "target": {*NUMBERS, *TEXTS, "boolean"},
}


def propose(engine: sa.Engine, table: str, given: Mapping[str, Any]) -> Proposal:
    """Read a table and propose its monitor.

    Parameters
    ----------
    table : str
        ``schema.table``, or ``"a schema"."a table"``; schema public without one.
    given : mapping of str to value
        Fields that the user chose: timestamp, timezone, timestamp_zone, every (hour, day, week or
        month), batch, id, task, prediction, target (`NONE` for no target), model_version, segments
        (list of str), protected (list of str), reference (``{from, to}``, or
        ``{first}`` for so many batches), label_delay_days. The id
        may be several columns, with commas between them.
        With labels (``schema.table``) the target is a column of that table, and labels_id the
        columns of it that refer to a prediction.

    Raises
    ------
    Undecided
        If the data leave open which column has a role.
    DriftmeterError
        If there is no such table, it is empty, a chosen column is not there, or what it holds
        cannot be monitored: names the option that says it, or the way out.
    """
    named = read_name(table, "--table")
    with engine.connect() as session:
        types, labels = read_types(session, named, "--table"), None
        origin = named.quoted
        if given.get("labels"):
            labels, types_of_labels = read_labels(session, named, types, given)
            types |= types_of_labels
            origin += labels.join(labels.table.quoted, types_of_labels)
        columns = read_columns(session, origin, types)
        if not next(iter(columns.values())).rows:
            raise DriftmeterError(
                f"{named} is empty", where="--table", fix="fill it with predictions first"
            )
        columns = read_times(session, origin, columns, (given.get("timestamp"), given.get("batch")))
        for name in types_of_labels if labels else ():
            columns[name] = dataclasses.replace(columns[name], is_of_labels=True)
        proposal = Proposal(named, columns, labels, given)
        _check_given(proposal)
        choose_timestamp(proposal)
        choose_batch(proposal)
        days = read_days(session, proposal)
        choose_cadence(session, proposal, days)
        # Of hours the reference period is days too.
        days = days.by(Cadence(proposal.of_reference))
        choose_prediction(session, proposal)
        leave_out_predictions(proposal)
        choose_target(session, proposal, late_columns(days))
        leave_out_cuts(session, proposal)
        choose_version(session, proposal)
        choose_id(session, proposal, days)
        choose_task(proposal)
        choose_features(proposal)
        choose_reference(proposal, days)
    choose_budget(proposal)
    return proposal


def _check_given(proposal: Proposal) -> None:
    given = proposal.given
    chosen = {role: [given[role]] for role in ROLES if given.get(role)}
    chosen["id"] = split_names(given.get("id"), proposal.columns)
    if given.get("target") == NONE and NONE not in proposal.columns:
        del chosen["target"]
    chosen |= {field: given.get(field) or [] for field in ("segments", "protected")}
    for role, names in chosen.items():
        for name in names:
            option = f"--{role.replace('_', '-')}"
            if name not in proposal.columns:
                raise DriftmeterError(
                    f"{proposal.table} has no column {name!r}",
                    where=option,
                    fix=f"use one of {', '.join(proposal.columns)}",
                )
            fitting = FITTING.get(role)
            data_type = proposal.columns[name].data_type
            if fitting and data_type not in fitting:
                others = [
                    c.name
                    for c in proposal.columns.values()
                    if c.data_type in fitting and not c.may_be_key
                ]
                what = f"{name!r} of {proposal.table} is of type {data_type}"
                raise DriftmeterError(
                    f"{what}, and its values are not {READ_AS_TIMES}"
                    if role == "timestamp"
                    else what,
                    where=option,
                    fix=f"name {' or '.join(map(repr, others))}"
                    if others
                    else f"name a column of type {' or '.join(sorted(fitting))}",
                )
    for field in ("timezone", "timestamp_zone"):
        zone = given.get(field)
        if zone is not None and zone not in available_timezones():
            raise DriftmeterError(
                f"{zone!r} is not a time zone",
                where=f"--{field.replace('_', '-')}",
                fix="write one as Europe/Paris",
            )
