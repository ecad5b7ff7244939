"""A breach: one thing that was wrong on one day, with its diagnosis."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "missing_values",
    "unseen_category",
    "unit_change",
    "outliers",
    "mix_shift",
    "segment",
    "shape_shift",
    "correlation_shift",
    "concept_drift",
    "performance_drop",
    "metric_change",
    "group_difference",
    "volume",
    "missing_day",
    "empty_day",
    "late_data",
    "late_labels",
    "schema_change",
]
# Kinds that can be stages of one story are of one family, and continue each other's incidents. A
# day that never came, one that is empty and one that is small are three: each asks for its own
# sentence, and an earlier one must not stand for it.
FAMILIES: dict[Kind, str] = {
    "missing_values": "missing",
    "unseen_category": "category",
    "unit_change": "unit",
    "outliers": "outliers",
    "mix_shift": "distribution",
    "segment": "distribution",
    "shape_shift": "distribution",
    "correlation_shift": "distribution",
    "concept_drift": "performance",
    "performance_drop": "performance",
    "metric_change": "metric",
    "group_difference": "groups",
    "volume": "volume",
    "missing_day": "missing_day",
    "empty_day": "empty_day",
    "late_data": "late_data",
    "late_labels": "late_labels",
    "schema_change": "schema",
}
# Families of the values of columns: what is away from the reference is still theirs.
OF_VALUES = frozenset({"missing", "category", "unit", "outliers", "distribution", "schema"})
# Families that last while something is away from the reference: columns, a team's own metric, or
# the difference between groups.
LASTING = OF_VALUES | {"metric", "groups"}
# What a team may be paged for; every other family is of the values of columns.
PAGED = {
    "performance": ("performance", "metric", "groups"),
    "arrival": ("volume", "missing_day", "empty_day", "late_data", "late_labels", "schema"),
}
# Families of what a day's rows and labels show once it is measured.
OF_ROWS = frozenset(
    {
        *("missing", "category", "unit", "outliers", "distribution"),
        *("performance", "metric", "groups", "late_labels"),
    }
)
# What breaks whoever reads the predictions, whatever its size.
SEVERE: frozenset[Kind] = frozenset(
    {
        "unit_change",
        "concept_drift",
        "performance_drop",
        "metric_change",
        "group_difference",
        "missing_day",
        "empty_day",
        "schema_change",
    }
)

# What is kept of a breach as it is, in the warehouse and as a part of another one.
KEPT = ("kind", "diagnosis", "column_name", "segment", "segment_value")
# A category that moved by less than this share of how much another did is not why.
LEAST_PART = 0.5


@dataclass(frozen=True)
class Cause:
    """What tells one change from another: of which column, where, and in which direction.

    Attributes
    ----------
    columns : tuple of str
        The one that changed, or a pair that no longer goes together; empty of a whole day.
    segment, segment_value : str
        The one segment that it is in; empty where it is in all rows.
    direction : int
        1 for more or larger, -1 for fewer or smaller, 0 where it has none.
    moved : tuple of (str, float)
        Categories and by how much the share of each moved, the one that moved most first.
    """

    family: str
    columns: tuple[str, ...] = ()
    segment: str = ""
    segment_value: str = ""
    direction: int = 0
    moved: tuple[tuple[str, float], ...] = ()

    def is_again(self, later: "Cause") -> bool:
        """Whether a later day's cause is this one: nothing that is known of both differs."""
        mine = (self.family, self.columns, self.segment, self.segment_value)
        if mine != (later.family, later.columns, later.segment, later.segment_value):
            return False
        if self.moved and later.moved:
            (name, change), (later_name, later_change) = self.moved[0], later.moved[0]
            if name == later_name:
                return change * later_change > 0
            # Two categories may take turns in moving most.
            return _has_part(self.moved, later.moved[0]) and _has_part(later.moved, self.moved[0])
        return self.direction * later.direction >= 0


def group_cause(column: str) -> str:
    """What a difference between a column's groups is known by; its values may be as ever."""
    return f"groups of {column}"


def _has_part(moved: tuple[tuple[str, float], ...], part: tuple[str, float]) -> bool:
    """Whether a category moved in the same direction, and at least half as far."""
    name, change = part
    return any(
        name == other and change * by > 0 and abs(by) >= LEAST_PART * abs(change)
        for other, by in moved
    )


@dataclass(frozen=True)
class Breach:
    """A row of ``metrics.breaches``.

    Attributes
    ----------
    kind : str
        The diagnosis, one of `Kind`.
    diagnosis : str
        One sentence with its numbers.
    column_name : str or None
        The column that the cause is in; None for the whole day.
    columns : tuple of str
        Every column that the cause moved, the cause's own first.
    segment, segment_value : str or None
        Where the change is, if it is in one segment.
    strength : float
        How far beyond its threshold, for the order within a day.
    evidence : dict
        Numbers behind the sentence, as JSON.
    """

    kind: Kind
    diagnosis: str
    column_name: str | None = None
    columns: tuple[str, ...] = ()
    segment: str | None = None
    segment_value: str | None = None
    strength: float = 1.0
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """Kinds that can continue each other in one incident."""
        return FAMILIES[self.kind]

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What it is told by on other days; several where many columns changed at once."""
        parts = self.evidence.get("parts")
        if parts:
            return tuple(cause for part in parts for cause in Breach(**part).causes)
        if self.kind == "schema_change":
            return tuple(Cause(self.family, (name,)) for name in self.columns)
        if self.kind == "correlation_shift":
            return (Cause(self.family, tuple(sorted(self.columns))),)
        if self.family == "performance":
            # What a loss is put down to; without a column, to the model or to what comes true.
            put_down_to = self.evidence.get("cause", {}).get("columns", [self.kind])
            return (Cause(self.family, tuple(put_down_to[:1])),)
        if self.kind == "metric_change":
            # Of all rows or of a segment, it is the same metric.
            direction = int(self.evidence.get("direction", 0))
            return (Cause(self.family, (str(self.column_name),), direction=direction),)
        if self.kind == "group_difference":
            # Whichever of its groups and statistics shows it most.
            return (Cause(self.family, (group_cause(str(self.column_name)),)),)
        evidence = self.evidence.get("within", self.evidence)
        family = FAMILIES[evidence["kind"]] if "within" in self.evidence else self.family
        values = evidence.get("values", {})
        moved = [
            *(
                (one["value"], one["share"] - one["reference_share"])
                for one in evidence.get("moved", [])
            ),
            *sorted(values.items(), key=lambda value: -value[1]),
        ]
        where = (self.segment or "", self.segment_value or "")
        columns = (self.column_name,) if self.column_name else ()
        direction = int(evidence.get("direction", 0))
        return (Cause(family, columns, *where, direction, tuple(moved)),)

    @property
    def severity(self) -> Literal["warn", "error"]:
        """Error where whoever uses the predictions is hurt, else warn."""
        # Nor is anybody hurt by a metric of which no direction is declared to be the worse.
        if self.evidence.get("is_addition") or self.evidence.get("worse") == "both":
            return "warn"
        share = float(self.evidence.get("share", 0.0) or 0.0)
        is_broad = self.kind in ("missing_values", "unseen_category", "outliers") and share >= 0.2
        return "error" if self.kind in SEVERE or is_broad else "warn"
