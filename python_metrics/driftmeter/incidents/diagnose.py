"""Chooses the finding that explains a column's change."""

from collections.abc import Mapping
from dataclasses import replace

from driftmeter.incidents.change import ColumnValues, Symptom
from driftmeter.incidents.mix import behind, own_mix, shape
from driftmeter.incidents.segments import one_segment, rows_of_one_segment
from driftmeter.incidents.symptoms import symptoms
from driftmeter.incidents.words import shown

# What a repair must leave explained before its finding is the diagnosis.
LEAST: dict[str, float] = {
    "schema_change": 0.0,
    "missing_values": 0.6,
    "unseen_category": 0.6,
    "outliers": 0.4,
    "unit_change": 0.8,
}
LEAST_MIX = 0.6
# A segment must explain as much as one factor for all rows does, about.
SEGMENT_LEAD = 0.05
# A segment of more than half the rows must hold nearly all of the change.
MOST_OF_ROWS = 0.5
NEARLY_ALL = 0.9


def diagnose(change: ColumnValues, others: Mapping[str, ColumnValues]) -> Symptom:
    """The best explanation of a column's change.

    Parameters
    ----------
    change : ColumnValues
        Of the column.
    others : mapping of str to ColumnValues
        Of the columns that may split its rows, and the column itself.
    """
    plain = plain_symptom(change)
    if plain is not None and plain.kind == "schema_change":
        return plain
    if plain is not None and plain.rows is not None:
        where = rows_of_one_segment(change, plain.rows, others)
        return _within(change, others, where) if where is not None else plain
    located = max(
        one_segment(change, others),
        # Of several that hold it all, the one with the fewest rows says most.
        key=lambda symptom: (round(symptom.explained, 1), -symptom.evidence["share_of_rows"]),
        default=None,
    )
    if located is not None and _is_where(located, plain):
        return _within(change, others, located)
    if plain is not None:
        return plain
    if change.column.kind == "categorical":
        return own_mix(change)
    mixed = max(behind(change, others), key=lambda symptom: symptom.explained, default=None)
    if mixed is not None and mixed.explained >= LEAST_MIX:
        return mixed
    return shape(change)


def plain_symptom(change: ColumnValues) -> Symptom | None:
    """What is wrong with a column's values in all rows, if a repair shows it."""
    plausible = [
        symptom for symptom in symptoms(change) if symptom.explained >= LEAST[symptom.kind]
    ]
    return max(plausible, key=lambda symptom: symptom.explained, default=None)


def _is_where(segment: Symptom, plain: Symptom | None) -> bool:
    if plain is not None:
        # Another unit of all rows is as plain without any one segment.
        return segment.explained > plain.explained - SEGMENT_LEAD
    is_part = float(segment.evidence["share_of_rows"]) <= MOST_OF_ROWS
    return is_part or segment.explained >= NEARLY_ALL


def _within(change: ColumnValues, others: Mapping[str, ColumnValues], located: Symptom) -> Symptom:
    """A segment's finding, with what is wrong inside of it."""
    segment = others[str(located.segment)]
    inside = change.inside(
        (segment.reference == located.value).to_numpy(), (segment.day == located.value).to_numpy()
    )
    what = plain_symptom(inside) or (
        own_mix(inside) if change.column.kind == "categorical" else shape(inside)
    )
    share = float(located.evidence["share_of_rows"])
    return replace(
        located,
        says=f"{what.says}, only where {located.segment} = {shown(located.value)}:"
        f" {share:.1%} of rows and {located.explained:.0%} of the change",
        evidence={**located.evidence, "within": {"kind": what.kind, **what.evidence}},
    )
