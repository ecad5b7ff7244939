"""One metric of a day, as the performance step writes it."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True)
class PerformanceRow:
    """A row of ``metrics.performance``.

    Attributes
    ----------
    p_value, threshold_p : float or None
        Of a metric that is a test, and below which half of it is an alarm.
    is_alarm : bool or None
        What the test decides.
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
    p_value: float | None = None
    threshold_p: float | None = None
    is_alarm: bool | None = None
