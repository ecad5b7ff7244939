"""Hours of one day are alike: how much whole days vary, and how much hours within them.

What moves a whole day moves its 24 hours together, so that three days of hours tell of days no more
than three days do. The variance is parted between days and within them (one-way analysis of
variance, Fisher 1925). A variance that is put together from both has the degrees of freedom of
Satterthwaite (1946): nearly those of the days, if these are what varies.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from driftmeter.monitors.cadence import HOURS
from driftmeter.quality.counts import Floats, Ints, day_numbers


@dataclass(frozen=True)
class DaysOfHours:
    """How hours of S statistics vary around their levels, by day; arrays of shape (S,) but `kind`.

    Attributes
    ----------
    days, hours : array of float
        Days with rows, and how many hours with rows one of them has.
    between : array of float
        Variance of the means of days, sampling noise included.
    within : array of float
        Variance of hours around the mean of their day, sampling noise included.
    freedom, freedom_within : array of float
        Their degrees of freedom.
    kind : array of float, shape (2, S)
        Days that are workdays, and those that are not.
    """

    days: Floats
    hours: Floats
    between: Floats
    within: Floats
    freedom: Floats
    freedom_within: Floats
    kind: Floats

    @classmethod
    def of(
        cls,
        away: Floats,
        known: npt.NDArray[np.bool_],
        levels: Ints,
        taken: Floats,
    ) -> "DaysOfHours":
        """Of hours in order.

        Parameters
        ----------
        away : array of float, shape (hours, S)
            Difference of each hour from its level.
        known : array of bool, shape (hours, S)
        levels : array of int, shape (hours,)
            As `Cadence.level` gives them.
        taken : array of float, shape (S,)
            Degrees of freedom that the levels took.
        """
        number = day_numbers(levels)
        away = np.where(known, away, 0.0)
        count, total = np.zeros((2, int(number[-1]) + 1, away.shape[1]))
        np.add.at(count, number, known)
        np.add.at(total, number, away)
        has_rows = count > 0
        days = np.maximum(has_rows.sum(axis=0), 1).astype(float)
        means = total / np.maximum(count, 1)
        middle = means.sum(axis=0) / days
        freedom = np.maximum(days - 1, 0.0)
        squares = np.where(has_rows, (means - middle) ** 2, 0.0).sum(axis=0)
        hours = np.maximum(count.sum(axis=0), 1)
        freedom_within = np.maximum(hours - days - taken, 1.0)
        inside = np.where(known, (away - means[number]) ** 2, 0.0).sum(axis=0)
        is_weekend = np.zeros(len(count), dtype=bool)
        is_weekend[number] = levels >= HOURS
        kind = np.array([has_rows[~is_weekend].sum(axis=0), has_rows[is_weekend].sum(axis=0)])
        return cls(
            days,
            hours / days,
            squares / np.maximum(freedom, 1.0),
            inside / freedom_within,
            freedom,
            freedom_within,
            kind.astype(float),
        )

    @property
    def of_days(self) -> Floats:
        """Variance of what moves whole days."""
        return np.maximum(self.between - self.within / self.hours, 0.0)

    def inflation(self, of_days: Floats | None = None, variance: Floats | None = None) -> Floats:
        """How many times the variance of a day's mean is that of independent hours; shape (S,).

        Parameters
        ----------
        of_days, variance : array of float, shape (S,), optional
            Of whole days and in total, if more is known of them than these hours tell.
        """
        of_days = self.of_days if of_days is None else of_days
        variance = of_days + self.within if variance is None else variance
        inflation: Floats = 1 + (self.hours - 1) * of_days / np.maximum(variance, 1e-300)
        return inflation
