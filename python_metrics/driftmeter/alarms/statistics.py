"""Statistics of a day's counts: missing values, location, and shares of categories.

Every statistic is a mean over rows, so that its sampling variance is known from the reference: a
share, or a mean of normal scores. Scores are ranks against the reference (van der Waerden 1952), so
an absurd outlier weighs no more than the largest value, on either side.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from driftmeter.quality.counts import Counts, Floats, Kind

# Categories below this share of the reference are pooled: one in five hundred rows.
RARE = 0.002
# Score of a value below or above everything in the reference.
FAR = 3.0
# How a column's evidence is split over its statistics; each sums to 1. Location carries most: it
# is what moves in most faults, and the more weight, the smaller the shift that can be found.
WEIGHTS: dict[Kind, dict[str, float]] = {
    "numerical": {"missing": 0.22, "location": 0.58, "spread": 0.05, "values": 0.15},
    "categorical": {"missing": 0.20, "values": 0.80},
}
# Least weight of one bin among a column's values: new values start from none.
LEAST = 0.005


@dataclass(frozen=True)
class Scale:
    """How a column's counts become statistics, fixed by its reference.

    Attributes
    ----------
    names : tuple of str
        ``missing``, for numbers ``location`` and ``spread``, then ``value <n>`` for each group.
    scores : array of float, shape (bins, scores)
        Normal score and centred square of a number's bin; no column for a category.
    groups : array of int, shape (bins,)
        Group of each bin; rare categories share one.
    variance : array of float, shape (statistics,)
        Variance of one row's contribution, so that a day's mean has variance / rows.
    center : array of float, shape (statistics,)
        Mean over the reference's rows.
    weights : array of float, shape (statistics,)
        Share of the column's evidence, summing to 1.
    is_share : array of bool, shape (statistics,)
    least : array of float, shape (statistics,)
        Least share to expect: what the reference never had may still come, by Good and Turing's
        estimate (1953) as often as it had values once; here on one day only, since rows of a new
        value come in groups.
    spread_in_unit : float
        Robust standard deviation, in the column's unit; NaN for a category.
    """

    kind: Kind
    names: tuple[str, ...]
    scores: Floats
    groups: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    variance: Floats
    center: Floats
    weights: Floats
    is_share: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    least: Floats
    spread_in_unit: float


def fit_scale(reference: Counts, of_column: Scale | None = None) -> Scale:
    """The scale of a column from its reference days, pooled.

    Parameters
    ----------
    of_column : Scale, optional
        Of the column over all rows, whose groups of categories a segment has too: those that are
        rare in a segment's few rows are so by chance, and are not on later days.
    """
    pooled = reference.known.sum(axis=0)
    total, missing = pooled.sum(), reference.missing.sum()
    share = pooled / max(total, 1)
    if reference.kind == "numerical":
        scores, groups = _normal_scores(share), np.arange(len(share))
    else:
        scores = np.empty((len(share), 0))
        groups = _pooled(share) if of_column is None else of_column.groups
    group_share = np.bincount(groups, weights=share)
    missing_share = missing / max(total + missing, 1)
    # Half a row more than was seen: what never came is improbable, not impossible.
    shares = np.concatenate([[missing_share], group_share])
    smooth = (shares * total + 0.5) / (total + 1)
    score_mean = share @ scores
    score_variance = np.maximum(share @ scores**2 - score_mean**2, 0.01)
    kinds = WEIGHTS[reference.kind]
    of_values = np.maximum(group_share, LEAST)
    score_names = ("location", "spread") if scores.size else ()
    of_rows = [kinds[name] for name in ("missing", *score_names)]
    n_scores = len(score_names)
    # Of a column that the reference never had a value of, values tell nothing but that they came.
    once = min(1 / (total + 1), 0.5)
    new = min(once * (1 + (new_on_their_day(reference).sum() if not scores.size else 0)), 0.5)
    if not scores.size:
        smooth[1] = max(smooth[1], new)
    return Scale(
        kind=reference.kind,
        names=("missing", *score_names, *(f"value {group}" for group in range(len(group_share)))),
        scores=scores,
        groups=groups,
        variance=np.concatenate(
            [smooth[:1] * (1 - smooth[:1]), score_variance, smooth[1:] * (1 - smooth[1:])]
        ),
        center=np.concatenate([shares[:1], score_mean, shares[1:]]),
        weights=np.concatenate([of_rows, kinds["values"] * of_values / of_values.sum()]),
        is_share=np.array([True] + [False] * n_scores + [True] * len(group_share)),
        least=np.concatenate([[once], np.zeros(n_scores), [new], np.full(len(shares) - 2, once)]),
        spread_in_unit=_robust_spread(share, reference.low) if n_scores else float("nan"),
    )


def new_on_their_day(reference: Counts) -> Floats:
    """Rows of each reference day whose category no other reference day has; shape (days,).

    The first days, of which bins were made, have no row in the bin of new categories. Those that a
    growing reference added have such rows, and in it what is new beside the first days.
    """
    has_unseen = reference.known[:, 0] > 0
    made_bins = ~np.logical_or.accumulate(has_unseen)
    is_new = (reference.known[made_bins] > 0).sum(axis=0) == 1
    rows: Floats = np.where(
        made_bins, reference.known[:, is_new].sum(axis=1), reference.known[:, 0]
    )
    return rows


def measure(scale: Scale, counts: Counts) -> tuple[Floats, Floats]:
    """Statistics of each day, and the rows that each rests on.

    Returns
    -------
    values, rows : arrays of float, shape (days, statistics)
        NaN where a day has no rows for a statistic.
    """
    known, every = counts.known.sum(axis=1), counts.rows
    grouped = np.zeros((len(counts.days), scale.groups.max() + 1))
    for group in range(grouped.shape[1]):
        grouped[:, group] = counts.known[:, scale.groups == group].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = np.column_stack(
            [
                counts.missing / every,
                (counts.known @ scale.scores) / known[:, None],
                grouped / known[:, None],
            ]
        )
    rows = np.repeat(known[:, None], values.shape[1], axis=1)
    rows[:, 0] = every
    return values, rows


def _normal_scores(share: Floats) -> Floats:
    """Mean normal score of each bin's ranks, and its centred square; shape (bins, 2)."""
    upper = np.cumsum(share)
    middle = np.clip(upper - share / 2, 1e-12, 1 - 1e-12)
    score = special.ndtri(middle)
    score[share == 0] = np.where(upper[share == 0] < 0.5, -FAR, FAR)
    score = np.clip(score, -FAR, FAR)
    return np.column_stack([score, score**2])


def _pooled(share: Floats) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Group of each category: the unseen 0, the frequent one each, the rare together."""
    groups = np.zeros(len(share), dtype=np.int64)
    is_frequent = share >= RARE
    is_frequent[0] = False
    groups[is_frequent] = np.arange(1, is_frequent.sum() + 1)
    is_rare = ~is_frequent
    is_rare[0] = False
    if is_rare.any():
        groups[is_rare] = is_frequent.sum() + 1
    return groups


def _robust_spread(share: Floats, low: Floats) -> float:
    """Half the distance from the 16th to the 84th percentile, to the nearest bin."""
    upper = np.cumsum(share)
    first, last = (
        low[max(int(np.searchsorted(upper, level)), 1 if len(low) > 1 else 0)]
        for level in (0.1587, 0.8413)
    )
    return float(last - first) / 2
