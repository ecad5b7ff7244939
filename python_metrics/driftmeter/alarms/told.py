"""Whether a change was told before: it is an alarm on its first days, and again if it grows.

A change that lasts, or that comes back every few weeks, differs from the reference period on each
of its days. The first of them say so; the others say nothing new, and the incident stays open as
long as the change is there.
"""

import numpy as np
import numpy.typing as npt
from scipy import special

from driftmeter.monitors.cadence import HOURS, Cadence
from driftmeter.quality.counts import Floats

# A change that so many of so many days before have told is not new.
TOLD, RECORD = 2, 91
# A column that was as far away in so many stretches of the record does so by itself.
STRETCHES = 3
# P-value of a column, corrected for its statistics, at which a day has told a change: about what an
# alarm needs at a budget of 1 a month.
CLEAR = 0.001
# A month has 24 times as many hours, so that an alarm of one needs a p-value as much smaller.
CLEAR_OF_HOURS = CLEAR / HOURS
# Days without a clear difference that part one stretch of a column's days from the next.
APART = 3


def clear_of(cadence: Cadence) -> float:
    """The p-value at which a batch has told a change."""
    return CLEAR_OF_HOURS if cadence.is_hourly else CLEAR


def beside_told_days(
    effect: Floats,
    variance: Floats,
    differences: Floats,
    variances: Floats,
    is_clear: npt.NDArray[np.bool_],
    statistic: npt.NDArray[np.int64],
    quiet: int = RECORD,
) -> Floats:
    """P-value of each day's effect beside the days before that told the same; shape (days,).

    The `TOLD`-th farthest of the clear days of the record, on the side of the effect, is what is
    known of it: only what is beyond that day by more than the noise of both is new.

    Parameters
    ----------
    effect, variance : arrays of float, shape (days,)
        Each day's difference from the reference, or that of the days that are judged with it.
    differences, variances : arrays of float, shape (days, S)
        Of each day and statistic; NaN where no record may hold the day.
    is_clear : array of bool, shape (days, S)
        Whether the day told a change of the statistic.
    statistic : array of int, shape (days,)
        The one that is asked for, by day.
    quiet : int
        Days without such a day, after which those before are forgotten.

    Returns
    -------
    array of float, shape (days,)
        NaN where fewer days have told it.
    """
    days = np.arange(len(effect))
    told = _before(np.where(is_clear, differences, np.nan))[days, statistic]
    told[_is_over(np.isfinite(told), quiet)] = np.nan
    sizes = np.nan_to_num(told * np.sign(effect)[:, None], nan=-np.inf)
    place = np.argsort(sizes, axis=1)[:, -TOLD]
    known = sizes[days, place]
    of_known = _before(variances)[days, statistic][days, place]
    is_told = known > 0
    p_value = np.full(len(effect), np.nan)
    further = (np.abs(effect) - known)[is_told]
    noise = np.sqrt(variance + of_known)[is_told]
    p_value[is_told] = np.where(further > 0, 2 * special.ndtr(-further / noise), 1.0)
    return p_value


def wanders(p_values: Floats, clear: float = CLEAR) -> npt.NDArray[np.bool_]:
    """Whether a column was as far away before, at times apart; shape (parts, days).

    Where rows come in groups, each change of a column is another category or segment, and none
    of them was told before. Of a column whose p-values the reference period explains, three
    stretches of days as clear as today within a quarter of a year do not come by chance. So they
    are what the column does, whatever moved.

    Parameters
    ----------
    p_values : array of float, shape (parts, days)
        Of a column over all rows and in each segment; NaN where a day was not judged.
    clear : float
        As `clear_of` gives it.
    """
    parts, days = p_values.shape
    clearest = np.fmin.reduce(np.where(np.isnan(p_values), 1.0, p_values), axis=0)
    answer = np.zeros((parts, days), dtype=bool)
    for part, day in zip(*np.nonzero(np.nan_to_num(p_values, nan=1.0) <= clear), strict=True):
        first = max(day - RECORD, 0)
        as_clear = np.flatnonzero(clearest[first:day] <= p_values[part, day])
        # The stretch that leads up to today is today's own.
        as_clear = np.append(as_clear, day - first)
        answer[part, day] = (np.diff(as_clear) > APART).sum() >= STRETCHES
    return answer


def _is_over(is_told: npt.NDArray[np.bool_], quiet: int) -> npt.NDArray[np.bool_]:
    """Which days of a record lie before a pause of more than `quiet` days; shape (days, RECORD)."""
    place = np.arange(RECORD)
    # The next day that told it, after each; today is after the last.
    later = np.where(is_told, place, RECORD)[:, ::-1]
    following = np.minimum.accumulate(later, axis=1)[:, ::-1]
    following = np.append(following[:, 1:], np.full((len(is_told), 1), RECORD), axis=1)
    is_before_pause = is_told & (following - place > quiet)
    over: npt.NDArray[np.bool_] = np.maximum.accumulate(is_before_pause[:, ::-1], axis=1)[:, ::-1]
    return over


def _before(values: Floats) -> Floats:
    """The record of each day, NaN before the first; shape (days, S, `RECORD`)."""
    padded = np.concatenate([np.full((RECORD, values.shape[1]), np.nan), values])
    return np.lib.stride_tricks.sliding_window_view(padded, RECORD + 1, axis=0)[
        : len(values), :, :-1
    ]
