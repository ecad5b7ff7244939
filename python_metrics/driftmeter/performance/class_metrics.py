"""Metrics of several classes, from counts of rows by true and predicted class.

Definitions are scikit-learn's: the F1 of a class that neither came true nor was predicted is not
in a mean of classes. A log loss is of the rows that have probabilities. Counts may be weighted, of
many replicates at once, or chances instead of rows.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from driftmeter.performance.class_probabilities import of_each_row, probabilities_in
from driftmeter.performance.intervals import Interval, Weights, exact_interval, reach_of
from driftmeter.performance.losses import of_probability
from driftmeter.quality.counts import Floats

# The loss of a labelled row's probabilities; no column is called so.
LOG_LOSS = "log loss of row"
Names = npt.NDArray[np.str_]


def of_counts(right: Floats, true: Floats, predicted: Floats) -> dict[str, Floats]:
    """Metrics of rows; shape (replicates,).

    Parameters
    ----------
    right, true, predicted : arrays of float, shape (classes, replicates)
        Rows of each class that were predicted as it, that are of it, and that were predicted as
        it whether they are or not.
    """
    total = true.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        f1 = 2 * right / (true + predicted)
        known = np.isfinite(f1)
        f1 = np.where(known, f1, 0.0)
        accuracy = right.sum(axis=0) / total
        return {
            "accuracy": accuracy,
            "error_rate": 1 - accuracy,
            "f1_macro": f1.sum(axis=0) / known.sum(axis=0),
            "f1_weighted": (f1 * true).sum(axis=0) / total,
        }


def of_pairs(actual: Names, predicted: Names, counts: Floats) -> dict[str, Floats]:
    """Metrics of counts of pairs of a true and a predicted class; shape (replicates,).

    Parameters
    ----------
    actual, predicted : arrays of str, shape (pairs,)
    counts : array of float, shape (pairs, replicates)
    """
    names, places = np.unique(np.concatenate([actual, predicted]), return_inverse=True)
    of_actual, of_predicted = places[: len(actual)], places[len(actual) :]

    def by_class(places: npt.NDArray[np.intp], of_rows: Floats) -> Floats:
        summed = np.zeros((len(names), counts.shape[1]))
        np.add.at(summed, places, of_rows)
        return summed

    right = np.where((of_actual == of_predicted)[:, None], counts, 0.0)
    return of_counts(
        by_class(of_actual, right), by_class(of_actual, counts), by_class(of_predicted, counts)
    )


def with_log_loss(labelled: pd.DataFrame) -> pd.DataFrame:
    """Rows with the loss of their probabilities; missing where a row has none."""
    classes, values = probabilities_in(labelled)
    of_truth = of_each_row(classes, values, labelled["target"])
    return labelled.assign(**{LOG_LOSS: of_probability(of_truth)})


def metrics_of(labelled: pd.DataFrame, weights: Weights | None = None) -> dict[str, Floats]:
    """Every metric of labelled rows, once or by weight; shape (replicates,).

    Parameters
    ----------
    labelled : pandas.DataFrame
        Columns ``prediction`` and ``target``, text, and `LOG_LOSS`.
    weights : array of int, shape (rows, replicates), optional
        How often each row comes in each replicate.
    """
    if weights is None:
        weights = np.ones((len(labelled), 1), dtype=np.uint8)
    pairs = labelled.groupby(["target", "prediction"], sort=True, observed=True)
    place = pairs.ngroup().to_numpy()
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    counts = np.add.reduceat(weights[order], starts, axis=0, dtype=float)
    names = labelled[["target", "prediction"]].astype(str).to_numpy()[order][starts]
    metrics = of_pairs(names[:, 0], names[:, 1], counts)
    loss = labelled[LOG_LOSS].to_numpy(dtype=float)
    known = np.isfinite(loss)
    if known.any():
        of_known = weights[known].astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            metrics["log_loss"] = loss[known] @ of_known / of_known.sum(axis=0)
    return metrics


def intervals_of_classes(
    labelled: pd.DataFrame, rows: int, weights: Weights
) -> dict[str, Interval]:
    """How far below and above its value each metric's interval reaches, as `bootstrap` says it."""
    if len(labelled) < 2:
        return {}
    once = {name: float(values[0]) for name, values in metrics_of(labelled).items()}
    return reach_of(once, metrics_of(labelled, weights), len(labelled), rows)


def exact_of_classes(accuracy: float, labelled: float) -> dict[str, Interval]:
    """Of the shares of rows whose class is right, and wrong."""
    right = round(accuracy * labelled) if labelled else 0
    intervals = {
        "accuracy": exact_interval(right, labelled),
        "error_rate": exact_interval(labelled - right, labelled),
    }
    return {name: interval for name, interval in intervals.items() if interval}


def counted_pairs(counts: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """Metrics of counts of pairs of a true and a predicted class."""
    actual, predicted = (np.array(names) for names in zip(*counts, strict=True))
    metrics = of_pairs(actual, predicted, np.array([*counts.values()], dtype=float)[:, None])
    return {name: float(values[0]) for name, values in metrics.items()}
