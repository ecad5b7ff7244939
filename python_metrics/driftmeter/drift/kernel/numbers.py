"""A column of numbers: of a day, and of the reference with its sorted values and sums kept."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from driftmeter.drift.kernel.methods import (
    FEW_VALUES,
    KOLMOGOROV_SMIRNOV,
    Counts,
    Score,
    default_method,
    score_of_counts,
)
from driftmeter.quality.counts import Floats

# The square of a larger number comes near to the end of floating point, where what is computed
# depends on the order of computing.
LARGEST = 1e100
# Evidently divides by no smaller deviation.
LEAST_DEVIATION = 0.001


@dataclass(frozen=True)
class Numbers:
    """A day's numbers.

    Attributes
    ----------
    values : numpy.ndarray of float, shape (n,)
        A row each, null as NaN.
    finite : numpy.ndarray of float, shape (m,)
        Those that are there and finite.
    """

    values: Floats
    finite: Floats

    @classmethod
    def of(cls, values: "pd.Series[Any]") -> "Numbers":
        """Read a column of numbers, null as NaN."""
        numbers = values.to_numpy(dtype=np.float64)
        return cls(numbers, numbers[np.isfinite(numbers)])

    @property
    def present(self) -> int:
        """Values that are not null, infinities included."""
        return len(self.values) - int(np.count_nonzero(np.isnan(self.values)))

    @property
    def known(self) -> int:
        """Values that are there and finite."""
        return len(self.finite)

    def outside(self, low: float, high: float) -> int:
        """Values below `low` or above `high`, infinities among them unless they are a limit."""
        inside = np.count_nonzero((self.values >= low) & (self.values <= high))
        return self.present - int(inside)


class NumberReference:
    """The reference's numbers.

    Parameters
    ----------
    values : Numbers

    Attributes
    ----------
    known : int
        Values that are there and finite.
    low, high : float
        Least and greatest of them; both 0 where there are none.
    """

    def __init__(self, values: Numbers) -> None:
        self.known = values.known
        self._sorted = np.sort(values.finite)
        self.low, self.high = (
            (float(self._sorted[0]), float(self._sorted[-1])) if self.known else (0.0, 0.0)
        )
        self._is_too_large = max(-self.low, self.high) > LARGEST
        distinct = _distinct(self._sorted)
        self._few_values = distinct if len(distinct) <= FEW_VALUES else None
        self._deviation = 0.0 if self._is_too_large else _deviation(values.finite)

    def score(self, day: Numbers) -> Score | None:
        """Evidently's score of a day that has known values; None if numbers are too large."""
        values = np.sort(day.finite)
        if self._is_too_large or max(-values[0], values[-1]) > LARGEST:
            return None
        counts = self._counts_of_few(values)
        distinct = FEW_VALUES + 1 if counts is None else len(counts[0])
        method = default_method(self.known, distinct, is_number=True)
        if counts is not None:
            return score_of_counts(method, *counts)
        if method is KOLMOGOROV_SMIRNOV:
            # The reference is small where this is the method: nothing more is worth keeping.
            return method.score(ks_2samp(self._sorted, values).pvalue)
        return method.score(self._distance(values) / self._deviation)

    def _counts_of_few(self, day: Floats) -> tuple[Counts, Counts] | None:
        """Rows of each value, of the reference and of a day; None where there are many values."""
        if self._few_values is None:
            return None
        union = np.union1d(self._few_values, _distinct(day))
        if len(union) > FEW_VALUES:
            return None
        of_reference, of_day = (
            np.diff(np.searchsorted(values, union, side="right"), prepend=0)
            for values in (self._sorted, day)
        )
        return of_reference, of_day

    @cached_property
    def _areas(self) -> Floats:
        """Area under the reference's distribution function up to each of its sorted values."""
        shares = np.arange(1, self.known) / self.known
        return np.concatenate([[0.0], np.cumsum(np.diff(self._sorted) * shares)])

    def _distance(self, day: Floats) -> float:
        """Wasserstein distance to a day's sorted values, without going over the reference.

        It is the area between the two distribution functions. Between two neighbouring values of
        the day, a and b, the day's function is flat, at `rank / m`; the reference's rises, is below
        it up to one place, `crossing`, and above from there on. What the reference's function
        encloses is `_areas`, and of neighbouring pieces on one side only the ends are left of it:
        it is looked up only where the functions change sides. O(m log m) for m values of the day,
        and log n of the reference for each change.
        """
        reference, areas, n, m = self._sorted, self._areas, self.known, len(day)
        is_last = np.append(day[1:] > day[:-1], True)
        values, rank = day[is_last], np.flatnonzero(is_last)[:-1] + 1
        a, b = values[:-1], values[1:]
        # The first value of the reference at which its function is above the level.
        above = rank * n // m
        crossing = np.clip(reference[above], a, b)
        between = np.sum(rank / m * ((crossing - a) - (b - crossing)))
        # How often the area up to each value is counted. Before the day's first value its function
        # is 0, after its last 1, up to the last value of both.
        times = np.zeros(len(values))
        times[1:] += np.where(crossing == b, -1, 1)
        times[:-1] += np.where(crossing == a, -1, 1)
        times[0] += 1
        times[-1] += 1
        changes = np.flatnonzero(times)
        inside = above[(crossing > a) & (crossing < b)]
        end = max(values[-1], reference[-1])
        area = times[changes] @ self._area(values[changes]) - 2 * np.sum(areas[inside])
        # Rounding may leave less than nothing of no distance.
        return max(0.0, float(between + area + (end - values[-1] - self._area(end))))

    def _area(self, values: Floats) -> Floats:
        """Area under the reference's distribution function up to each value."""
        # It is linear between two values of the reference; beyond the last the function is 1.
        beyond = np.maximum(values - self._sorted[-1], 0)
        return np.asarray(np.interp(values, self._sorted, self._areas) + beyond)


def _deviation(values: Floats) -> float:
    """Standard deviation as Evidently has it, of these values in this order.

    Of numbers that are close together and far from zero the order shows.
    """
    known = float(np.std(pd.Series(values))) if len(values) else 0.0
    return max(known, LEAST_DEVIATION)


def _distinct(values: Floats) -> Floats:
    """Sorted values, each once."""
    is_first = np.ones(len(values), dtype=bool)
    is_first[1:] = values[1:] > values[:-1]
    return values[is_first]
