"""Chooses the finding that explains a column's change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from driftmeter.incidents.change import ColumnValues, Symptom
from driftmeter.incidents.mix import behind, own_mix, shape, vanished_class
from driftmeter.incidents.segments import one_segment, rows_of_one_segment
from driftmeter.incidents.symptoms import symptoms
from driftmeter.incidents.texts import text_finding
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


@dataclass(frozen=True)
class Explanations:
    """What may explain a column's change; each finding is made when a rule first asks for it.

    Attributes
    ----------
    change : ColumnValues
        Of the column.
    others : mapping of str to ColumnValues
        Of the columns that may split its rows, and the column itself.
    """

    change: ColumnValues
    others: Mapping[str, ColumnValues]

    @cached_property
    def plain(self) -> Symptom | None:
        """What is wrong with the values in all rows, if a repair shows it."""
        return plain_symptom(self.change)

    @cached_property
    def of_wrong_rows(self) -> Symptom | None:
        """The same, where single rows are wrong and can be told from the others."""
        return self.plain if self.plain is not None and self.plain.rows is not None else None

    @cached_property
    def located(self) -> Symptom | None:
        """The one segment that holds the change."""
        return max(
            one_segment(self.change, self.others),
            # Of several that hold it all, the one with the fewest rows says most.
            key=lambda symptom: (round(symptom.explained, 1), -symptom.evidence["share_of_rows"]),
            default=None,
        )


def _no_value(found: Explanations) -> Symptom | None:
    is_empty = found.plain is not None and found.plain.evidence.get("is_empty")
    return text_finding(found.change, found.plain) or found.plain if is_empty else None


def _another_text(found: Explanations) -> Symptom | None:
    what = text_finding(found.change, found.plain)
    return what and (_wrong_rows_of_one_segment(found) or _one_segment(found) or what)


def _another_schema(found: Explanations) -> Symptom | None:
    is_schema = found.plain is not None and found.plain.kind == "schema_change"
    return found.plain if is_schema else None


def _wrong_rows_of_one_segment(found: Explanations) -> Symptom | None:
    wrong = found.of_wrong_rows
    if wrong is None or wrong.rows is None:
        return None
    where = rows_of_one_segment(found.change, wrong.rows, found.others)
    return _within(found.change, found.others, where) if where is not None else None


def _wrong_rows(found: Explanations) -> Symptom | None:
    return found.of_wrong_rows


def _one_segment(found: Explanations) -> Symptom | None:
    located = found.located
    if located is None or not _is_where(located, found.plain):
        return None
    return _within(found.change, found.others, located)


def _another_unit(found: Explanations) -> Symptom | None:
    return found.plain


def _class_not_predicted(found: Explanations) -> Symptom | None:
    return vanished_class(found.change)


def _other_categories(found: Explanations) -> Symptom | None:
    return own_mix(found.change) if found.change.column.kind == "categorical" else None


def _another_mix_of_rows(found: Explanations) -> Symptom | None:
    mixes = behind(found.change, found.others)
    mixed = max(mixes, key=lambda symptom: symptom.explained, default=None)
    return mixed if mixed is not None and mixed.explained >= LEAST_MIX else None


def _another_distribution(found: Explanations) -> Symptom | None:
    return shape(found.change)


# What a change is put down to, in order: the first that applies is the diagnosis.
RULES: tuple[Callable[[Explanations], Symptom | None], ...] = (
    _no_value,
    _another_text,
    _another_schema,
    _wrong_rows_of_one_segment,
    _wrong_rows,
    _one_segment,
    _another_unit,
    _class_not_predicted,
    _other_categories,
    _another_mix_of_rows,
    _another_distribution,
)


def diagnose(change: ColumnValues, others: Mapping[str, ColumnValues]) -> Symptom:
    """The best explanation of a column's change: what the first of `RULES` that applies says.

    Parameters
    ----------
    change : ColumnValues
        Of the column.
    others : mapping of str to ColumnValues
        Of the columns that may split its rows, and the column itself.
    """
    text = change.column.of
    # What else is derived of the same text holds no change of it.
    apart = {
        name: other
        for name, other in others.items()
        if name == change.name or text is None or other.column.of != text
    }
    found = Explanations(change, apart)
    return next(symptom for rule in RULES if (symptom := rule(found)) is not None)


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
    plain = plain_symptom(inside)
    what = text_finding(inside, plain) or plain
    if what is None:
        what = own_mix(inside) if change.column.kind == "categorical" else shape(inside)
    share = float(located.evidence["share_of_rows"])
    return replace(
        located,
        says=f"{what.says}, only where {located.segment} = {shown(located.value)}:"
        f" {share:.1%} of rows and {located.explained:.0%} of the change",
        evidence={**located.evidence, "within": {"kind": what.kind, **what.evidence}},
        subject=what.subject,
    )
