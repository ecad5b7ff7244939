"""A table of labels: which of its columns refers to a prediction, and which may be the target."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.column_types import (
    Labels,
    TableName,
    joined,
    read_name,
    read_types,
)
from driftmeter.monitors.proposal.draft import NONE, Undecided, listed, split_names
from driftmeter.monitors.proposal.names import is_key_name, words
from driftmeter.monitors.proposal.table import FRACTIONS, NUMBERS, TEXTS, TIMES, quote, run

Types = Mapping[str, tuple[str, str]]


def read_labels(
    session: sa.Connection, predictions: TableName, types: Types, given: Mapping[str, Any]
) -> tuple[Labels, dict[str, tuple[str, str]]]:
    """The table of labels that is given, and the types of its columns that may be the target.

    Parameters
    ----------
    types : mapping of str to (str, str)
        Of the predictions.
    given : mapping of str to value
        Of `propose`.

    Raises
    ------
    Undecided
        If it is open which column refers to a prediction.
    DriftmeterError
        If there is no such table or column, if a prediction would have several labels, or none has
        any.
    """
    table = read_name(given["labels"], "--labels")
    found = read_types(session, table, "--labels")
    keys = _keys(table, predictions, found, types, given)
    conditions = []
    for name, other in keys.items():
        (kind, _), (other_kind, sql) = found[name], types[other]
        cast = "" if _family(kind) == _family(other_kind) else "::text"
        conditions.append(f"{joined(name)}{cast} = {sql}{cast}")
    selected = {name: sql for name, (_, sql) in found.items()}
    labels = Labels(table, keys, tuple(conditions), selected)
    _check_one_each(session, labels, found)
    _check_match(session, labels, predictions)
    target = given.get("target")
    others = [name for name in found if name not in keys]
    if target == NONE and NONE not in others:
        raise DriftmeterError(
            "a table of labels is of no use without a target",
            where="--labels",
            fix="leave out --labels or --target none",
        )
    # What both have, such as an amount, is the prediction's; unless it is all that there is.
    candidates = [name for name in others if name not in types] or others
    if target in others:
        candidates = [target]
    elif target is not None or not candidates:
        raise DriftmeterError(
            f"{table} has no column {target!r} beside {listed([*keys])}"
            if target
            else f"{table} has no column beside {listed([*keys])}",
            where="--target" if target else "--labels",
            fix=f"name one of {', '.join(others)}" if others else "name a table of labels",
        )
    return labels, {name: (found[name][0], joined(name)) for name in candidates}


def _keys(
    table: TableName, predictions: TableName, found: Types, types: Types, given: Mapping[str, Any]
) -> dict[str, str]:
    """Columns of the labels, and those of the predictions that they refer to."""
    ids = split_names(given.get("id"), types)
    names = split_names(given.get("labels_id"), found) or _proposed(table, found, types, ids)
    keys = {}
    for at, name in enumerate(names):
        if name not in found:
            raise DriftmeterError(
                f"{table} has no column {name!r}",
                where="--labels-id",
                fix=f"use one of {', '.join(found)}",
            )
        # A name that both tables have says it; else the id is what labels refer to.
        other = _counterpart(name, types) or (ids[at] if len(ids) == len(names) else None)
        if other is None or other not in types:
            raise DriftmeterError(
                f"no column of {predictions} is called {name!r}, as that of {table} is",
                where="--labels-id",
                fix=f"add --id COLUMN, the column that {name!r} refers to",
            )
        keys[name] = other
    return keys


def _proposed(table: TableName, found: Types, types: Types, ids: Sequence[str]) -> Sequence[str]:
    """Columns of the labels that have the id's names; else the one key that both tables have."""
    if ids and {*ids} <= {*found}:
        return ids
    named = [name for name in found if is_key_name(name)]
    shared = [name for name in named if _counterpart(name, types)]
    if len(shared) == 1:
        return shared
    no_keys = {*TIMES, *FRACTIONS, "boolean"}
    choices = shared or named or [n for n, (kind, _) in found.items() if kind not in no_keys]
    raise Undecided(
        f"it is open which column of {table} says which prediction a label is of",
        where="--labels-id",
        fix=f"choose one with {' or '.join(f'--labels-id {shlex.quote(n)}' for n in choices)}",
        role="labels_id",
        choices=choices,
    )


def _counterpart(name: str, types: Types) -> str | None:
    """The predictions' column of the same name, or of the same words: orderId for order_id."""
    alike = [other for other in types if words(other) == words(name)]
    return name if name in types else alike[0] if len(alike) == 1 else None


def _family(data_type: str) -> str:
    """Types of one family are compared as they are."""
    return "number" if data_type in NUMBERS else "text" if data_type in TEXTS else data_type


def _check_one_each(session: sa.Connection, labels: Labels, found: Types) -> None:
    """Refuse labels of which a prediction would have several: it would count several times."""
    keys = ", ".join(map(quote, labels.keys))
    known = " and ".join(f"{quote(name)} is not null" for name in labels.keys)
    twice = run(
        session,
        f"select 1 from {labels.table.quoted} where {known} group by {keys}"
        " having count(*) > 1 limit 1",
    ).scalar()
    if twice:
        times = [name for name, (kind, _) in found.items() if kind in TIMES]
        newest = f"{quote(times[0])} desc" if times else "the newest first"
        raise DriftmeterError(
            f"several rows of {labels.table} have the same {listed([*labels.keys])}",
            where="--labels",
            fix=f"name a view with one row for each: select distinct on ({keys}) * from"
            f" {labels.table.quoted} order by {keys}, {newest}",
        )


def _check_match(session: sa.Connection, labels: Labels, predictions: TableName) -> None:
    joins = labels.join(labels.table.quoted, []).replace("left join", "join", 1)
    if not run(session, f"select exists (select from {predictions.quoted} {joins})").scalar():
        pairs = " and ".join(
            f"{name!r} of {labels.table} and {other!r} of {predictions}"
            for name, other in labels.keys.items()
        )
        raise DriftmeterError(
            f"no row has the same value in {pairs}",
            where="--labels-id",
            fix="name the column whose values are those of the predictions' id, which --id names",
        )
