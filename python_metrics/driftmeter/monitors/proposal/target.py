"""Chooses the target by names and by how late it is known, and the task by both columns."""

from collections.abc import Mapping

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.proposal.draft import NONE, Proposal, Undecided, listed
from driftmeter.monitors.proposal.names import (
    Fit,
    is_of_the_past,
    subject_of,
    target_points,
    words,
)
from driftmeter.monitors.proposal.predicted_class import (
    are_same,
    is_multiclass,
    may_be_classes,
    values_of,
)
from driftmeter.monitors.proposal.prediction import fit_of
from driftmeter.monitors.proposal.table import TEXTS, TIMES
from driftmeter.monitors.proposal.unfit import Unfit, explained_columns, why_unfit

# Points that being known late is worth, and from which on a column is likely the target.
LATE = 4
ENOUGH = 4
# Of names that say what happened, as opposed to those that say that it is the target.
OUTCOME = (4, 6)
# Columns that a message lists; of more it says nothing.
MOST_OTHERS = 5
# Known this seldom in the newest rows, a column is not yet there when the prediction is made.
NOT_YET = 0.1


def choose_target(session: sa.Connection, proposal: Proposal, late: Mapping[str, float]) -> None:
    """The column given, or the one that most speaks for; none where nothing does.

    Parameters
    ----------
    late : mapping of str to float
        Of `late_columns`.

    Raises
    ------
    Undecided
        If several columns fit, or the one that fits cannot be measured as it is.
    """
    given = proposal.given.get("target")
    is_none = given == NONE and NONE not in proposal.columns
    if given and not is_none:
        if unfit := why_unfit(proposal, proposal.columns[given]):
            raise DriftmeterError(
                f"{given!r} {unfit.what}", where="--target", fix=_way_out(proposal, unfit)
            )
        proposal.add("target", given, "as given")
    points = _points(session, proposal, late)
    if not given and proposal.labels is not None:
        _choose_of_labels(proposal)
    elif not given:
        _choose(session, proposal, points, late)
    chosen = proposal.fields.get("target")
    # The others of a table of labels are known as late as the target is: none is an input.
    proposal.columns = {
        name: column
        for name, column in proposal.columns.items()
        if name == chosen or not column.is_of_labels
    }
    if chosen is None:
        why = (
            "as given"
            if is_none
            else "no column holds the true outcome; name one with --target COLUMN"
        )
        proposal.absent["target"] = f"{why}. Performance is not measured"
    # Where nobody is asked, what the prediction comes close to is no input either.
    close = explained_columns(session, proposal) if is_none else []
    for name, value in {**points, **dict.fromkeys(close, ENOUGH)}.items():
        if name != chosen and value >= ENOUGH:
            proposal.left_out[name] = "it may be the true outcome, so it is not an input"
    for column in proposal.free:
        if late.get(column.name, 1) <= NOT_YET:
            proposal.left_out[column.name] = (
                "the newest rows do not have it yet, so it is not an input"
            )


def _points(
    session: sa.Connection, proposal: Proposal, late: Mapping[str, float]
) -> dict[str, int]:
    """What speaks for each column that may be the target."""
    prediction = proposal.columns[proposal.fields["prediction"]]
    subject = subject_of(prediction.name)
    task = proposal.given.get("task")
    # A number that is only called a score may be a classifier's.
    is_class = is_multiclass(proposal)
    classes = values_of(session, proposal, prediction) if is_class else []
    is_classifier = (is_class or task == "classification") or (
        task != "regression" and (prediction.is_share or fit_of(prediction) < Fit.OF_SUBJECT)
    )
    points = {}
    for column in proposal.free:
        is_typed = column.is_number or column.data_type in {*TEXTS, "boolean"}
        if column.data_type in TIMES or not is_typed:
            continue
        is_one_word = column.is_class and len(words(column.name)) == 1
        may_be_label = is_classifier and (column.is_label or is_one_word)
        value = target_points(column.name, subject, may_be_label)
        fits = why_unfit(proposal, column) is None
        if value in OUTCOME and not fits and not may_be_label:
            value = 0
        if is_class and may_be_classes(column) and not is_of_the_past(column.name):
            # Where no name says it, the classes themselves do.
            same = are_same(classes, values_of(session, proposal, column))
            value = max(value, ENOUGH if same else 0)
        if fits and column.name in late and (value or late[column.name] <= NOT_YET):
            value += LATE
        if value:
            points[column.name] = value
    return points


