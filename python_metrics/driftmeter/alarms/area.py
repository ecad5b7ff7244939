"""The domain classifier's score of a day, compared with scores of the reference days."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from scipy import special

from driftmeter.alarms.day_null import DayNull, residuals
from driftmeter.drift.domain_classifier import MOST_ROWS

# An area this much above a calm day's is noticed by nobody but the classifier.
LEAST_AREA = 0.02


@dataclass(frozen=True)
class Area:
    """What the classifier scored on a day."""

    area: float
    n_reference: int
    n_current: int


@dataclass(frozen=True)
class AreaEvidence:
    """One day's area and the null's prediction of it."""

    p_value: float
    expected: float
    deviation: float
    freedom: float

    def threshold(self, p_value: float) -> float:
        """The area that has this p-value."""
        return self.expected - self.deviation * float(special.stdtrit(self.freedom, p_value))


def judge_area(null: DayNull | None, area: Area, day: dt.date) -> AreaEvidence | None:
    """One-sided p-value of an area: only a day that stands out more than calm ones is news."""
    if null is None:
        return None
    weekdays = np.array([day.weekday()])
    rows = np.array([[float(min(area.n_current, MOST_ROWS))]])
    difference, variance, of_level = residuals(null, np.array([[area.area]]), rows, weekdays)
    deviation = float(np.sqrt(variance + of_level)[0, 0])
    freedom = float(null.freedom[0])
    p_value = float(special.stdtr(freedom, -difference[0, 0] / deviation))
    return AreaEvidence(p_value, float(null.level[weekdays[0], 0]), deviation, freedom)
