"""Reference days that lie before a change: where a period begins a few days too early.

One such day may be ten standard deviations away from all later ones. In their null it would triple
the variance of days, and make wild days look usual; then nothing of the column is found.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from driftmeter.alarms.day_null import DayNull, p_values
from driftmeter.alarms.statistics import Scale
from driftmeter.quality.counts import Floats

# Of the days that have rows one in so many may lie before a change.
FIRST_OF = 10
# P-value below which a statistic of such a day cannot be one of the later days'.
BEFORE_A_CHANGE = 1e-6

# Fits the null to the days from one of them on.
Fit = Callable[[int], DayNull]


def days_before_a_change(
    fit_from: Fit, scale: Scale, values: Floats, rows: Floats, weekdays: npt.NDArray[np.int64]
) -> int:
    """How many of the reference's first days its null should do without.

    The first tenth of the days with rows is held against a null of all others. Of a statistic
    those days lie before a change which follow each other from the first on, each of them further
    away than chance brings any day; the statistic with most of them decides.

    Parameters
    ----------
    fit_from : callable
        Takes the number of days to leave out.
    values, rows : arrays of float, shape (days, S)
    weekdays : array of int, shape (days,)

    Returns
    -------
    int
        The first day that counts; 0 where all do.
    """
    days = np.flatnonzero((rows > 0).any(axis=1))
    first = days[: len(days) // FIRST_OF]
    if not len(first):
        return 0
    null = fit_from(int(first[-1]) + 1)
    of_first = (values[first], rows[first], weekdays[first])
    p_value = p_values(null, *of_first, scale.least, scale.is_share)
    in_a_row = np.cumprod(p_value < BEFORE_A_CHANGE, axis=0).sum(axis=0).max()
    return int(first[in_a_row - 1]) + 1 if in_a_row else 0
