"""How far a day's metrics would be elsewhere had other rows of the same kind come.

Shares of rows have Clopper and Pearson's exact interval (1934), all else a bootstrap of rows with
Poisson weights (Hanley and MacGibbon 2006). Days of many rows are drawn from a sample of m of the
n rows, and its spread is taken times sqrt(m / n) (Bickel, Goetze and van Zwet 1997).
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import beta

from python_metrics.calibration.counts import Floats
from python_metrics.labels import as_numbers
from python_metrics.performance import losses
from python_metrics.performance.realised import CALIBRATION_EDGES, THRESHOLD

LEVEL = 0.95
REPLICATES = 400
# Of a larger day the spread comes from a sample of about so many rows.
MOST_ROWS = 10_000
Interval = tuple[float, float]


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


def bootstrap(
    task: str, prediction: Floats, target: Floats, rows: int, generator: np.random.Generator
) -> dict[str, Interval]:
    """How far below and above its value each metric's interval reaches.

    Parameters
    ----------
    prediction, target : arrays of float, shape (m,)
        Labelled rows, or a sample of them; a classifier's target is 0 or 1.
    rows : int
        How many labelled rows there are in all.

    Returns
    -------
    dict of str to (float, float)
        By metric: the first is negative or 0, the second positive or 0.
    """
    if len(prediction) < 2:
        return {}
    metrics = _regression if task == "regression" else _classification
    once = metrics(prediction, target, np.ones((1, len(prediction))))
    # So many replicates at once as fit into some ten megabytes.
    at_once = max(1, 2_000_000 // len(prediction))
    drawn: dict[str, list[Floats]] = {name: [] for name in once}
    for start in range(0, REPLICATES, at_once):
        shape = (min(at_once, REPLICATES - start), len(prediction))
        for name, values in metrics(
            prediction, target, generator.poisson(1.0, shape).astype(float)
        ).items():
            drawn[name].append(values)
    shrink = np.sqrt(len(prediction) / max(rows, len(prediction)))
    levels = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    reach = {}
    for name, parts in drawn.items():
        values = np.concatenate(parts)
        values = values[np.isfinite(values)]
        if len(values) < REPLICATES / 2 or not np.isfinite(once[name][0]):
            continue
        low, high = (np.quantile(values, levels) - once[name][0]) * shrink
        reach[name] = (min(float(low), 0.0), max(float(high), 0.0))
    return reach


def point_metrics(task: str, prediction: Floats, target: Floats) -> dict[str, float]:
    """Every metric of labelled rows; NaN where it has none.

    A classifier's target may be a chance: then the metrics are those to expect.
    """
    once = (_regression if task == "regression" else _classification)(
        prediction, target, np.ones((1, len(prediction)))
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


def to_digits(value: float | None) -> float | None:
    """A number to twelve digits: the last ones depend on the order of rows. None where none is."""
    return float(f"{value:.12g}") if value is not None and np.isfinite(value) else None


def labelled_rows(frame: pd.DataFrame, prediction: str, target: str, task: str) -> pd.DataFrame:
    """Rows with a finite prediction and label, as numbers in ``prediction`` and ``target``."""
    label = frame[target]
    if task != "regression":
        label = as_numbers(label)
    numbers = frame.assign(
        prediction=frame[prediction].astype(float), target=label.astype("float64")
    )
    return numbers[np.isfinite(numbers["prediction"]) & np.isfinite(numbers["target"])]


def _regression(prediction: Floats, target: Floats, weights: Floats) -> dict[str, Floats]:
    error = prediction - target
    size = losses.absolute(prediction, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(target != 0, size / np.abs(target), 0.0)
        total = weights.sum(axis=1)
        square, mean = weights @ error**2 / total, weights @ target / total
        variance = weights @ (target - target.mean()) ** 2 / total - (mean - target.mean()) ** 2
        metrics = {
            "mae": weights @ size / total,
            "rmse": np.sqrt(square),
            "mape": weights @ relative / (weights @ (target != 0)),
            "bias": weights @ error / total,
            "r2": 1 - square / variance,
        }
    order = np.argsort(size)
    reached = np.cumsum(weights[:, order], axis=1)
    for name, level in (("error_p50", 0.5), ("error_p90", 0.9)):
        place = (reached < level * reached[:, -1:]).sum(axis=1)
        metrics[name] = size[order][np.minimum(place, len(size) - 1)]
    return metrics


def _classification(prediction: Floats, target: Floats, weights: Floats) -> dict[str, Floats]:
    is_called = prediction >= THRESHOLD
    with np.errstate(divide="ignore", invalid="ignore"):
        total = weights.sum(axis=1)
        right = weights @ (is_called * target)
        wrong = weights @ (is_called * (1 - target))
        missed = weights @ (~is_called * target)
        metrics = {
            "f1": 2 * right / (2 * right + wrong + missed),
            "log_loss": weights @ losses.log_loss(prediction, target) / total,
            "brier": weights @ losses.brier(prediction, target) / total,
            "roc_auc": weighted_area(prediction, weights * target, weights * (1 - target)),
        }
        bins = np.searchsorted(CALIBRATION_EDGES, prediction)
        gap = np.zeros(len(weights))
        for bin_ in np.unique(bins):
            gap += np.abs(weights @ np.where(bins == bin_, target - prediction, 0.0))
        metrics["calibration_error"] = gap / total
    return metrics


def weighted_area(prediction: Floats, positive: Floats, negative: Floats) -> Floats:
    """Area under the ROC curve, ties counted half; shape (replicates,).

    Parameters
    ----------
    prediction : array of float, shape (rows,)
    positive, negative : arrays of float, shape (replicates, rows)
        How much of each row is of the one class and of the other.
    """
    order = np.argsort(prediction, kind="stable")
    starts = np.flatnonzero(np.diff(prediction[order], prepend=-np.inf))
    positive = np.add.reduceat(positive[:, order], starts, axis=1)
    negative = np.add.reduceat(negative[:, order], starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    area: Floats = (positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1))
    return area
