"""Chooses the prediction: one of several classes, or a probability before a label.

A clear name comes before a score.
"""

import dataclasses
import shlex

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.draft import Proposal, Undecided, are_apart, listed
from driftmeter.monitors.proposal.names import (
    NEGATIVE,
    POSITIVE,
    Fit,
    is_about_prediction,
    prediction_fit,
    words,
)
from driftmeter.monitors.proposal.predicted_class import (
    MOST_CLASSES,
    MULTICLASS,
    choose_class,
    is_multiclass,
    may_be_classes,
    no_class_of,
)
from driftmeter.monitors.proposal.table import TIMES, TableColumn, known, quote, run


def fit_of(column: TableColumn) -> Fit:
    """How surely a column is a prediction by its name."""
    return Fit.NONE if column.data_type in TIMES else prediction_fit(column.name, column.is_share)


def choose_prediction(session: sa.Connection, proposal: Proposal) -> None:
    """The column given, or the one that is a prediction by its name and data.

    Raises
    ------
    Undecided
        If none is, or several are.
    DriftmeterError
        If the predictions are classes, and too many, or nothing says of what.
    """
    if given := proposal.given.get("prediction"):
        _choose_given(session, proposal, proposal.columns[given])
        return
    sure = [column for column in proposal.free if fit_of(column) >= Fit.OF_SUBJECT]
    are_amounts = proposal.given.get("task") == "regression"
    labels = [c for c in sure if c.known and c.is_class and not (are_amounts and c.is_number)]
    numbers = [c for c in sure if c.is_number and c.known and c not in labels]
    of_classes = [label for label in labels if may_be_classes(label)]
    if of_classes and not are_amounts and _takes_class(session, proposal, of_classes, numbers):
        return
    if numbers:
        column = _only_one(session, proposal, numbers)
        _check_beside_labels(session, proposal, column, labels)
        kind = ", and between 0 and 1" if column.is_share else " and type"
        names = [label.name for label in labels]
        is_only = "is only a label" if len(names) == 1 else "are only labels"
        beside = f"; {listed(names)} {is_only}" if names else ""
        proposal.add("prediction", column.name, f"chosen by its name{kind}{beside}")
    elif labels:
        _choose_beside_labels(session, proposal, labels)
    else:
        _choose_score(proposal)


def leave_out_predictions(proposal: Proposal) -> None:
    """Leave out what may be a prediction too, or is made of one: such a column is no input."""
    chosen = proposal.fields["prediction"]
    for column in proposal.free:
        if fit_of(column) >= Fit.OF_SUBJECT or fit_of(column) == Fit.SCORE:
            reason = f"it may be a prediction, like {chosen}, so it is not an input"
            proposal.left_out[column.name] = reason
        elif is_about_prediction(column.name) and not column.is_key:
            proposal.left_out[column.name] = (
                "its name says that it is made from the prediction, so it is not an input"
            )


def leave_out_cuts(session: sa.Connection, proposal: Proposal) -> None:
    """Leave out what is cut from the prediction, such as a decision or a band of risk."""
    chosen = proposal.columns[proposal.fields["prediction"]]
    if chosen.values or is_multiclass(proposal):
        # A prediction of few values may itself be read off an input.
        return
    for column in proposal.free:
        if len(column.values) > 1 and are_apart(session, proposal, chosen, column):
            proposal.left_out[column.name] = (
                f"it is derived from {chosen.name}, so it is not an input"
            )


def _takes_class(
    session: sa.Connection,
    proposal: Proposal,
    labels: list[TableColumn],
    numbers: list[TableColumn],
) -> bool:
    """Take the surest label for one of several classes, unless a number is the prediction."""
    best = _surest(labels)
    if len(best) > 1:
        raise _several_fit(proposal, best)
    if proposal.given.get("task") is None and any(not number.is_share for number in numbers):
        # An amount beside a group of it.
        return False
    return choose_class(session, proposal, best[0], is_alone=not numbers)


def _only_one(
    session: sa.Connection, proposal: Proposal, numbers: list[TableColumn]
) -> TableColumn:
    """The one with the surest name; of a pair the positive class."""
    best = _surest(numbers)
    shares = [column for column in best if column.is_share]
    if len(shares) > 2 and _sum_to_one(session, proposal, shares):
        raise no_class_of([c.name for c in shares], proposal.table)
    if len(best) == 2:
        ends = [{*words(column.name)} for column in best]
        if ends[0] - NEGATIVE - POSITIVE == ends[1] - NEGATIVE - POSITIVE:
            best = [c for c, end in zip(best, ends, strict=True) if not end & NEGATIVE] or best
    if len(best) > 1:
        raise _several_fit(proposal, best)
    return best[0]


def _several_fit(proposal: Proposal, columns: list[TableColumn]) -> Undecided:
    names = [column.name for column in columns]
    what = f"each of {listed(names)} may be the prediction"
    return proposal.undecided("prediction", names, what)


def _surest(columns: list[TableColumn]) -> list[TableColumn]:
    most = max(fit_of(column) for column in columns)
    return [column for column in columns if fit_of(column) == most]


def _check_beside_labels(
    session: sa.Connection, proposal: Proposal, column: TableColumn, labels: list[TableColumn]
) -> None:
    """Refuse a number that is a probability, but not of the positive class."""
    if not column.is_share:
        return
    for label in labels:
        if label.distinct > 2:
            raise _several_classes(proposal, label, f", and {column.name!r} is one probability")
        is_sureness = column.lowest is not None and column.lowest >= 0.5
        if label.distinct == 2 and is_sureness and not are_apart(session, proposal, column, label):
            raise DriftmeterError(
                f"{column.name!r} is at least 0.5 in every row, whatever {label.name!r} says: it is"
                " the model's confidence in its label, not the probability of the positive class",
                where="--prediction",
                fix=f"name a view that has 1 - {quote(column.name)} where the label is negative, or"
                f" add --prediction {shlex.quote(column.name)} to take it as it is",
            )


