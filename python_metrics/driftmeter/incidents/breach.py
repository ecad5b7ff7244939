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
    "volume": "volume",
    "missing_day": "missing_day",
    "empty_day": "empty_day",
    "late_data": "late_data",
    "late_labels": "late_labels",
    "schema_change": "schema",
}
# Families of what a day's rows and labels show once it is measured.
OF_ROWS = frozenset(
    {"missing", "category", "unit", "outliers", "distribution", "performance", "late_labels"}
)
# What breaks whoever reads the predictions, whatever its size.
SEVERE: frozenset[Kind] = frozenset(
    {
        "unit_change",
        "concept_drift",
        "performance_drop",
        "missing_day",
        "empty_day",
        "schema_change",
    }
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
    def severity(self) -> Literal["warn", "error"]:
        """Error where whoever uses the predictions is hurt, else warn."""
        if self.evidence.get("is_addition"):
            return "warn"
        share = float(self.evidence.get("share", 0.0) or 0.0)
        is_broad = self.kind in ("missing_values", "unseen_category", "outliers") and share >= 0.2
        return "error" if self.kind in SEVERE or is_broad else "warn"
