"""Confidence intervals of a day's metrics.

Shares of rows have Clopper and Pearson's exact interval (1934), all else a bootstrap of rows with
Poisson weights (Hanley and MacGibbon 2006). Days of many rows are drawn from a sample of m of the
n rows, and its spread is taken times sqrt(m / n) (Bickel, Goetze and van Zwet 1997).

Weights are drawn once for the rows of a day, and every part of the day takes those of its own rows.
To a part they are independent draws as before, so that its interval holds the truth as often; only
the errors of two parts that share rows go together, which no interval says anything of.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta, poisson

from driftmeter.monitors.labels import as_numbers
from driftmeter.performance import losses
from driftmeter.performance.outcomes import CALIBRATION_EDGES, THRESHOLD
from driftmeter.quality.counts import Floats

LEVEL = 0.95
# The same in standard deviations of a normal.
NINETY_FIVE = 1.96
REPLICATES = 400
# Of a larger day the spread comes from a sample of about so many rows.
MOST_ROWS = 10_000
Interval = tuple[float, float]
Weights = npt.NDArray[np.uint8]
# Weights that are equally likely: their mean is 1 and their variance 0.99997. One is taken by a
# random number of 16 bits, at a seventh of what a draw by numpy costs.
EQUALLY_LIKELY: Weights = poisson.ppf((np.arange(2**16) + 0.5) / 2**16, 1.0).astype(np.uint8)
# Rows whose weights are added up at a time where a quantile is looked for.
BLOCK = 64


def exact_interval(hits: float, trials: float) -> Interval | None:
    """Clopper and Pearson's interval of a share; None over nothing."""
    if trials <= 0:
        return None
    outside = (1 - LEVEL) / 2
    low = beta.ppf(outside, hits, trials - hits + 1) if hits else 0.0
    high = beta.ppf(1 - outside, hits + 1, trials - hits) if hits < trials else 1.0
    return float(low), float(high)


def exact_intervals(counts: Mapping[str, float]) -> dict[str, Interval]:
    """Of a classifier's shares, from its table of right and wrong."""
    right, wrong = counts["true_positive"], counts["false_positive"]
    missed, rejected = counts["false_negative"], counts["true_negative"]
    intervals = {
        "accuracy": exact_interval(right + rejected, right + wrong + missed + rejected),
        "precision": exact_interval(right, right + wrong),
        "recall": exact_interval(right, right + missed),
    }
    return {name: interval for name, interval in intervals.items() if interval}


def draw_weights(rows: int, generator: np.random.Generator) -> Weights:
    """How often each row of a day comes in each replicate; shape (rows, `REPLICATES`)."""
    drawn = generator.integers(0, 2**16, (rows, REPLICATES), dtype=np.uint16)
    weights: Weights = EQUALLY_LIKELY[drawn]
    return weights


def bootstrap(
    task: str, prediction: Floats, target: Floats, rows: int, weights: Weights
) -> dict[str, Interval]:
    """How far below and above its value each metric's interval reaches.

    Parameters
    ----------
    prediction, target : arrays of float, shape (m,)
        Labelled rows, or a sample of them; a classifier's target is 0 or 1.
    rows : int
        How many labelled rows there are in all.
    weights : array of int, shape (m, replicates)
        Of these rows, from `draw_weights`.

    Returns
    -------
    dict of str to (float, float)
        By metric: the first is negative or 0, the second positive or 0.
    """
    if len(prediction) < 2:
        return {}
    metrics = _regression if task == "regression" else _classification
    once = metrics(prediction, target, np.ones((len(prediction), 1), dtype=np.uint8))
    values = {name: float(value[0]) for name, value in once.items()}
    return reach_of(values, metrics(prediction, target, weights), len(prediction), rows)


def reach_of(
    once: Mapping[str, float], drawn: Mapping[str, Floats], sampled: int, rows: int
) -> dict[str, Interval]:
    """How far below and above its value each metric's interval reaches, from its replicates.

    Parameters
    ----------
    drawn : mapping of str to array of float, shape (replicates,)
    sampled, rows : int
        Rows that the replicates were drawn from, and labelled rows in all.
    """
    shrink = np.sqrt(sampled / max(rows, sampled))
    levels = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    reach = {}
    for name, replicates in drawn.items():
        values = replicates[np.isfinite(replicates)]
        if len(values) < len(replicates) / 2 or not np.isfinite(once[name]):
            continue
        low, high = (np.quantile(values, levels) - once[name]) * shrink
        reach[name] = (min(float(low), 0.0), max(float(high), 0.0))
    return reach


def point_metrics(task: str, prediction: Floats, target: Floats) -> dict[str, float]:
    """Every metric of labelled rows; NaN where it has none.

    A classifier's target may be a chance: then the metrics are those to expect.
    """
    once = (_regression if task == "regression" else _classification)(
        prediction, target, np.ones((len(prediction), 1), dtype=np.uint8)
    )
    metrics = {name: float(values[0]) for name, values in once.items()}
    if task == "regression":
        return metrics
    is_called = prediction >= THRESHOLD
    right = float(target[is_called].sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            **metrics,
            "accuracy": float(np.where(is_called, target, 1 - target).mean()),
            "precision": float(np.divide(right, is_called.sum())),
            "recall": float(np.divide(right, target.sum())),
        }


