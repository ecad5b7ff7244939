"""How far a day's values are from the reference, without the sampling noise of their rows.

The measure is the triangular discrimination of Le Cam (1986) between shares by bin,
sum (p - q)^2 / (p + q): it is bounded, and no bin that one side lacks can drown the others. From
each squared difference its own sampling variance is subtracted, so that two samples of one
distribution are 0 apart on average, whatever their sizes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from driftmeter.quality.bins import cuts_of
from driftmeter.quality.counts import Floats, Kind

CUTS = 20
# Categories beyond these are one bin.
MOST_CATEGORIES = 300


@dataclass(frozen=True)
class Bins:
    """Bins of a column: 0 holds missing values, 1 what the reference never had.

    Attributes
    ----------
    cuts : array of float, or None for a category
    categories : dict of str to int, or None for a number
    """

    kind: Kind
    cuts: Floats | None
    categories: dict[str, int] | None
    count: int

    def place(self, values: "pd.Series[Any]") -> npt.NDArray[np.int64]:
        """Bin of each value; shape (rows,)."""
        if self.cuts is not None:
            number = values.to_numpy(dtype=float)
            position = 2 + np.searchsorted(self.cuts, number, side="right")
            binned: npt.NDArray[np.int64] = np.where(np.isnan(number), 0, position)
            return binned
        assert self.categories is not None
        place: npt.NDArray[np.int64] = (
            values.map(self.categories).fillna(1).to_numpy(dtype=np.int64)
        )
        place[values.isna().to_numpy()] = 0
        return place


def fit_bins(kind: Kind, reference: "pd.Series[Any]") -> Bins:
    """Bins at the reference's quantiles, or its categories, the rare ones together."""
    known = reference.dropna()
    if kind == "numerical":
        cuts = cuts_of(known.to_numpy(dtype=float), np.arange(CUTS + 1) / CUTS)
        return Bins(kind, cuts, None, len(cuts) + 3)
    ranked = known.value_counts().index
    categories = {str(name): 2 + min(rank, MOST_CATEGORIES) for rank, name in enumerate(ranked)}
    return Bins(kind, None, categories, 3 + min(len(ranked), MOST_CATEGORIES))


@dataclass(frozen=True)
class Shares:
    """Share of rows by bin, and how many rows it rests on."""

    share: Floats
    rows: float


def shares(place: npt.NDArray[np.int64], count: int, weights: Floats | None = None) -> Shares:
    """Shares of bins; with weights, the rows are those that as many equal ones would be (Kish)."""
    if weights is None:
        total = np.bincount(place, minlength=count).astype(float)
        rows = float(len(place))
    else:
        total = np.bincount(place, weights=weights, minlength=count)
        rows = float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300))
    return Shares(total / max(total.sum(), 1e-300), rows)


def distance(reference: Shares, day: Shares) -> float:
    """Distance of two sets of shares; 0 or less where noise explains it."""
    p, q = reference.share, day.share
    if not reference.rows or not day.rows:
        return 0.0
    noise = p * (1 - p) / reference.rows + q * (1 - q) / day.rows
    total = p + q
    there = total > 0
    return float((((p - q) ** 2 - noise)[there] / total[there]).sum())


def separation(reference: Shares, day: Shares) -> float:
    """Area under the ROC curve that tells the day's rows by their bins; 0.5 to 1."""
    order = np.argsort(day.share / np.maximum(reference.share, 1e-300), kind="stable")
    p, q = reference.share[order], day.share[order]
    return float((q * (np.cumsum(p) - p / 2)).sum())


def noise_level(reference: Shares, day: Shares) -> float:
    """Two standard deviations of the distance between samples of one distribution, about."""
    p = (reference.share + day.share) / 2
    if not reference.rows or not day.rows:
        return np.inf
    variance = p * (1 - p) * (1 / reference.rows + 1 / day.rows)
    there = p > 0
    return float(2 * np.sqrt(2 * ((variance[there] / (2 * p[there])) ** 2).sum()))
