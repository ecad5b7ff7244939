"""The methods that Evidently chooses by default, and the rules of its choice.

No monitor names a method, so these are all there are.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass

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
