"""What is expected of a column's days where the reference has few of them.

A column is taken for a normal variable whose mean differs from day to day. Its variance of days,
beside that of its rows, says how far each share of its rows is expected to differ, and for how many
independent rows those of a few days count.
"""

from dataclasses import replace

import numpy as np
from scipy import special

from driftmeter.alarms.statistics import Scale
from driftmeter.quality.counts import Floats

# Rows of a day are never taken for quite the same.
MOST_ALIKE = 0.98
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(64)


def of_few_days(scale: Scale, rows: float, days: int, wandering: float) -> tuple[Scale, Floats]:
    """A column's scale, and the day variances to expect of its statistics.

    Rows of one day are alike by as much as days differ, and count for fewer (the design effect;
    Kish 1965). So a share that the reference's rows show as 0 may be one of its days that never
    came, and is expected as often as so few rows tell.

    Parameters
    ----------
    rows, days : float, int
        Of the reference.
    wandering : float
        Variance of the days' means over that of a row.

    Returns
    -------
    tuple of Scale and array of float, shape (statistics,)
    """
    days = max(days, 1)
    # The variance of all rows holds that of the days, as far as so few show it.
    alike = min(wandering / (1 + wandering / days), MOST_ALIKE)
    effective = rows / (1 + max(rows / days - 1, 0.0) * alike)
    share = (np.clip(scale.center, 0, 1) * effective + 0.5) / (effective + 1)
    expected = np.where(scale.is_share, _of_share(share, alike), wandering * scale.variance)
    least = np.where(scale.is_share, np.maximum(scale.least, min(1 / (effective + 1), 0.5)), 0.0)
    return replace(scale, least=least), expected


def of_event(scale: Scale, wandering: float) -> Floats:
    """What a known event adds to the day variances of a column's statistics; shape (statistics,).

    Parameters
    ----------
    wandering : float
        Variance of the events' means over that of a row.
    """
    of_shares = _of_share(np.clip(scale.center, scale.least, 1), wandering / (1 + wandering))
    return np.where(scale.is_share, of_shares, wandering * scale.variance)


def _of_share(share: Floats, alike: float) -> Floats:
    """Variance from day to day of the share of rows beyond a normal variable's quantile."""
    at = special.ndtri(share)[:, None] - np.sqrt(alike) * _NODES
    of_days = special.ndtr(at / np.sqrt(1 - alike))
    mean = of_days @ _WEIGHTS / _WEIGHTS.sum()
    variance: Floats = of_days**2 @ _WEIGHTS / _WEIGHTS.sum() - mean**2
    return np.maximum(variance, 0.0)
