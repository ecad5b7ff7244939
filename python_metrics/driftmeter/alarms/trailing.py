"""Whether a day's difference from the reference is new, beside the days just before it.

The trailing baseline is the median of the 28 days that end a week before the judged day. A slow
season is in it, a fault of a few days is not. Nor is a day new that several of the last three
months were like: groups of rows that come now and then are told when they first do.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from driftmeter.alarms.day_null import heavy_tail, tail
from driftmeter.alarms.told import CLEAR, RECORD, beside_told_days
from driftmeter.monitors.baselines import LAG, TRAILING
from driftmeter.quality.counts import Floats

# Earlier days that a verdict rests on: the trailing baseline and its lag, or the record.
HISTORY = max(TRAILING + LAG, RECORD)
# Fewer days of a trailing baseline tell nothing.
FEWEST_TRAILING = 10
# Days before that wander by more than so many of the reference's deviations have a scale of their
# own; by less, it is the noise of a median.
WIDER = 1.5
# Standard deviations of a normal in quantiles of absolute differences: half of all, and all but the
# largest fifth, which tells of bursts and not of a fault of two days.
QUANTILES = {0.5: 1.4826, 0.8: 0.7803}
# Of a scale of some 28 days by such quantiles.
OWN_FREEDOM = 8.0


def against_trailing(
    effect: Floats,
    variance: Floats,
    differences: Floats,
    statistic: npt.NDArray[np.int64],
    lengths: Floats,
    freedom: Floats,
    known: Floats,
    heaviness: Floats,
    lag: int = LAG,
) -> Floats:
    """P-value of each day's effect, less the median of the days before it.

    Parameters
    ----------
    effect : array of float, shape (days,)
        Each day's difference from the reference, or that of the days that are judged with it.
    variance : array of float, shape (days,)
        Of one day's difference.
    differences : array of float, shape (days, S)
        Of each day and statistic; NaN where no baseline may hold the day.
    statistic : array of int, shape (days,)
        The one that is asked for, by day.
    lengths : array of float, shape (days,)
        How many days are judged together.
    freedom, known : arrays of float, shape (days,)
        Of the variance, as `tail` takes them.
    heaviness : array of float, shape (days,)
        Of the tail of single days, as `heavy_tail` takes it.
    lag : int
        Days before the judged one that the baseline leaves out.

    Returns
    -------
    array of float, shape (days,)
        NaN where the days before are too few. 1 on the way back to the reference, where nothing is
        new.
    """
    days = len(statistic)
    deviations, change = np.full(days, np.nan), np.full(days, np.nan)
    middle, step, count = _trailing(differences, statistic, lag)
    is_compared = (count >= FEWEST_TRAILING) & np.isfinite(effect)
    change[is_compared] = (effect - middle)[is_compared]
    # A share that rose from nothing wanders as shares of its new size do; from one day to the next,
    # so that the rise itself is none of it.
    wandering = step**2 / 2
    wider = np.where(wandering > WIDER**2 * variance, wandering / variance, 1.0)
    # A scale of so few days is no better known than they tell.
    freedom = np.where(wider > 1, np.minimum(freedom, OWN_FREEDOM), freedom)
    known = known / wider
    # A median of normal errors varies by pi / 2 as much as their mean.
    own = variance * wider * (1 / lengths + np.pi / 2 / np.maximum(count, 1))
    deviations[is_compared] = (change / np.sqrt(own))[is_compared]
    deviations[change * effect < 0] = 0.0
    of_days = heavy_tail(deviations, np.where(lengths == 1, heaviness, np.inf))
    p_value = np.fmax(tail(deviations, freedom, known), of_days)
    return np.where(np.isfinite(deviations), p_value, np.nan)


def p_value_of_news(
    difference: Floats,
    deviation: Floats,
    excluded: npt.NDArray[np.bool_],
    effect: Floats | None = None,
    length: int = 1,
    quiet: int = RECORD,
    clear: float = CLEAR,
) -> Floats:
    """P-value of each day of one statistic beside the days before it; NaN where these are too few.

    Beside the trailing days, and beside days of the record that told the same.

    Parameters
    ----------
    difference, deviation : arrays of float, shape (days,)
        Of each day from its expected value, and of a calm day; NaN where there is none.
    excluded : array of bool, shape (days,)
        Days that no trailing baseline may hold.
    effect : array of float, shape (days,), optional
        Mean difference of the days that are judged together; each alone without it.
    length : int
        How many days are judged together; none of them is in the baseline.
    quiet : int
        Days without the same, after which it is over and new when it comes back.
    clear : float
        P-value at which a day has told it, as `clear_of` gives it.
    """
    days = len(difference)
    effect = difference if effect is None else effect
    lengths = np.full(days, float(length))
    usable, variance = np.where(excluded, np.nan, difference)[:, None], deviation**2
    same = np.zeros(days, dtype=np.int64)
    known = np.full(days, 1e9), np.ones(days), np.full(days, np.inf)
    lag = max(LAG, length)
    p_value = against_trailing(effect, variance, usable, same, lengths, *known, lag)
    ones = np.ones(days)
    of_days = against_trailing(difference, variance, usable, same, ones, *known)
    # A day that was nothing new when it came has told nobody anything.
    is_told = ~(of_days > clear)[:, None]
    is_told &= 2 * special.ndtr(-np.abs(usable) / deviation[:, None]) <= clear
    told = beside_told_days(
        effect, variance / length, usable, variance[:, None], is_told, same, quiet
    )
    return np.fmax(p_value, told)


def _trailing(
    difference: Floats, statistic: npt.NDArray[np.int64], lag: int
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Of the trailing days of each: their median, the deviation of steps, and how many they are.

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
        [np.full((lag + TRAILING - 1, difference.shape[1]), np.nan), difference]
    )
    windows = np.lib.stride_tricks.sliding_window_view(before, TRAILING, axis=0)[:days]
    windows = windows[np.arange(days), statistic]
    count = np.isfinite(windows).sum(axis=1)
    whole = count == TRAILING
    middle[whole] = np.median(windows[whole], axis=1)
    step[whole] = _deviation(np.abs(np.diff(windows[whole], axis=1)))
    # From one day to the next that there is, where some are not.
    for day in np.flatnonzero(~whole & (count >= FEWEST_TRAILING)):
        known = windows[day][np.isfinite(windows[day])]
        middle[day] = np.median(known)
        step[day] = _deviation(np.abs(np.diff(known))[None])[0]
    return middle, step, count


def _deviation(differences: Floats) -> Floats:
    """Standard deviation of steps by the larger of two quantiles of their size; by row."""
    by_quantile = [
        scale * np.quantile(differences, level, axis=1) for level, scale in QUANTILES.items()
    ]
    largest: Floats = np.max(by_quantile, axis=0)
    return largest
