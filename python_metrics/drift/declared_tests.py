"""Tests that a monitor declares, measured and judged by Evidently, one report each.

A report each, so that a test that cannot be measured costs itself and no other. Tests of drift
take the score that the day has already.
"""

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from evidently import BinaryClassification, DataDefinition, Dataset, Regression, Report, metrics
from evidently.tests import eq, gte, lte

from python_metrics.drift.evidently_engine import no_warning_of_empty_columns
from python_metrics.drift.results import ColumnDrift, TestOutcome
from python_metrics.labels import as_words
from python_metrics.monitors.config import Monitor
from python_metrics.monitors.declared_test import SUBJECTS, DeclaredTest

# What Evidently's metrics draw by default, which takes longer than their numbers.
DRAWINGS = ("error_distr", "perc_error_plot", "conf_matrix", "roc_curve")
Build = Callable[[DeclaredTest, Monitor, list[Any]], Any]


def _metric_of(metric: Any, conditions: str = "tests", **fixed: Any) -> Build:
    """A metric of a column, or of the whole frame; its numbers alone, no drawings."""
    fixed |= {name: False for name in DRAWINGS if name in metric.__fields__}

    def build(test: DeclaredTest, monitor: Monitor, judged: list[Any]) -> Any:
        column = {"column": test.column} if test.column else {}
        return metric(**column, **fixed, **{conditions: judged})

    return build


def _range(test: DeclaredTest, monitor: Monitor, judged: list[Any]) -> Any:
    low, high = monitor.columns[str(test.column)].range or (-math.inf, math.inf)
    return metrics.OutRangeValueCount(column=test.column, left=low, right=high, share_tests=judged)


def _accepted(test: DeclaredTest, monitor: Monitor, judged: list[Any]) -> Any:
    values = list(monitor.columns[str(test.column)].accepted or ())
    return metrics.OutListValueCount(column=test.column, values=values, share_tests=judged)


def _quantile(test: DeclaredTest, monitor: Monitor, judged: list[Any]) -> Any:
    return metrics.QuantileValue(column=test.column, quantile=test.quantile, tests=judged)


BUILD: Mapping[str, Build] = {
    "missing_share": _metric_of(metrics.MissingValueCount, "share_tests"),
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
    "drifted_share": _metric_of(metrics.DriftedColumnsCount, "share_tests"),
    "mae": _metric_of(metrics.MAE, "mean_tests"),
    "rmse": _metric_of(metrics.RMSE),
    "mape": _metric_of(metrics.MAPE, "mean_tests"),
    "accuracy": _metric_of(metrics.Accuracy, probas_threshold=0.5),
    "precision": _metric_of(metrics.Precision, probas_threshold=0.5),
    "recall": _metric_of(metrics.Recall, probas_threshold=0.5),
    "f1": _metric_of(metrics.F1Score, probas_threshold=0.5),
    "roc_auc": _metric_of(metrics.RocAuc, probas_threshold=0.5),
    "log_loss": _metric_of(metrics.LogLoss, probas_threshold=0.5),
}
AGAINST_REFERENCE = ("drift", "drifted_share")


def run_declared(
    monitor: Monitor,
    reference: pd.DataFrame,
    current: pd.DataFrame,
    drift: Sequence[ColumnDrift] = (),
) -> Iterator[TestOutcome]:
    """Outcomes of the monitor's declared tests on one day's rows.

    Parameters
    ----------
    reference, current : pandas.DataFrame
        One column a monitored column.
    drift : sequence of ColumnDrift
        The day's, as an engine compares it; what it lacks Evidently measures here.
    """
    for test in monitor.tests:
        reason = _reason_to_skip(test, monitor, current)
        if reason is not None:
            yield _outcome(test, "skipped", None, reason)
            continue
        try:
            scored = _scored(test, drift)
            observed, passed = (
                (scored, all(_holds(test, scored)))
                if scored is not None
                else _measure(test, monitor, reference, current)
            )
        except Exception as error:
            yield _outcome(test, "error", None, f"{type(error).__name__}: {error}"[:300])
            continue
        if not math.isfinite(observed):
            yield _outcome(test, "skipped", None, "no number to judge")
            continue
        yield _outcome(test, "pass" if passed else "fail", observed, None)


