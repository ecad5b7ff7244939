"""The domain classifier's score of a day, compared with scores of the reference days."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from driftmeter.alarms.day_null import DayNull, residuals
from driftmeter.alarms.told import clear_of
from driftmeter.alarms.trailing import p_value_of_news
from driftmeter.drift.domain_classifier import MOST_ROWS
from driftmeter.monitors.cadence import Cadence

# An area this much above a calm day's is noticed by nobody but the classifier.
LEAST_AREA = 0.02


@dataclass(frozen=True)
class Area:
    """What the classifier scored on a day.

    Attributes
    ----------
    trailing_p_value : float
        Of the area beside those of the days before; NaN where these are too few.
    """

    area: float
    n_reference: int
    n_current: int
    trailing_p_value: float = float("nan")


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


def beside_days_before(
    null: DayNull | None,
    areas: Mapping[dt.date, Area],
    excluded: Collection[dt.date],
    cadence: Cadence,
) -> dict[dt.date, Area]:
    """Areas with how new each is; a change that lasts stands out on every day, and is news once.

    Parameters
    ----------
    excluded : collection of date
        Days that no trailing baseline may hold.
    """
    if null is None or not areas:
        return dict(areas)
    judged = {day: judge_area(null, area, cadence.level(day)) for day, area in areas.items()}
    days = cadence.batches(min(areas), max(areas))
    difference, deviation = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for place, day in enumerate(days):
        if (evidence := judged.get(day)) is not None:
            difference[place] = areas[day].area - evidence.expected
            deviation[place] = evidence.deviation
    is_excluded = np.array([day in excluded for day in days])
    p_value = p_value_of_news(difference, deviation, is_excluded, clear=clear_of(cadence))
    return {
        day: replace(area, trailing_p_value=float(p_value[cadence.between(days[0], day)]))
        for day, area in areas.items()
    }


def judge_area(null: DayNull | None, area: Area, level: int) -> AreaEvidence | None:
    """One-sided p-value of an area: only a day that stands out more than calm ones is news.

    Parameters
    ----------
    level : int
        Which of the null's levels the day has: its weekday.
    """
    if null is None:
        return None
    weekdays = np.array([level])
    rows = np.array([[float(min(area.n_current, MOST_ROWS))]])
    difference, variance, of_level = residuals(null, np.array([[area.area]]), rows, weekdays)
    deviation = float(np.sqrt(variance + of_level)[0, 0])
    freedom = float(null.freedom[0])
    p_value = float(special.stdtr(freedom, -difference[0, 0] / deviation))
    return AreaEvidence(p_value, float(null.level[weekdays[0], 0]), deviation, freedom)
