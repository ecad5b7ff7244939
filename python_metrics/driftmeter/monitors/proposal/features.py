"""Chooses the features, as numbers or categories, and the segments."""

import re

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.derived_columns import VECTORS
from driftmeter.monitors.proposal.attribution_columns import name_attributed, take_attributions
from driftmeter.monitors.proposal.draft import Proposal, listed
from driftmeter.monitors.proposal.names import is_called_protected
from driftmeter.monitors.proposal.predicted_class import is_multiclass
from driftmeter.monitors.proposal.table import (
    MOST_CODES,
    TEXTS,
    TIMES,
    WHOLE_NUMBERS,
    TableColumn,
)
from driftmeter.monitors.requirements import MOST_GROUPS

# A text with more values than this is no category that people could list.
MOST_CATEGORIES = 1000
# Texts have so many words on average, and names and codes fewer; of few rows nothing is known.
LEAST_WORDS = 4
FEWEST_TEXTS = 30
# What is said of texts and vectors.
OF_TEXTS = {
    "text": "{} {} texts of several words that hardly repeat",
    "vector": "{} {} arrays of as many numbers in each row",
}
# Values of a segment: each has its own alarms, and the budget is shared among them.
MOST_SEGMENT_VALUES = 8
# Whole numbers up to this are exact as doubles, in which features are measured.
EXACT = 2**53
CODE_NAMES = r".*(_id|_code|_type|_flag|_class|_category|_status)|.*(code|type|flag|status)"


def choose_features(proposal: Proposal) -> None:
    """Every column that is neither of a role nor left out, where it is a number or a category."""
    features: dict[str, dict[str, str]] = {}
    take_attributions(proposal)
    for column in proposal.free:
        kind = _kind(column)
        if kind is None:
            proposal.left_out[column.name] = _why_not(column)
        else:
            features[column.name] = {"kind": kind}
    if not features:
        raise DriftmeterError(
            f"{proposal.table} has no column that could be a feature",
            where="--table",
            fix="name a table that holds the model's features as well as its prediction",
        )
    proposal.add("features", features, _why(features))
    name_attributed(proposal)
    segments = [
        name
        for name, about in sorted(features.items(), key=lambda item: _order(proposal, item[0]))
        if about["kind"] == "categorical"
        and 2 <= proposal.columns[name].distinct <= MOST_SEGMENT_VALUES
    ][:2]
    if proposal.given.get("segments") is not None:
        proposal.add("segments", list(proposal.given["segments"]), "as given")
    elif segments:
        proposal.add("segments", segments, f"categories of 2 to {MOST_SEGMENT_VALUES} values")
    else:
        proposal.add("segments", [], f"no category has 2 to {MOST_SEGMENT_VALUES} values")
    if proposal.given.get("protected"):
        proposal.add("protected", list(proposal.given["protected"]), "as given")


def _why(features: dict[str, dict[str, str]]) -> str:
    """Why these are the features, with what is a text or a vector and why."""
    reason = "every other column that is a number or a category"
    for kind, what in OF_TEXTS.items():
        names = [name for name, about in features.items() if about["kind"] == kind]
        if names:
            reason += f"; {what.format(listed(names), 'holds' if len(names) == 1 else 'hold')}"
    return reason


def may_be_protected(proposal: Proposal) -> list[str]:
    """Columns whose names are those of groups who must be treated alike; none that was given."""
    if is_multiclass(proposal):
        # None of several classes is the one that a group may get less often.
        return []
    return [
        name
        for name in {**proposal.fields["features"], **dict.fromkeys(proposal.fields["segments"])}
        if is_called_protected(name)
        and 2 <= proposal.columns[name].distinct <= MOST_GROUPS
        and name not in (proposal.fields.get("protected") or ())
    ]


def _order(proposal: Proposal, name: str) -> tuple[bool, int]:
    """Kinds of rows come before yes and no, and few of them before many."""
    column = proposal.columns[name]
    return column.is_label, column.distinct


def _kind(column: TableColumn) -> str | None:
    if column.known == 0 or column.data_type in TIMES or _is_identifier(column):
        return None
    if column.data_type in VECTORS:
        return "vector" if column.lowest == column.highest and (column.lowest or 0) > 1 else None
    if _is_text(column):
        return "text"
    if column.is_number:
        is_flag = column.is_label and column.distinct == 2
        is_code = (
            column.data_type in WHOLE_NUMBERS
            and column.distinct <= MOST_CODES
            and re.fullmatch(CODE_NAMES, column.name.lower())
        )
        return "categorical" if is_flag or is_code else "numerical"
    is_category = column.data_type in {*TEXTS, "boolean"} and column.distinct <= MOST_CATEGORIES
    return "categorical" if is_category else None


def _is_text(column: TableColumn) -> bool:
    """Whether it holds texts of several words, of which few are alike."""
    are_apart = column.distinct > MOST_CATEGORIES or 2 * column.distinct > column.known
    return are_apart and column.known >= FEWEST_TEXTS and (column.words or 0) >= LEAST_WORDS


def _is_identifier(column: TableColumn) -> bool:
    """Whether its whole numbers are as large as keys and hashes are: no double tells them apart."""
    ends = [abs(end) for end in (column.lowest, column.highest) if end is not None]
    return column.data_type in WHOLE_NUMBERS and bool(ends) and min(ends) >= EXACT


def _why_not(column: TableColumn) -> str:
    if column.known == 0:
        return "it holds no value yet"
    if column.data_type in TIMES:
        return "it is a time"
    if _is_identifier(column):
        return "its whole numbers are larger than 2^53, as those of identifiers are"
    if column.data_type in VECTORS:
        return "its arrays have different numbers of elements, or only one"
    if column.distinct > MOST_CATEGORIES and column.data_type in TEXTS:
        return (
            f"it has over {MOST_CATEGORIES} values, too many for a category, and they are no texts"
            " of several words"
        )
    if column.distinct > MOST_CATEGORIES:
        return f"it has over {MOST_CATEGORIES} values, too many for a category"
    return f"it is of type {column.data_type}, neither a number nor a category"
