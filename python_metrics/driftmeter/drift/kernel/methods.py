"""The methods that Evidently chooses by default, the rules of its choice, and scores of counts.

No monitor names a method, so these are all there are.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import distance
from scipy.special import ndtr
from scipy.stats import chisquare

# With more known reference values than this, distances; with fewer or as many, tests.
LARGEST_OF_TESTS = 1000
# Numbers of so many distinct values are compared as categories.
FEW_VALUES = 5


@dataclass(frozen=True)
class Score:
    """A column of a day against the reference.

    Attributes
    ----------
    method : str
        Evidently's name of it.
    value : float
        A distance, or for a method that ends in ``p_value`` a probability; NaN where the method
        gives no number.
    """

    method: str
    threshold: float
    value: float
    is_drifted: bool


@dataclass(frozen=True)
class Method:
    """A method, and from where on its value is drift.

    Attributes
    ----------
    name : str
        Evidently's.
    compare : callable
        Whether a value, the first argument, is drift by a threshold, the second.
    """

    name: str
    threshold: float
    compare: Callable[[float, float], bool]

    def score(self, value: float) -> Score:
        """Judge a value."""
        value = float(value)
        return Score(self.name, self.threshold, value, self.compare(value, self.threshold))


WASSERSTEIN = Method("Wasserstein distance (normed)", 0.1, operator.ge)
JENSEN_SHANNON = Method("Jensen-Shannon distance", 0.1, operator.ge)
KOLMOGOROV_SMIRNOV = Method("K-S p_value", 0.05, operator.le)
CHI_SQUARE = Method("chi-square p_value", 0.05, operator.lt)
Z_TEST = Method("Z-test p_value", 0.05, operator.lt)


def default_method(known: int, distinct: int, *, is_number: bool) -> Method:
    """Choose as Evidently's ``_get_default_stattest`` does.

    Parameters
    ----------
    known : int
        Known values of the reference.
    distinct : int
        Distinct values of the reference and the day together; of numbers, more than `FEW_VALUES`
        need not be counted.
    """
    if is_number and distinct > FEW_VALUES:
        return WASSERSTEIN if known > LARGEST_OF_TESTS else KOLMOGOROV_SMIRNOV
    if known > LARGEST_OF_TESTS:
        return JENSEN_SHANNON
    return CHI_SQUARE if distinct > 2 else Z_TEST


Counts = npt.NDArray[np.int64]


def score_of_counts(method: Method, reference: Counts, day: Counts) -> Score:
    """Score by one of the methods for counts.

    Parameters
    ----------
    reference, day : numpy.ndarray of int, shape (n,)
        Rows of each value that either side has, in the same order, which is the order of summing.
    """
    if method is JENSEN_SHANNON:
        shares = reference / reference.sum(), day / day.sum()
        return method.score(distance.jensenshannon(*shares))
    if method is CHI_SQUARE:
        # A new category has no expected row: infinitely far, and p is 0.
        with np.errstate(divide="ignore"):
            expected = reference * (day.sum() / reference.sum())
            return method.score(chisquare(day, expected).pvalue)
    return method.score(_z_test(reference, day))


def _z_test(reference: Counts, day: Counts) -> float:
    """Two-sided, of the share of rows that do not have the first of at most two values."""
    if len(reference) < 2:
        return 1.0
    n, m = int(reference.sum()), int(day.sum())
    of_reference, of_day = reference[1] / n, day[1] / m
    pooled = (reference[1] + day[1]) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return float(2 * (1 - ndtr(abs(of_reference - of_day) / error)))
