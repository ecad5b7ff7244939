"""Measures declared tests with Evidently itself, in one report for each test.

A report a test, so that one that cannot be measured costs itself and no other.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from evidently import Dataset, Report, metrics

from driftmeter.drift.evidently_score import definition_of, no_warning_of_empty_columns
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.declared_test import AGAINST_REFERENCE, OF_MODEL, SUBJECTS, DeclaredTest

# What Evidently's metrics draw by default, which takes longer than their numbers.
DRAWINGS = ("error_distr", "perc_error_plot", "conf_matrix", "roc_curve")
Build = Callable[[DeclaredTest, Monitor], Any]


def _metric_of(metric: Any, **fixed: Any) -> Build:
    """A metric of a column, or of the whole frame; its numbers alone, no drawings."""
    fixed |= {name: False for name in DRAWINGS if name in metric.__fields__}

    def build(test: DeclaredTest, monitor: Monitor) -> Any:
        column = {"column": test.column} if test.column else {}
        return metric(**column, **fixed)

    return build


def _range(test: DeclaredTest, monitor: Monitor) -> Any:
    low, high = monitor.columns[str(test.column)].range or (-math.inf, math.inf)
    return metrics.OutRangeValueCount(column=test.column, left=low, right=high)


def _accepted(test: DeclaredTest, monitor: Monitor) -> Any:
    values = list(monitor.columns[str(test.column)].accepted or ())
    return metrics.OutListValueCount(column=test.column, values=values)


def _quantile(test: DeclaredTest, monitor: Monitor) -> Any:
    return metrics.QuantileValue(column=test.column, quantile=test.quantile)


def _of_classes(metric: Any) -> Build:
    """A metric of classes; where there are two, the prediction is a probability of one."""

    def build(test: DeclaredTest, monitor: Monitor) -> Any:
        threshold = None if monitor.task == "multiclass" else 0.5
        return _metric_of(metric, probas_threshold=threshold)(test, monitor)

    return build


BUILD: Mapping[str, Build] = {
    "missing_share": _metric_of(metrics.MissingValueCount),
    "drift": _metric_of(metrics.ValueDrift),
    "mean": _metric_of(metrics.MeanValue),
    "median": _metric_of(metrics.MedianValue),
    "quantile": _quantile,
    "std": _metric_of(metrics.StdValue),
    "min": _metric_of(metrics.MinValue),
    "max": _metric_of(metrics.MaxValue),
    "out_of_range_share": _range,
    "unaccepted_share": _accepted,
    "row_count": _metric_of(metrics.RowCount),
    "duplicated_rows": _metric_of(metrics.DuplicatedRowCount),
    "drifted_share": _metric_of(metrics.DriftedColumnsCount),
    "mae": _metric_of(metrics.MAE),
    "rmse": _metric_of(metrics.RMSE),
    "mape": _metric_of(metrics.MAPE),
    "accuracy": _of_classes(metrics.Accuracy),
    "precision": _of_classes(metrics.Precision),
    "recall": _of_classes(metrics.Recall),
    "f1": _of_classes(metrics.F1Score),
    "roc_auc": _of_classes(metrics.RocAuc),
    "log_loss": _of_classes(metrics.LogLoss),
}


def value_by_evidently(
    test: DeclaredTest, monitor: Monitor, reference: pd.DataFrame, rows: pd.DataFrame
) -> float:
    """What a test judges of a day, at the cost of a report.

    Parameters
    ----------
    reference, rows : pandas.DataFrame
        One column a monitored column; for a test of the model's errors labelled rows alone.
    """
    names = _needed(test, monitor)
    definition = definition_of(monitor, names, SUBJECTS[test.test] in OF_MODEL)
    metric = BUILD[test.test](test, monitor)
    with no_warning_of_empty_columns(), warnings.catch_warnings():
        # scikit-learn's, of what it draws over few rows.
        warnings.simplefilter("ignore")
        against = (
            Dataset.from_pandas(reference[names], definition)
            if test.test in AGAINST_REFERENCE
            else None
        )
        day = Dataset.from_pandas(rows[names], definition)
        result = Report([metric]).run(day, against).dict()
    value = result["metrics"][0]["value"]
    if isinstance(value, dict):
        value = value["mean"] if "mean" in value else value["share"]
    return float(value)


def _needed(test: DeclaredTest, monitor: Monitor) -> list[str]:
    """Columns that a test reads: Evidently describes every one that it is given."""
    if SUBJECTS[test.test] in OF_MODEL:
        return [monitor.prediction, str(monitor.target)]
    if test.test == "row_count":
        return [monitor.prediction]
    return [test.column] if test.column else list(monitor.columns)
