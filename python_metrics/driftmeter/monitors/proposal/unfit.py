"""Why a column cannot be the target of a prediction, and what to do about it."""

from dataclasses import dataclass

from driftmeter.monitors.proposal.draft import Proposal, listed
from driftmeter.monitors.proposal.names import is_called_probability
from driftmeter.monitors.proposal.table import TEXTS, TableColumn, quote


@dataclass(frozen=True)
class Unfit:
    """What is wrong, told of the column, and the way out."""

    what: str
    fix: str


def why_unfit(proposal: Proposal, column: TableColumn) -> Unfit | None:
    """Why a column cannot be the target of the proposal's prediction; None if it can.

    A classifier's target says yes or no: a boolean, 0 and 1, or a text that spells them. A
    regression's is a number.
    """
    prediction = proposal.columns[proposal.fields["prediction"]]
    task = proposal.given.get("task")
    if column.name == prediction.name:
        return Unfit("is the prediction", "name another column")
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
            f"has {column.distinct} values, and Driftmeter does not support more than two "
            "classes yet",
            f"{view}; its prediction must be the probability of that class",
        )
    return Unfit(
        "holds numbers, while the prediction is a probability",
        "name a label of 0 and 1, or add --task regression",
    )
