"""Scores of how often each value occurs: of categories, and of numbers with few values."""

import numpy as np
import numpy.typing as npt
from scipy.spatial import distance
from scipy.special import ndtr
from scipy.stats import chisquare

from driftmeter.drift.kernel.methods import CHI_SQUARE, JENSEN_SHANNON, Method, Score

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
