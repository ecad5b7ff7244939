"""Decides which columns alarm: false-discovery control within a day and the alarm budget."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.monitors.config import LeastEffect, Monitor
from driftmeter.quality.counts import Floats

# A column's statistics and windows overlap, and an alarm must matter and be new as well, so that
# only a part of the level is used on calm days (benchmarks/detection.py); this gives some back.
OVERLAP = 1.25
# How a day's level is split over all that may alarm; a family that a monitor does not have leaves
# its share to the others. Most is for columns over all rows, which carry the models.
SHARES = {
    "rows": 0.48,
    "segments": 0.25,
    "multivariate": 0.06,
    "error": 0.14,
    "estimate": 0.03,
    "volume": 0.04,
    "metrics": 0.14,
    "groups": 0.14,
}
OF_COLUMNS = ("rows", "segments", "multivariate")


def level_of(monitor: Monitor, *families: str) -> float:
    """Chance of a false alarm that one day may take in some families of `SHARES` together."""
    absent = {*(() if monitor.segments else ["segments"])}
    absent |= {*(() if monitor.target else ["error", "estimate"])}
    absent |= {*(() if monitor.metrics else ["metrics"])}
    absent |= {*(() if monitor.protected else ["groups"])}
    shares = {family: share for family, share in SHARES.items() if family not in absent}
    spent = sum(share for family, share in shares.items() if family in families)
    a_batch = monitor.alarm_budget.false_alarms_per_month * monitor.cadence.days / DAYS_A_MONTH
    return min(OVERLAP * a_batch, 0.5) * spent / sum(shares.values())


@dataclass(frozen=True)
class Verdicts:
    """What is decided of each hypothesis on a day; arrays of shape (hypotheses,).

    Attributes
    ----------
    q_value : array of float
        Smallest level at which the hypothesis would be among the alarms.
    threshold_p : array of float
        The p-value that it had to reach on this day.
    is_significant : array of bool
    """

    q_value: Floats
    threshold_p: Floats
    is_significant: npt.NDArray[np.bool_]

    def only(self, chosen: slice) -> "Verdicts":
        """Some of the hypotheses, decided among all."""
        return Verdicts(self.q_value[chosen], self.threshold_p[chosen], self.is_significant[chosen])


def shares_of(groups: npt.NDArray[np.str_]) -> Floats:
    """Share that each hypothesis has of what is decided together, by its family; sums to 1.

    A family without hypotheses leaves its share to the others.
    """
    weights = np.zeros(len(groups))
    for group, share in SHARES.items():
        chosen = groups == group
        if chosen.any():
            weights[chosen] = share / chosen.sum()
    shares: Floats = weights / weights.sum()
    return shares


def decide_day(
    monitor: Monitor, groups: npt.NDArray[np.str_], p_values: Floats, *families: str
) -> Verdicts:
    """Decide hypotheses of one day at what their families may spend of the budget.

    Every alarm of a monitor is decided here: columns, segments and the classifier together, and
    errors, estimates, the team's own metrics, differences between groups and the number of rows
    each by themselves.

    Parameters
    ----------
    groups : array of str, shape (hypotheses,)
        By what each has its share among them, one of `SHARES`.
    families : str
        Of `SHARES`, those that they spend.
    """
    return decide(p_values, shares_of(groups), level_of(monitor, *families))


def decide(p_values: Floats, shares: Floats, level: float) -> Verdicts:
    """Weighted Benjamini-Hochberg over one day's hypotheses.

    With no change anywhere the chance of any alarm is at most `level`; with changes, the expected
    share of false ones among the alarms is (Benjamini and Hochberg 1995; weights: Genovese, Roeder
    and Wasserman 2006).

    Parameters
    ----------
    p_values : array of float, shape (hypotheses,)
        NaN where nothing could be tested.
    shares : array of float, shape (hypotheses,)
        Each hypothesis' share of the budget.
    """
    tested = np.isfinite(p_values)
    weighed = np.where(tested, p_values / np.maximum(shares, 1e-300), np.inf)
    order = np.argsort(weighed, kind="stable")
    ranks = np.arange(1, len(order) + 1)
    # Shares sum to 1, so that p / share is Bonferroni's corrected value.
    adjusted = np.minimum.accumulate((weighed[order] / ranks)[::-1])[::-1]
    q_value = np.empty(len(order))
    q_value[order] = np.minimum(adjusted, 1.0)
    alarms = int((q_value <= level).sum())
    return Verdicts(
        q_value=np.where(tested, q_value, np.nan),
        threshold_p=np.minimum(level * shares * max(alarms, 1), 1.0),
        is_significant=tested & (q_value <= level),
    )


def matters(
    statistic: npt.NDArray[np.str_], effect: Floats, least: LeastEffect
) -> npt.NDArray[np.bool_]:
    """Whether an effect is above the floor of its statistic."""
    floor = np.where(np.isin(statistic, ["location", "spread"]), least.shift, least.share)
    # A score's square moves about twice as far as the standard deviation that it stands for.
    is_above: npt.NDArray[np.bool_] = np.abs(effect) >= np.where(
        statistic == "spread", 2 * floor, floor
    )
    return is_above


def as_deviations(p_value: Floats) -> Floats:
    """A two-sided p-value as standard deviations of a normal, for people and charts."""
    deviations: Floats = -special.ndtri(np.clip(p_value / 2, 1e-300, 0.5))
    # No minus zero for a p-value of 1.
    return deviations + 0.0
