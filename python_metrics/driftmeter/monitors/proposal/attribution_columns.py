"""Finds the columns that say how much each feature moved the prediction, such as SHAP values."""

import re
from collections import Counter
from collections.abc import Sequence

from driftmeter.monitors.proposal.draft import Proposal
from driftmeter.monitors.proposal.table import TableColumn

# What stands before a feature's name in that of its attributions.
CALLED = re.compile(
    r"(.*[_.])?(shap|shapley|contrib|contribution|attr|attribution|lime)s?([_.]values?)?[_.]+",
    re.IGNORECASE,
)
# One such column may be called so by chance.
LEAST_ATTRIBUTED = 2


def take_attributions(proposal: Proposal) -> None:
    """Propose the columns of attributions, where at least two features have one.

    They are numbers that are called by one prefix and the name of another column.
    """
    free = proposal.free
    prefix = _prefix(free)
    if prefix is None:
        return
    names = {column.name for column in free}
    features = [name for name in names if f"{prefix}{name}" in names]
    proposal.add(
        "attributions",
        {"prefix": prefix, "features": [column.name for column in free if column.name in features]},
        f"{len(features)} columns are called by it and another column",
    )


def name_attributed(proposal: Proposal) -> None:
    """Name the features that have attributions, or none where all have; say what was left out."""
    attributions = proposal.fields.get("attributions")
    if attributions is None:
        return
    prefix, features = attributions["prefix"], proposal.fields["features"]
    for name in attributions["features"]:
        if name not in features:
            proposal.left_out[f"{prefix}{name}"] = f"attributions of {name}, which is no feature"
    attributed = [name for name in attributions["features"] if name in features]
    if not attributed:
        del proposal.fields["attributions"], proposal.reasons["attributions"]
        return
    of_some = {"features": attributed} if len(attributed) < len(features) else {}
    proposal.fields["attributions"] = {"prefix": prefix, **of_some}


def _prefix(columns: Sequence[TableColumn]) -> str | None:
    """The prefix of most columns of attributions; None where there are none."""
    found: Counter[str] = Counter()
    for column in columns:
        if not column.is_number:
            continue
        for other in columns:
            prefix = column.name.removesuffix(other.name)
            if prefix != column.name and CALLED.fullmatch(prefix):
                found[prefix] += 1
    (most,) = found.most_common(1) or [("", 0)]
    return most[0] if most[1] >= LEAST_ATTRIBUTED else None
