"""Two proportions: intervals of their difference and ratio, and an exact test of a difference.

Intervals are those that hold where counts are small or zero. Of a difference it is the square and
add interval of two Wilson intervals (Newcombe 1998, "Interval estimation for the difference between
independent proportions", Statistics in Medicine 17, 873-890, method 10). Of a ratio it is the
inverted score test of Miettinen and Nurminen (1985, "Comparative analysis of two rates", Statistics
in Medicine 4, 213-226).
"""

import numpy as np
from scipy import special

from driftmeter.performance.intervals import NINETY_FIVE
from driftmeter.quality.counts import Floats

# Halvings of an interval on a logarithmic or a linear scale, to all digits of a double.
HALVINGS = 60
# Ratios beyond these are taken for zero and infinity.
FARTHEST_LOG_RATIO = 25.0
# A probability is not nearer to 0 or 1 than this, so that odds are finite.
LEAST_CHANCE = 1e-9
# Where each of four counts is above this, a normal tail is as good as the exact one: at 3.5
# standard deviations they differ by a fifth.
MANY = 1000


def wilson(count: Floats, rows: Floats) -> tuple[Floats, Floats]:
    """95% interval of a proportion (Wilson 1927); NaN of no rows."""
    z = NINETY_FIVE
    with np.errstate(divide="ignore", invalid="ignore"):
        share = count / rows
        middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
        reach = z * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2)) / (1 + z**2 / rows)
    lower = np.where(count == 0, 0.0, middle - reach)
    upper = np.where(count == rows, 1.0, middle + reach)
    unknown = rows <= 0
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)


def difference_interval(
    count: Floats, rows: Floats, other_count: Floats, other_rows: Floats
) -> tuple[Floats, Floats]:
    """95% interval of ``count / rows - other_count / other_rows`` (Newcombe 1998, method 10)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share, other = count / rows, other_count / other_rows
    low, high = wilson(count, rows)
    other_low, other_high = wilson(other_count, other_rows)
    difference = share - other
    return (
        difference - np.hypot(share - low, other_high - other),
        difference + np.hypot(high - share, other - other_low),
    )


def ratio_interval(
    count: Floats, rows: Floats, other_count: Floats, other_rows: Floats
) -> tuple[Floats, Floats]:
    """95% interval of the ratio of two proportions (Miettinen and Nurminen 1985).

    Returns
    -------
    lower, upper : arrays of float
        Those ratios at which the score statistic is a normal's 97.5% quantile. 0 is the lower one
        where `count` is 0, and infinity the upper one where `other_count` is 0. NaN of no rows.
    """
    tables = tuple(np.asarray(each, dtype=float) for each in (count, rows, other_count, other_rows))
    x, n, y, m = np.broadcast_arrays(*tables)

    def solved(z: float) -> Floats:
        """The ratio at which the statistic, which falls as the ratio grows, is z."""
        low, high = np.full(x.shape, -FARTHEST_LOG_RATIO), np.full(x.shape, FARTHEST_LOG_RATIO)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_above = _score_of_ratio(x, n, y, m, np.exp(middle)) > z
            low, high = np.where(is_above, middle, low), np.where(is_above, high, middle)
        ratio: Floats = np.exp((low + high) / 2)
        return ratio

    lower = np.where(x == 0, 0.0, solved(NINETY_FIVE))
    upper = np.where(y == 0, np.inf, solved(-NINETY_FIVE))
    unknown = (n <= 0) | (m <= 0)
    return np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)


def _score_of_ratio(x: Floats, n: Floats, y: Floats, m: Floats, ratio: Floats) -> Floats:
    """Score statistic of ``x / n`` and ``y / m`` at a ratio, by the likeliest proportions."""
    every = n + m
    a, b, c = every * ratio, -(n * ratio + x + m + y * ratio), x + y
    with np.errstate(divide="ignore", invalid="ignore"):
        of_other = (-b - np.sqrt(np.maximum(b**2 - 4 * a * c, 0.0))) / (2 * a)
        of_other = np.clip(of_other, 0.0, np.minimum(1.0, 1 / ratio))
        of_group = np.clip(of_other * ratio, 0.0, 1.0)
        variance = of_group * (1 - of_group) / n + ratio**2 * of_other * (1 - of_other) / m
        variance = variance * every / (every - 1)
        score: Floats = (x / n - ratio * y / m) / np.sqrt(variance)
    return np.nan_to_num(score, nan=0.0)


def exact_p_value(x: float, n: float, y: float, m: float, difference: float) -> float:
    """Two-sided p-value of two counts whose proportions differ by so much.

    Given how many of all rows have the property, those of the group follow Fisher's noncentral
    hypergeometric distribution (Fisher 1935, Harkness 1965). Its odds ratio is that of the
    likeliest two proportions with this difference (Miettinen and Nurminen 1985). The p-value is
    twice the smaller tail, which holds its level at any count.

    Parameters
    ----------
    x, n : float
        Rows of the group with the property, and all of its rows; whole numbers.
    y, m : float
        The same of the others.
    difference : float
        What ``x / n - y / m`` is expected to be.

    Returns
    -------
    float
        1 where no row could tell; 0 where all four counts are so large that a normal tail is exact.
    """
    if min(x, n - x, y, m - y) > MANY:
        return 0.0
    of_group, of_other = likeliest_proportions(x, n, y, m, difference)
    total = x + y
    support = np.arange(max(0.0, total - m), min(n, total) + 1)
    if len(support) < 2:
        return 1.0
    log_odds = np.log(of_group / (1 - of_group)) - np.log(of_other / (1 - of_other))
    log_chance = support * log_odds - (
        special.gammaln(support + 1)
        + special.gammaln(n - support + 1)
        + special.gammaln(total - support + 1)
        + special.gammaln(m - total + support + 1)
    )
    chance = np.exp(log_chance - log_chance.max())
    chance /= chance.sum()
    lower, upper = chance[support <= x].sum(), chance[support >= x].sum()
    return float(min(2 * min(lower, upper), 1.0))


def likeliest_proportions(
    x: float, n: float, y: float, m: float, difference: float
) -> tuple[float, float]:
    """The likeliest two proportions with a given difference, each between 0 and 1."""
    low = max(0.0, -difference) + LEAST_CHANCE
    high = min(1.0, 1.0 - difference) - LEAST_CHANCE
    # No two proportions are so far apart.
    low, high = min(low, 1 - LEAST_CHANCE), max(high, LEAST_CHANCE)
    for _ in range(HALVINGS):
        of_other = (low + high) / 2
        of_group = _chance(of_other + difference)
        slope = x / of_group - (n - x) / (1 - of_group) + y / of_other - (m - y) / (1 - of_other)
        low, high = (of_other, high) if slope > 0 else (low, of_other)
    of_other = (low + high) / 2
    return _chance(of_other + difference), _chance(of_other)


def _chance(share: float) -> float:
    return min(max(share, LEAST_CHANCE), 1 - LEAST_CHANCE)
