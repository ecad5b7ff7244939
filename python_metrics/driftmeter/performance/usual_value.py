"""What values of an aggregate are usual, of which nothing is known but its values and its rows.

The level is that of the weekday, as `day_null` shrinks it. How far days are apart may depend on how
many rows they have: a mean of few rows varies more, and a sum of many. The power of the number of
rows by which their variance grows is the likeliest of a few, and none where none is plainly so.

A sum of few large amounts, such as the losses of a day, is skew: now and then it lies further from
its level on one side than a normal would. On that side it is held against a gamma distribution,
shifted to the mean and with the skewness that the reference's days show (Pearson's type III).
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from driftmeter.alarms.day_null import (
    LEAST_FREEDOM,
    WEEK,
    DayNull,
    JudgedDays,
    fit_day_null,
    judge_days,
)
from driftmeter.monitors.cadence import DAILY, MONTHS, Cadence
from driftmeter.quality.counts import Floats

# Powers of the rows by which the variance of days may grow: of a mean, of what does not hang on
# them, of a sum of rows, of one that a day shifts as a whole.
POWERS = (-1.0, 0.0, 1.0, 2.0)
# By how much the log-likelihood must speak for one of them.
PLAIN_POWER = 2.0
# Skewness that the reference's days may have, on either side, and by how much the log-likelihood
# must speak for one.
SKEWNESS = (0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
PLAIN_SKEWNESS = 0.5
# What is known of the noise of a single value: nothing, beside how far days are apart.
NO_NOISE = 1e-9


@dataclass(frozen=True)
class UsualValue:
    """How calm days of one aggregate vary.

    Attributes
    ----------
    level : array of float, shape (7,)
        By weekday.
    null : DayNull
        Of values without their weekday, as days of the usual number of rows have them.
    middle : float
        The mean of all values, which those without their weekday lie around.
    rows : float
        That number.
    power : float
        One of `POWERS`.
    is_positive : bool
        Whether every value of the reference is above 0.
    skewness : float
        Of calm days, below 0 where the longer tail is the lower one; 0 where none is plain.
    cadence : Cadence
        What a day is: the first one of a batch.
    """

    level: Floats
    null: DayNull
    middle: float
    rows: float
    power: float
    is_positive: bool
    skewness: float = 0.0
    cadence: Cadence = DAILY

    def judge(self, days: pd.DataFrame) -> JudgedDays:
        """Hold days against these.

        Parameters
        ----------
        days : pandas.DataFrame
            Columns ``partition_date``, ``value`` and ``row_count``.
        """
        level = self.level[_weekdays(days, self.cadence)]
        scale = _scale(days, self.rows, self.power)
        values = self.middle + (days["value"].to_numpy(dtype=float) - level) / scale
        same = np.zeros(len(days), dtype=np.int64)
        judged = judge_days(
            self.null, values, np.ones(len(days)), same, is_positive=self.is_positive
        )
        p_value = skew_tail(judged.p_value, values - self.middle, self.skewness)
        return JudgedDays(level, judged.deviation * scale, p_value)


def fit_usual(days: pd.DataFrame, cadence: Cadence = DAILY) -> UsualValue:
    """Fit the days of a reference period; columns are those of `UsualValue.judge`."""
    values, weekdays = days["value"].to_numpy(dtype=float), _weekdays(days, cadence)
    count, ones = len(values), np.ones((len(values), 1))
    noise = np.array([NO_NOISE * values.var()])
    null_of_levels = fit_day_null(values[:, None], ones, noise, weekdays, levels=cadence.levels)
    level = null_of_levels.level[:, 0]
    kept, levels = _kept(values, level, weekdays)
    away = values - level[weekdays]
    rows = float(days["row_count"].median())
    power = _power(away, days, rows)
    middle = float(values.mean())
    standard = middle + away / _scale(days, rows, power)
    null = fit_day_null(standard[:, None], ones, noise, np.zeros(count, dtype=np.int64))
    # Weekdays that were fitted took their part of what days show of their variance.
    freedom = count - 1 - (levels - 1) * kept
    own = null.day_variance * (count - 1) / freedom
    null = replace(
        null,
        day_variance=own,
        level_variance=null.level_variance * (count - 1) / freedom + own * kept * levels / count,
        freedom=np.maximum(null.freedom - (levels - 1) * kept, LEAST_FREEDOM),
    )
    is_positive = bool((values > 0).all())
    skewness = skewness_of(standard)
    return UsualValue(level, null, middle, rows, power, is_positive, skewness, cadence)


def skewness_of(values: Floats) -> float:
    """The likeliest skewness of values, or 0 where none is plainly likelier than none."""
    deviation = values.std()
    if not deviation:
        return 0.0
    standard = (values - values.mean()) / deviation

    def likelihood(skewness: float) -> float:
        """Of a gamma distribution of mean 0 and variance 1, and without skewness of a normal."""
        if skewness == 0:
            return float(-(standard**2).sum() / 2 - len(standard) / 2 * np.log(2 * np.pi))
        shape = 4 / skewness**2
        at = shape + np.sign(skewness) * np.sqrt(shape) * standard
        if at.min() <= 0:
            return -np.inf
        density = np.log(shape) / 2 + (shape - 1) * np.log(at) - at - special.gammaln(shape)
        return float(density.sum())

    best = max((side * size for side in (-1, 1) for size in SKEWNESS), key=likelihood)
    return best if likelihood(best) > likelihood(0.0) + PLAIN_SKEWNESS else 0.0


def skew_tail(p_value: Floats, difference: Floats, skewness: float) -> Floats:
    """Two-sided p-values, larger on the side on which calm days have the longer tail."""
    if skewness == 0:
        return p_value
    shape = 4 / skewness**2
    # As far out as a normal with this p-value: a variance that is estimated has its part in that.
    size = -special.ndtri(np.clip(p_value / 2, 1e-300, 0.5))
    longer = np.minimum(2 * special.gammaincc(shape, shape + np.sqrt(shape) * size), 1.0)
    is_longer = np.sign(difference) == np.sign(skewness)
    found: Floats = np.where(is_longer, np.maximum(p_value, longer), p_value)
    return found


def _kept(
    values: Floats, level: Floats, weekdays: "np.typing.NDArray[np.int64]"
) -> tuple[float, int]:
    """The share of the weekdays' differences that a level keeps, 0 to 1, and how many there are."""
    if np.ptp(level) == 0:
        return 0.0, WEEK
    half = len(level) // 2
    if len(level) > MONTHS and (level[:half] == level[half:]).all():
        weekdays = weekdays % half
    seen = np.unique(weekdays)
    means = np.array([values[weekdays == day].mean() for day in seen]) - values.mean()
    return float(np.clip(np.ptp(level) / np.ptp(means), 0, 1)), len(seen)


def _power(away: Floats, days: pd.DataFrame, rows: float) -> float:
    """The power of the rows by which the variance of days grows."""

    def likelihood(power: float) -> float:
        scale = _scale(days, rows, power)
        return float(-len(away) / 2 * np.log(np.mean((away / scale) ** 2)) - np.log(scale).sum())

    best = max(POWERS, key=likelihood)
    return best if likelihood(best) > likelihood(0.0) + PLAIN_POWER else 0.0


def _scale(days: pd.DataFrame, rows: float, power: float) -> Floats:
    """Standard deviation of each day, beside that of a day of so many rows."""
    share = np.maximum(days["row_count"].to_numpy(dtype=float), 1.0) / rows
    scale: Floats = share ** (power / 2)
    return scale


def _weekdays(days: pd.DataFrame, cadence: Cadence) -> "np.typing.NDArray[np.int64]":
    return np.array([cadence.level(day) for day in days["partition_date"]], dtype=np.int64)
