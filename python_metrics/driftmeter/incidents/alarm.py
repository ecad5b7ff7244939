"""Where a diagnosis starts: columns in alarm, and columns that are still shifted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Alarm:
    """A calibrated verdict that a column is away from the reference.

    Attributes
    ----------
    column : str or None
        None for all columns together.
    is_new : bool
        False of what is away from the reference and was before: it has changed as much, and is no
        alarm.
    ratio : float
        Score over threshold.
    """

    column: str | None
    segment: str | None = None
    value: str | None = None
    score: float = 0.0
    threshold: float = 1.0
    is_new: bool = True

    @property
    def ratio(self) -> float:
        """How far beyond the threshold."""
        return self.score / self.threshold if self.threshold > 0 else self.score
