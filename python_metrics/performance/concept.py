"""Inputs changed, or the relation did: realised error against what inputs make one expect."""

from python_metrics.performance.daily_error import BUDGET_SHARE, LEAST_RISE
from python_metrics.performance.estimator import Surprise


def is_concept_drift(surprise: Surprise, level: float) -> bool:
    """Whether a day is more wrong than its inputs explain.

    Parameters
    ----------
    level : float
        Chance of a false alarm that one day may take in all; the error has its share of it.
    """
    is_plain = surprise.p_value / 2 < level * BUDGET_SHARE
    return is_plain and surprise.excess > LEAST_RISE * surprise.expected