def _choose_beside_labels(
    session: sa.Connection, proposal: Proposal, labels: list[TableColumn]
) -> None:
    """Of a table whose only sure prediction is a label: the score that it was cut from, or it."""
    label, *more = _surest(labels)
    if more:
        raise _several_fit(proposal, [label, *more])
    if label.distinct > 2:
        raise _several_classes(proposal, label)
    scores = [
        column
        for column in proposal.free
        if fit_of(column) in (Fit.SCORE, Fit.INPUT_SCORE)
        and column.is_share
        and not column.is_class
    ]
    cut = [column for column in scores if are_apart(session, proposal, column, label)]
    open_ = cut if len(cut) > 1 else [c for c in scores if fit_of(c) is Fit.SCORE]
    if len(cut) == 1:
        reason = f"it is a probability; {label.name!r} is a label derived from it"
        proposal.add("prediction", cut[0].name, reason)
    elif open_:
        raise _several_fit(proposal, [label, *open_])
    elif label.is_label:
        reason = "chosen by its name; it is a label, and no column holds its probability"
        _take_label(proposal, label, reason)
    else:
        raise _no_number(label)


def _choose_score(proposal: Proposal) -> None:
    """The only column that is called a score; anything else is asked."""
    numbers = [c for c in proposal.free if c.is_number and c.known and not c.may_be_key]
    scores = [c for c in numbers if fit_of(c) in (Fit.SCORE, Fit.INPUT_SCORE)]
    best = _surest(scores) if scores else []
    if len(best) == 1 and (best[0].is_share or fit_of(best[0]) is Fit.SCORE):
        proposal.add("prediction", best[0].name, "it is the only column that is called a score")
        return
    classes = [c for c in proposal.free if c.is_class and len(c.values) > 2 and not c.may_be_key]
    if classes and not numbers:
        names = [column.name for column in classes]
        what = f"no column of {proposal.table} is clearly the prediction"
        raise proposal.undecided("prediction", names, f"{what}; {listed(names)} may hold classes")
    names = [column.name for column in best or numbers]
    what = (
        f"each of {listed(names)} may be the prediction or an input"
        if len(best) > 1
        else f"no column of {proposal.table} is clearly the prediction"
    )
    if twins := _twins(classes):
        what += f"; {listed(twins)} hold the same classes: one may be what is predicted"
        names = [*twins, *names]
    if best and len(best) == 1:
        names = [best[0].name, *(c.name for c in numbers if c is not best[0])]
    raise proposal.undecided("prediction", names, what)


def _twins(classes: list[TableColumn]) -> list[str]:
    """Texts with the same values, as a class that is predicted and the one that came true."""
    every = [column.values for column in classes if not column.is_number]
    return [c.name for c in classes if every.count(c.values) > 1]


def _several_classes(proposal: Proposal, label: TableColumn, beside: str = "") -> DriftmeterError:
    told = f"{label.name!r} has {label.distinct} classes{beside}"
    if label.distinct > MOST_CLASSES:
        return DriftmeterError(
            f"{told}, and at most {MOST_CLASSES} are measured",
            where=str(proposal.table),
            fix="group the rare ones in a view, and name it with --table",
        )
    ways = f"--prediction {shlex.quote(label.name)} --task {MULTICLASS} if they are classes"
    if label.is_number:
        ways += ", or --task regression if its numbers are amounts"
    return DriftmeterError(told, where=str(proposal.table), fix=f"add {ways}")


def _sum_to_one(session: sa.Connection, proposal: Proposal, shares: list[TableColumn]) -> bool:
    total = " + ".join(known(column.name, column.data_type) for column in shares)
    select = f"select avg(abs({total} - 1)) < 0.01 from {proposal.sample}"
    return bool(run(session, select).scalar())


def _choose_given(session: sa.Connection, proposal: Proposal, column: TableColumn) -> None:
    is_named = proposal.given.get("task") == MULTICLASS or not column.is_number
    if is_named and choose_class(session, proposal, column):
        return
    if column.is_number:
        proposal.add("prediction", column.name, "as given")
    elif column.is_label:
        _take_label(proposal, column, "as given")
    elif column.is_class and column.distinct > 2:
        raise _several_classes(proposal, column)
    else:
        raise _no_number(column)


def _take_label(proposal: Proposal, label: TableColumn, reason: str) -> None:
    """A label as the prediction: the view gives it as 0 and 1."""
    proposal.add("prediction", label.name, reason)
    if label.is_number:
        return
    # Postgres reads a text as a boolean in each of the ways that a label is spelled here.
    boolean = label.sql if label.data_type == "boolean" else f"({label.sql})::boolean"
    sql = f"{boolean}::integer"
    proposal.columns[label.name] = dataclasses.replace(
        label, data_type="integer", sql=sql, lowest=0.0, highest=1.0, values=("0", "1")
    )


def _no_number(column: TableColumn) -> DriftmeterError:
    return DriftmeterError(
        f"{column.name!r} is of type {column.data_type}, and no number that a prediction could be",
        where="--prediction",
        fix=f"name a number, or a view with ({quote(column.name)} = 'the positive class')::integer"
        f" as {quote(column.name)}",
    )
