"""How far a day is from the days just before it, beside how far reference days are from theirs.

A reference period with a trend, or whose days go on from each other, tells little of how far a day
may be from its mean: a day with half of the usual rows may be within what it allows. From one day
to the next such days hardly differ, and half of the rows stands out.
"""

import numpy as np
import numpy.typing as npt

from driftmeter.alarms.day_null import fit_day_null, judge_days
from driftmeter.monitors.requirements import ENOUGH_DAYS
from driftmeter.quality.counts import Floats

# Days before, whose mean a day is held against: one alone may be the wild one.
BEFORE = 2
# Days that lie further back, as before a pause, tell nothing of today.
FURTHEST = 7


def steps(difference: Floats) -> Floats:
    """Each day's difference from its level, less the mean of the `BEFORE` known ones before it.

    Parameters
    ----------
    difference : array of float, shape (days,)
        NaN where a day has none.

    Returns
    -------
    array of float, shape (days,)
        NaN where the day, or as many of the `FURTHEST` days before it, are not known.
    """
    known = np.flatnonzero(np.isfinite(difference))
    total = np.cumsum(np.append(0.0, difference[known]))
    before = (total[BEFORE:-1] - total[: -BEFORE - 1]) / BEFORE
    is_near = known[BEFORE:] - known[:-BEFORE] <= FURTHEST
    step = np.full(len(difference), np.nan)
    step[known[BEFORE:]] = np.where(is_near, difference[known[BEFORE:]] - before, np.nan)
    return step


def p_values_of_steps(
    difference: Floats, rows: Floats, is_reference: npt.NDArray[np.bool_]
) -> Floats:
    """P-value of each day's step, by the steps of the reference's days; shape (days,).

    Parameters
    ----------
    difference : array of float, shape (days,)
        Of each day's logarithm of its rows from its level; NaN where no later day may be held
        against it.
    rows : array of float, shape (days,)
    is_reference : array of bool, shape (days,)

    Returns
    -------
    array of float, shape (days,)
        NaN where there is no step, and everywhere if the reference has fewer than `ENOUGH_DAYS`.
    """
    step = steps(difference)
    fitted = is_reference & np.isfinite(step)
    if fitted.sum() < ENOUGH_DAYS:
        return np.full(len(step), np.nan)
    # The row noise of the days before is that of as many rows.
    of_row = np.full(1, 1 + 1 / BEFORE)
    no_level = np.zeros(len(step), dtype=np.int64)
    null = fit_day_null(step[fitted][:, None], rows[fitted][:, None], of_row, no_level[fitted])
    return np.where(np.isfinite(step), judge_days(null, step, rows, no_level).p_value, np.nan)


def either(p_value: Floats, of_step: Floats) -> Floats:
    """One p-value of two tests of each day, of which the smaller counts (Bonferroni)."""
    both: Floats = np.minimum(2 * np.fmin(p_value, of_step), 1.0)
    return np.where(np.isfinite(of_step), both, p_value)