def _outcome(
    test: DeclaredTest, status: str, observed: float | None, reason: str | None
) -> TestOutcome:
    return TestOutcome(
        test.column, test.name, status, observed, test.condition, reason, test.severity
    )


def _reason_to_skip(test: DeclaredTest, monitor: Monitor, current: pd.DataFrame) -> str | None:
    if current.empty and test.test != "row_count":
        return "the day has no rows"
    if SUBJECTS[test.test] in ("regression", "classification"):
        labelled = _labelled(monitor, current)
        if len(labelled) < monitor.min_rows:
            return f"{len(labelled)} rows have a label; {monitor.min_rows} are needed"
    elif test.column and test.test != "missing_share" and not current[test.column].notna().any():
        return f"0 of {len(current)} values are known"
    return None


def _scored(test: DeclaredTest, drift: Sequence[ColumnDrift]) -> float | None:
    """The day's score that a test of drift judges; None where one that it needs is missing."""
    if test.test not in AGAINST_REFERENCE:
        return None
    scores = {row.column_name: row.score for row in drift}
    # A share is of all columns, so each must have been compared.
    needed = scores.values() if test.column is None else [scores.get(test.column)]
    return None if None in needed else scores.get(test.column)


def _measure(
    test: DeclaredTest, monitor: Monitor, reference: pd.DataFrame, current: pd.DataFrame
) -> tuple[float, bool]:
    if current.empty:
        # Evidently draws no report of nothing; nothing has a count all the same.
        return 0.0, all(_holds(test, 0.0))
    of_model = SUBJECTS[test.test] in ("regression", "classification")
    rows = _labelled(monitor, current) if of_model else current
    names = _needed(test, monitor)
    definition = _definition(monitor, names, of_model)
    metric = BUILD[test.test](test, monitor, _conditions(test))
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
    return float(value), all(test["status"] == "SUCCESS" for test in result["tests"])


def _needed(test: DeclaredTest, monitor: Monitor) -> list[str]:
    """Columns that a test reads: Evidently describes every one that it is given."""
    if SUBJECTS[test.test] in ("regression", "classification"):
        return [monitor.prediction, str(monitor.target)]
    if test.test == "row_count":
        return [monitor.prediction]
    return [test.column] if test.column else list(monitor.columns)


def _conditions(test: DeclaredTest) -> list[Any]:
    if test.between is not None:
        return [gte(test.between[0]), lte(test.between[1])]
    if test.at_least is not None:
        return [gte(test.at_least)]
    return [lte(test.at_most)] if test.at_most is not None else [eq(test.equals)]


def _holds(test: DeclaredTest, value: float) -> Iterator[bool]:
    low, high = test.between or (test.at_least, test.at_most)
    yield low is None or value >= low
    yield high is None or value <= high
    yield test.equals is None or value == test.equals


def _labelled(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    known = frame[frame[monitor.prediction].notna() & frame[str(monitor.target)].notna()]
    if monitor.task == "regression":
        return known
    return known.assign(**{str(monitor.target): as_words(known[str(monitor.target)])})


def _definition(monitor: Monitor, names: Sequence[str], of_model: bool) -> DataDefinition:
    kinds: dict[str, list[str]] = {"numerical": [], "categorical": []}
    for name in names:
        kinds[monitor.columns[name].kind].append(name)
    common = {
        "numerical_columns": kinds["numerical"],
        "categorical_columns": kinds["categorical"],
    }
    if not of_model:
        return DataDefinition(**common)
    target, prediction = str(monitor.target), monitor.prediction
    if monitor.task == "regression":
        return DataDefinition(
            **common, regression=[Regression(target=target, prediction=prediction)]
        )
    return DataDefinition(
        **common,
        classification=[
            BinaryClassification(target=target, prediction_probas=prediction, pos_label="true")
        ],
    )
