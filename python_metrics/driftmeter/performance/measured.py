"""One metric of a day, as the performance step writes it."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class PerformanceRow:
    """A row of ``metrics.performance``.

    Attributes
    ----------
    expected, deviation, p_value : float or None
        Of a metric that is a test: what calm days have, their standard deviation around it, and
        the two-sided p-value. What the test decides, `decided` writes once days are measured.
    """

    monitor: str
    model_version: str | None
    partition_date: dt.date
    segment: str | None
    segment_value: str | None
    metric: str
    kind: str
    value: float | None
    lower: float | None
    upper: float | None
    label_coverage: float | None
    state: str
    reference_value: float | None
    row_count: int
    config_hash: str
    expected: float | None = None
    deviation: float | None = None
    p_value: float | None = None