def to_digits(value: float | None, digits: int = 12) -> float | None:
    """A number to so many digits: the last ones depend on the order of rows. None where none is."""
    return float(f"{value:.{digits}g}") if value is not None and np.isfinite(value) else None


def labelled_rows(frame: pd.DataFrame, prediction: str, target: str, task: str) -> pd.DataFrame:
    """Rows with a finite prediction and label, as numbers in ``prediction`` and ``target``.

    Of several classes they are text.
    """
    label = frame[target]
    if task == "multiclass":
        classes = frame.assign(prediction=frame[prediction], target=label)
        return classes[classes["prediction"].notna() & classes["target"].notna()]
    if task != "regression":
        label = as_numbers(label)
    numbers = frame.assign(
        prediction=frame[prediction].astype(float), target=label.astype("float64")
    )
    return numbers[np.isfinite(numbers["prediction"]) & np.isfinite(numbers["target"])]


def _regression(prediction: Floats, target: Floats, weights: Weights) -> dict[str, Floats]:
    error = prediction - target
    size = losses.absolute(prediction, target)
    centre = target.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(target != 0, size / np.abs(target), 0.0)
        total, sizes, errors, squares, relatives, judged, means, spreads = _sums(
            weights,
            np.ones(len(size)),
            size,
            error,
            error**2,
            relative,
            target != 0,
            target - centre,
            (target - centre) ** 2,
        )
        metrics = {
            "mae": sizes / total,
            "rmse": np.sqrt(squares / total),
            "mape": relatives / judged,
            "bias": errors / total,
            "r2": 1 - squares / total / (spreads / total - (means / total) ** 2),
        }
    order = np.argsort(size)
    for name, level in (("error_p50", 0.5), ("error_p90", 0.9)):
        metrics[name] = size[order][_reached(weights[order], level)]
    return metrics


def _sums(weights: Weights, *values: npt.NDArray[Any]) -> Floats:
    """Weighted sums over rows of each of these; shape (values, replicates)."""
    sums: Floats = np.stack(values).astype(float) @ weights.astype(float)
    return sums


def _reached(weights: Weights, level: float) -> npt.NDArray[np.intp]:
    """Of each replicate the first row by which a share of all weight has come; (replicates,).

    Weights are added up by blocks of rows, and row by row only within the block where it comes.
    """
    rows, replicates = weights.shape
    blocks = -(-rows // BLOCK)
    padded = np.zeros((blocks * BLOCK, replicates), dtype=np.uint8)
    padded[:rows] = weights
    padded = padded.reshape(blocks, BLOCK, replicates)
    by_block = np.cumsum(padded.sum(axis=1, dtype=np.int64), axis=0)
    wanted = level * by_block[-1]
    block = np.minimum((by_block < wanted).sum(axis=0), blocks - 1)
    replicate = np.arange(replicates)
    before = np.where(block > 0, by_block[block - 1, replicate], 0)
    within = np.cumsum(padded[block, :, replicate], axis=1, dtype=np.int64)
    place = block * BLOCK + (before[:, None] + within < wanted[:, None]).sum(axis=1)
    reached: npt.NDArray[np.intp] = np.minimum(place, rows - 1)
    return reached


def _classification(prediction: Floats, target: Floats, weights: Weights) -> dict[str, Floats]:
    is_called = prediction >= THRESHOLD
    bins = np.searchsorted(CALIBRATION_EDGES, prediction)
    with np.errstate(divide="ignore", invalid="ignore"):
        total, right, wrong, missed, log_losses, squares, *gaps = _sums(
            weights,
            np.ones(len(target)),
            is_called * target,
            is_called * (1 - target),
            ~is_called * target,
            losses.log_loss(prediction, target),
            losses.brier(prediction, target),
            *(np.where(bins == bin_, target - prediction, 0.0) for bin_ in np.unique(bins)),
        )
        return {
            "f1": 2 * right / (2 * right + wrong + missed),
            "log_loss": log_losses / total,
            "brier": squares / total,
            "roc_auc": _area(prediction, target, weights),
            "calibration_error": np.abs(gaps).sum(axis=0) / total,
        }


def _area(prediction: Floats, target: Floats, weights: Weights) -> Floats:
    """Area under the ROC curve, ties counted half; shape (replicates,)."""
    order = np.argsort(prediction, kind="stable")
    chance: npt.NDArray[Any] = target[order, None]
    weights = weights[order]
    if np.isin(chance, (0, 1)).all():
        # Whole rows are counted in whole numbers, which is twice as fast.
        chance = chance.astype(np.uint8)
        counted: npt.DTypeLike = np.int32
    else:
        counted = float
    positive, negative = weights * chance, weights * (1 - chance)
    starts = np.flatnonzero(np.diff(prediction[order], prepend=-np.inf))
    if len(starts) < len(prediction):
        positive = np.add.reduceat(positive, starts, axis=0, dtype=counted)
        negative = np.add.reduceat(negative, starts, axis=0, dtype=counted)
    reached = np.cumsum(negative, axis=0, dtype=counted)
    total = reached[-1] * positive.sum(axis=0, dtype=float)
    # Twice the pairs that are in order, and once those that tie.
    pairs = np.einsum("ij,ij->j", positive.astype(float), 2 * reached - negative)
    area: Floats = pairs / 2 / total
    return area
