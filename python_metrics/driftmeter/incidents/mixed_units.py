"""Whether a day held a column in two units: the usual one, and that of the day after."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from driftmeter.incidents.mix import LEVELS

# Below and above its outermost quantiles the reference's distribution is taken for half of what is
# left there.
BELOW, ABOVE = 0.025, 0.975
# Shares of the day's rows that are tried.
SHARES = np.linspace(0.01, 0.99, 99)
# Quantiles of a hundred rows seldom lie farther from those of the distribution that they are of: a
# share of rows, two standard deviations of a median's.
FARTHEST = 0.1


def is_of_two_units(evidence: Mapping[str, Any], factor: float) -> bool:
    """Whether a day's quantiles are the reference's with a share of the rows times a factor.

    Parameters
    ----------
    evidence : mapping
        Of a ``shape_shift``: of each of `LEVELS` the quantile of the ``reference`` and of the
        ``day``.
    factor : float
        By which the other unit's numbers are larger; above 0.

    Returns
    -------
    bool
        False where a quantile is not known.
    """
    quantiles = [evidence.get(name) or {} for name in LEVELS]
    sides = [[each.get(side) for each in quantiles] for side in ("reference", "day")]
    if any(value is None for side in sides for value in side) or factor <= 0:
        return False
    reference, day = np.array(sides, dtype=float)
    levels = np.array([*LEVELS.values()])
    usual, other = (
        np.interp(at, reference, levels, left=BELOW, right=ABOVE) for at in (day, day / factor)
    )
    mixed = usual + SHARES[:, None] * (other - usual)
    return bool((np.abs(mixed - levels).max(axis=1) <= FARTHEST).any())
