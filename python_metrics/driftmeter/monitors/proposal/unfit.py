"""Which columns can be the target of a prediction: why not, and which the prediction explains."""

from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.monitors.proposal.draft import Proposal, listed
from driftmeter.monitors.proposal.names import is_called_probability
from driftmeter.monitors.proposal.predicted_class import MOST_CLASSES, is_multiclass
from driftmeter.monitors.proposal.table import (
    SAMPLE_ROWS,
    TEXTS,
    WHOLE_NUMBERS,
    TableColumn,
    quote,
    run,
)


@dataclass(frozen=True)
class Unfit:
    """What is wrong, told of the column, and the way out."""

    what: str
    fix: str


def why_unfit(proposal: Proposal, column: TableColumn) -> Unfit | None:
    """Why a column cannot be the target of the proposal's prediction; None if it can.

    A classifier's target says yes or no: a boolean, 0 and 1, or a text that spells them; of several
    classes it is one. A regression's is a number.
    """
    prediction = proposal.columns[proposal.fields["prediction"]]
    task = proposal.given.get("task")
    if column.name == prediction.name:
        return Unfit("is the prediction", "name another column")
    if is_multiclass(proposal):
        return _why_no_class(column)
    if not column.is_number and column.data_type not in {*TEXTS, "boolean"}:
        return Unfit(f"is of type {column.data_type}", "name a number, a boolean or a text")
    if task == "regression":
        return None if column.is_number else Unfit("is not a number", "name a number")
    is_classifier = task == "classification" or prediction.is_share
    if not is_classifier and column.is_number and not (column.is_label and column.known):
        return None
    if not column.is_label:
        return _why_no_label(column, prediction, task)
    if is_classifier:
        return None
    span = (
        f", from {prediction.lowest:g} to {prediction.highest:g},"
        if prediction.lowest is not None and prediction.highest is not None
        else ""
    )
    return Unfit(
        f"says yes or no, while the prediction {prediction.name!r}{span} is not a probability",
        "name a prediction between 0 and 1 with --prediction, from a view if necessary",
    )


def _why_no_class(column: TableColumn) -> Unfit | None:
    if column.known == 0:
        return Unfit("holds no value yet", "name it once it holds true outcomes")
    if column.data_type not in {*TEXTS, *WHOLE_NUMBERS}:
        return Unfit(
            f"is of type {column.data_type}, while the prediction is a class",
            "name a text, an enum or a whole number",
        )
    if not 1 < column.distinct <= MOST_CLASSES or column.is_key:
        return Unfit(
            f"has {column.distinct} values, while the prediction is one of several classes",
            "name the class that came true",
        )
    return None


def _why_no_label(column: TableColumn, prediction: TableColumn, task: str | None) -> Unfit | None:
    value = "the positive class" if column.is_number else "'the positive class'"
    view = f"make a view with ({quote(column.name)} = {value}) as target, and name it with --table"
    if column.known == 0:
        return Unfit("holds no value yet", "name it once it holds true outcomes")
    if not column.is_class and task is None and not is_called_probability(prediction.name):
        # A share that is predicted, such as an occupancy.
        return None
    if column.distinct <= 2:
        return Unfit(f"holds {listed(column.values)}, not 0 and 1 or yes and no", view)
    if column.is_class:
        return Unfit(
            f"has {column.distinct} values, while the prediction {prediction.name!r} is a"
            " probability",
            "name the class that is predicted with --prediction; or compare one class with the"
            f" rest: {view}",
        )
    return Unfit(
        "holds numbers, while the prediction is a probability",
        "name a label of 0 and 1, or add --task regression",
    )


# Share of a column's variance that the prediction must explain, just as it is.
EXPLAINED = 0.2


def explained_columns(session: sa.Connection, proposal: Proposal) -> list[str]:
    """Columns that may be the target by their values, although no name says so.

    The prediction itself stands for the column's value (R squared of the identity). Inputs are on
    other scales than the prediction, so that few come near.
    """
    prediction = proposal.columns[proposal.fields["prediction"]]
    if is_multiclass(proposal):
        return []
    candidates = [
        (column.name, number)
        for column in proposal.free
        if column.distinct > 1 and not column.may_be_key
        for number in _numbers(proposal, column)
    ]
    if not candidates or prediction.lowest is None:
        return []
    values = [f"{number} as c{at}" for at, (_, number) in enumerate(candidates)]
    squares = [f"avg(power(c{at} - predicted, 2)), var_pop(c{at})" for at in range(len(candidates))]
    found = run(
        session,
        f"select {', '.join(squares)} from (select {_number(prediction)} as predicted,"
        f" {', '.join(values)} from {proposal.relation} limit {SAMPLE_ROWS}) as rows"
        " where predicted is not null",
    ).one()
    return [
        name
        for (name, _), error, variance in zip(candidates, found[0::2], found[1::2], strict=True)
        if error is not None and variance and 1 - error / variance >= EXPLAINED
    ]


def _numbers(proposal: Proposal, column: TableColumn) -> list[str]:
    """SQL for a column as numbers that a prediction may be of; of two classes each as the 1."""
    if why_unfit(proposal, column) is None:
        return [_number(column)]
    prediction = proposal.columns[proposal.fields["prediction"]]
    if not prediction.is_share or len(column.values) != 2 or column.is_label:
        return []
    texts = [value.replace("'", "''") for value in column.values]
    return [f"({quote(column.name)}::text = '{text}')::integer::double precision" for text in texts]


def _number(column: TableColumn) -> str:
    """SQL for a value as a number whose square is one: null where it is NaN, or too large."""
    name = quote(column.name)
    if column.is_number:
        return (
            f"case when {name} between -1e-100 and 1e-100 then 0"
            f" when {name} between -1e100 and 1e100 then {name}::double precision end"
        )
    return f"({name}::boolean)::integer::double precision"
