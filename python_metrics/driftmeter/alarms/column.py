"""One column of one segment: fitted on the reference days, then applied to other days."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from driftmeter.alarms.day_null import (
    DayNull,
    calmed,
    fit_day_null,
    moving_mean,
    p_values,
    residuals,
    tail,
)
from driftmeter.alarms.statistics import Scale, fit_scale, measure
from driftmeter.monitors.baselines import LAG, TRAILING
from driftmeter.quality.counts import Counts, Floats

# Days that are judged together, and their share of a column's evidence: the day alone finds a
# step on its first day, a week finds what creeps.
WINDOWS = {1: 0.85, 3: 0.03, 7: 0.12}
# Fewer days of a trailing baseline tell nothing.
FEWEST_TRAILING = 10
# Days before that wander by more than so many of the reference's deviations have a scale of their
# own; by less, it is the noise of a median.
WIDER = 1.5
# Standard deviations of a normal in one median absolute deviation.
NORMAL_DEVIATION = 1.4826


@dataclass(frozen=True)
class ColumnNull:
    """A calibrated column."""

    scale: Scale
    null: DayNull


@dataclass(frozen=True)
class ColumnEvidence:
    """What speaks against calm, by day; arrays of shape (days,).

    Attributes
    ----------
    p_value : array of float
        Of the whole column: its statistics and windows weighed against each other.
    statistic : array of str
        The one that speaks loudest.
    effect : array of float
        Its difference from the level: a share, or for location standard deviations.
    observed, expected : array of float
        The statistic's value and level.
    trailing_p_value, trailing_effect : array of float
        The same statistic against the days before; NaN where these are too few.
    """

    p_value: Floats
    statistic: npt.NDArray[np.str_]
    effect: Floats
    observed: Floats
    expected: Floats
    trailing_p_value: Floats
    trailing_effect: Floats


def calibrate_column(reference: Counts) -> ColumnNull:
    """Fit a column's scale and day-level null to its reference days."""
    scale = fit_scale(reference)
    values, rows = measure(scale, reference)
    return ColumnNull(scale, fit_day_null(values, rows, scale.variance, reference.weekdays))


def judge_column(
    column: ColumnNull, counts: Counts, excluded: npt.NDArray[np.bool_] | None = None
) -> ColumnEvidence:
    """Hold each day of a span against the calibrated column.

    Parameters
    ----------
    counts : Counts
        Every day of the span in order, days without rows as zeros.
    excluded : array of bool, shape (days,), optional
        Days that no trailing baseline may hold.
    """
    scale, null = column.scale, column.null
    values, rows = measure(scale, counts)
    calm = calmed(null, values, rows, counts.weekdays)
    difference, variance, _ = residuals(null, values, rows, counts.weekdays)
    creeping = calm - null.level[counts.weekdays]
    every = np.arange(len(counts.days))
    best, statistic = np.full(len(every), np.inf), np.zeros(len(every), dtype=np.int64)
    effects, lengths = difference.copy(), np.ones(len(every))
    for length, share in WINDOWS.items():
        judged = values if length == 1 else calm
        p_value = p_values(null, judged, rows, counts.weekdays, scale.least, scale.is_share, length)
        weighed = p_value / (scale.weights * share)
        loudest = weighed.argmin(axis=1)
        is_louder = weighed[every, loudest] < best
        best = np.where(is_louder, weighed[every, loudest], best)
        statistic = np.where(is_louder, loudest, statistic)
        lengths = np.where(is_louder, length, lengths)
        if length > 1:
            effects = np.where(is_louder[:, None], moving_mean(creeping, length), effects)
    at = (every, statistic)
    level = null.level[counts.weekdays]
    known = (scale.variance / np.maximum(rows, 1))[at] / np.maximum(variance[at], 1e-300)
    trailing_p, trailing_effect = _against_trailing(
        null, effects[at], variance[at], lengths, known, difference, statistic, excluded
    )
    return ColumnEvidence(
        p_value=np.where(counts.rows > 0, np.minimum(best, 1.0), np.nan),
        statistic=np.array(scale.names)[statistic],
        effect=effects[at],
        observed=values[at],
        expected=level[at],
        trailing_p_value=trailing_p,
        trailing_effect=trailing_effect,
    )


def _against_trailing(
    null: DayNull,
    effect: Floats,
    variance: Floats,
    lengths: Floats,
    known: Floats,
    difference: Floats,
    statistic: npt.NDArray[np.int64],
    excluded: npt.NDArray[np.bool_] | None,
) -> tuple[Floats, Floats]:
    """P-value and size of each day's effect, less the median of the days before it."""
    days = len(statistic)
    deviations, change = np.full(days, np.nan), np.full(days, np.nan)
    usable = np.isfinite(difference)
    if excluded is not None:
        usable &= ~excluded[:, None]
    middle, step, count = _trailing(np.where(usable, difference, np.nan), statistic)
    is_compared = (count >= FEWEST_TRAILING) & np.isfinite(effect)
    change[is_compared] = (effect - middle)[is_compared]
    # A share that rose from nothing wanders as shares of its new size do; from one day to the next,
    # so that the rise itself is none of it.
    wandering = (NORMAL_DEVIATION * step) ** 2 / 2
    wider = np.where(wandering > WIDER**2 * variance, wandering / variance, 1.0)
    # A median of normal errors varies by pi / 2 as much as their mean.
    own = variance * wider * (1 / lengths + np.pi / 2 / np.maximum(count, 1))
    deviations[is_compared] = (change / np.sqrt(own))[is_compared]
    # On the way back to the reference nothing is new.
    deviations[change * effect < 0] = 0.0
    usual = null.freedom[statistic]
    p_value = np.where(np.isfinite(deviations), tail(deviations, usual, known), np.nan)
    return p_value, change


def _trailing(
    difference: Floats, statistic: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Of the trailing days of each: their median, that of their steps, and how many there are.

    The median: days of a fault that nobody has acknowledged must not hide the next one.

    Parameters
    ----------
    difference : array of float, shape (days, S)
        NaN where no baseline may hold the day.
    statistic : array of int, shape (days,)
        The one that is asked for, by day.
    """
    days = len(statistic)
    middle, step = np.full(days, np.nan), np.full(days, np.nan)
    before = np.concatenate(
        [np.full((LAG + TRAILING - 1, difference.shape[1]), np.nan), difference]
    )
    windows = np.lib.stride_tricks.sliding_window_view(before, TRAILING, axis=0)[:days]
    windows = windows[np.arange(days), statistic]
    count = np.isfinite(windows).sum(axis=1)
    whole = count == TRAILING
    middle[whole] = np.median(windows[whole], axis=1)
    step[whole] = np.median(np.abs(np.diff(windows[whole], axis=1)), axis=1)
    # From one day to the next that there is, where some are not.
    for day in np.flatnonzero(~whole & (count >= FEWEST_TRAILING)):
        known = windows[day][np.isfinite(windows[day])]
        middle[day], step[day] = np.median(known), np.median(np.abs(np.diff(known)))
    return middle, step, count
