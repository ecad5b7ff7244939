"""Whether the prediction is a probability or an amount."""

from driftmeter.monitors.proposal.draft import Proposal


def choose_task(proposal: Proposal) -> None:
    """The task given, or which one prediction and target are of."""
    prediction = proposal.columns[proposal.fields["prediction"]]
    target = proposal.columns.get(proposal.fields.get("target", ""))
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