def _choose(
    session: sa.Connection,
    proposal: Proposal,
    points: Mapping[str, int],
    late: Mapping[str, float],
) -> None:
    unfit = {name: why_unfit(proposal, proposal.columns[name]) for name in points}
    fitting = {name: value for name, value in points.items() if unfit[name] is None}
    likely = [name for name, value in fitting.items() if value >= ENOUGH]
    best = [name for name in likely if fitting[name] == max(fitting.values())]
    refused = [name for name, value in points.items() if value >= ENOUGH and unfit[name]]
    if len(best) == 1:
        proposal.add("target", best[0], _reason(fitting[best[0]], best[0] in late))
        return
    if best:
        raise proposal.undecided("target", best, f"each of {listed(best)} may be the target", NONE)
    if refused:
        name = max(refused, key=lambda one: points[one])
        raise _refused(proposal, name, unfit[name])
    if open_ := list(fitting) or explained_columns(session, proposal):
        if what_is_wrong := why_unfit(proposal, proposal.columns[open_[0]]):
            raise _refused(proposal, open_[0], what_is_wrong)
        what = f"each of {listed(open_)} may be the target or an input"
        raise proposal.undecided("target", open_, what, NONE)


def _choose_of_labels(proposal: Proposal) -> None:
    """The column of the labels that can be the target, or the one whose name says so."""
    prediction = proposal.fields["prediction"]
    of_labels = [column for column in proposal.columns.values() if column.is_of_labels]
    fitting = _others(proposal)
    points = {name: target_points(name, subject_of(prediction), True) for name in fitting}
    best = [name for name in fitting if points[name] == max(points.values())]
    if not fitting:
        first = min(of_labels, key=lambda column: column.may_be_key)
        raise _refused(proposal, first.name, why_unfit(proposal, first))
    if len(best) > 1:
        raise proposal.undecided("target", best, f"each of {listed(best)} may be the target")
    named = "" if len(fitting) == 1 else "by its name "
    proposal.add("target", best[0], f"chosen {named}of the columns of the labels")


def _reason(points: int, is_late: bool) -> str:
    if is_late:
        named = "chosen by its name and values; " if points > LATE else ""
        return f"{named}the newest rows do not have it yet, as with labels that come late"
    sure = "" if points > OUTCOME[1] else ": check that it is the true outcome"
    return f"chosen by its name and values{sure}"


def _refused(proposal: Proposal, name: str, unfit: Unfit | None) -> Undecided:
    """That the column which may be the target cannot be one; without a target it goes on."""
    what, fix = (unfit.what, _way_out(proposal, unfit)) if unfit else ("", "")
    return Undecided(
        f"{name!r} may be the target, but {what}",
        where="--target",
        fix=f"{fix}; or add --target {NONE} to go on without a target",
        role="target",
        choices=[*_others(proposal), NONE],
    )


def _way_out(proposal: Proposal, unfit: Unfit) -> str:
    """What to do about a column that cannot be the target, and which others can."""
    others = _others(proposal)
    can = f"; {listed(others)} can be the target" if 0 < len(others) <= MOST_OTHERS else ""
    return f"{unfit.fix}{can}"


def _others(proposal: Proposal) -> list[str]:
    columns = proposal.free
    if proposal.labels is not None:
        columns = [column for column in proposal.columns.values() if column.is_of_labels]
    return [c.name for c in columns if why_unfit(proposal, c) is None and not c.may_be_key]


def choose_task(proposal: Proposal) -> None:
    """The task given, or which one prediction and target are of."""
    prediction = proposal.columns[proposal.fields["prediction"]]
    target = proposal.columns.get(proposal.fields.get("target", ""))
    if is_multiclass(proposal):
        return
    if proposal.given.get("task"):
        proposal.add("task", proposal.given["task"], "as given")
    elif prediction.is_share and (target is None or target.is_label):
        label = "is 0 or 1" if prediction.is_label else "lies between 0 and 1"
        says = ", and the target says yes or no" if target else ""
        proposal.add("task", "classification", f"the prediction {label}{says}")
    elif prediction.is_share:
        proposal.add("task", "regression", "the target has other values than 0 and 1")
    else:
        proposal.add("task", "regression", "the prediction is a number, not a probability")
