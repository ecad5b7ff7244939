"""A prediction that is one of several classes: which column it is, and where its probabilities are.

Classes are a text, an enum or a whole number of few values. Probabilities are columns whose names
are those of the classes beside words for a probability, or one column of jsonb by class.
"""

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.draft import Proposal, listed
from driftmeter.monitors.proposal.names import PLAIN, PREDICTED, PROBABLE, SCORED, words
from driftmeter.monitors.proposal.table import TEXTS, WHOLE_NUMBERS, TableColumn, quote, run

MULTICLASS = "multiclass"
FEWEST_CLASSES, MOST_CLASSES = 3, 50
# Two columns hold the same classes where so many of the predicted ones come true.
SAME_CLASSES = 0.5
# Rows of a column of jsonb whose keys are read.
ROWS_OF_KEYS = 1000
JSON = {"jsonb", "json"}
# Words beside the class in the name of its probability.
AROUND = PREDICTED | PROBABLE | SCORED | PLAIN | {"p"}


def may_be_classes(column: TableColumn) -> bool:
    """Whether a column's values may be several classes by their type and number."""
    is_typed = column.data_type in {*TEXTS, *WHOLE_NUMBERS}
    is_repeated = column.data_type in TEXTS or column.is_class
    return (
        is_typed
        and is_repeated
        and FEWEST_CLASSES <= column.distinct <= MOST_CLASSES
        and not column.is_key
    )


def is_multiclass(proposal: Proposal) -> bool:
    """Whether the proposed prediction is one of several classes."""
    return proposal.fields.get("task") == MULTICLASS


def choose_class(
    session: sa.Connection, proposal: Proposal, column: TableColumn, *, is_alone: bool = True
) -> bool:
    """Take a column for a predicted class, with its probabilities, where its data say that it is.

    A text is one; whole numbers are where another column, or the names of probabilities, have the
    same classes, unless the task says that they are amounts. So is a text beside a number that may
    be the prediction: it may be a group of it.

    Parameters
    ----------
    is_alone : bool
        Whether no number may be the prediction.

    Raises
    ------
    DriftmeterError
        If that is the task given and the column cannot be one.
    """
    task = proposal.given.get("task")
    if task not in (None, MULTICLASS):
        return False
    if not may_be_classes(column):
        if task == MULTICLASS:
            raise _no_classes(proposal, column)
        return False
    classes = values_of(session, proposal, column)
    probabilities = _probabilities(session, proposal, column, classes)
    twins = [
        other.name
        for other in _others(proposal, column)
        if may_be_classes(other) and are_same(classes, values_of(session, proposal, other))
    ]
    is_told = bool(probabilities or twins or task == MULTICLASS)
    if not is_told and (column.is_number or not is_alone):
        return False
    also = f", as has {twins[0]!r}" if twins else ""
    amounts = "; if they are amounts, add --task regression" if column.is_number else ""
    given = proposal.given.get("prediction") == column.name
    why = "as given" if given else "chosen by its name"
    proposal.add("prediction", column.name, f"{why}; it has {len(classes)} classes")
    told = f"the prediction has {len(classes)} classes{also}{amounts}"
    proposal.add("task", MULTICLASS, "as given" if task else told)
    if probabilities is None:
        proposal.absent["probabilities"] = (
            "no columns are named after the classes, such as proba_"
            + "_".join(words(classes[0]) or ("class",))
            + ": there is no log loss, and errors are estimated from inputs"
        )
    else:
        named = (
            f"{probabilities!r} holds them by class"
            if isinstance(probabilities, str)
            else "columns between 0 and 1 that are named after the classes"
        )
        proposal.add("probabilities", probabilities, named)
    return True


def values_of(session: sa.Connection, proposal: Proposal, column: TableColumn) -> list[str]:
    """The values of a column that may be classes, as text, in order."""
    if column.values:
        return list(column.values)
    name = quote(column.name)
    select = (
        f"select distinct {name}::text from {proposal.sample} where {name} is not null order by 1"
    )
    return [str(value) for value in run(session, select).scalars()]


def are_same(classes: list[str], others: list[str]) -> bool:
    """Whether so many of the classes are among others that both are of one thing."""
    return len({*classes} & {*others}) >= max(SAME_CLASSES * len({*classes}), 2)


def _others(proposal: Proposal, column: TableColumn) -> list[TableColumn]:
    """Columns that may be the class that came true."""
    target = proposal.given.get("target")
    every = proposal.columns.values()
    of_labels = [each for each in every if each.is_of_labels]
    named = [each for each in every if each.name == target]
    return [each for each in named or of_labels or every if each.name != column.name]


def _probabilities(
    session: sa.Connection, proposal: Proposal, column: TableColumn, classes: list[str]
) -> dict[str, str] | str | None:
    """The column of each class's probability, or the one that holds all; None without them."""
    found: dict[str, str] = {}
    by_words = {words(name): name for name in classes}
    for other in proposal.columns.values():
        if not (other.is_number and other.is_share) or other.name == column.name:
            continue
        if (name := by_words.get(_class_in(other.name, by_words))) is not None:
            found.setdefault(name, other.name)
    if len(found) == len(classes):
        return {name: found[name] for name in classes}
    for other in proposal.columns.values():
        if other.data_type in JSON and _has_keys(session, proposal, other, classes):
            return other.name
    return None


def _class_in(name: str, by_words: dict[tuple[str, ...], str]) -> tuple[str, ...]:
    """Words of the class that a column's name ends or begins with, beside words around it."""
    said = words(name)
    for length in range(len(said) - 1, 0, -1):
        for inner, outer in ((said[-length:], said[:-length]), (said[:length], said[length:])):
            if inner in by_words and {*outer} <= AROUND and {*outer} & (PROBABLE | SCORED | {"p"}):
                return inner
    return ()


def _has_keys(
    session: sa.Connection, proposal: Proposal, column: TableColumn, classes: list[str]
) -> bool:
    name = f"{quote(column.name)}::jsonb"
    select = (
        "select distinct key from (select case jsonb_typeof(rows.value) when 'object'"
        f" then rows.value end as value from (select {name} as value from {proposal.relation}"
        f" limit {ROWS_OF_KEYS}) as rows) as objects cross join lateral jsonb_object_keys(value)"
        " as key"
    )
    return {*classes} <= {*run(session, select).scalars()}


def _no_classes(proposal: Proposal, column: TableColumn) -> DriftmeterError:
    if column.data_type not in {*TEXTS, *WHOLE_NUMBERS}:
        what = f"is of type {column.data_type}, and a class is a text, an enum or a whole number"
    else:
        what = f"has {column.distinct} values, and classes are {FEWEST_CLASSES} to {MOST_CLASSES}"
    return DriftmeterError(
        f"{column.name!r} {what}",
        where="--prediction",
        fix=f"name the predicted class of {proposal.table} with --prediction; of two classes the"
        " task is classification, and rare ones can be grouped in a view",
    )


def no_class_of(names: list[str], table: object) -> DriftmeterError:
    """That probabilities of several classes have no column for the class that they predict."""
    return DriftmeterError(
        f"{listed(names)} are the probabilities of several classes, and no column holds the class"
        " that is predicted",
        where=str(table),
        fix="name a view that has the predicted class too, with --table; or compare one class with"
        " the rest: --prediction 'the probability of that class' --target is_class, from a view"
        " with (label = 'that class') as is_class",
    )
