"""Evidently itself: the reference implementation of the scores, for what the kernel lacks.

Its import takes seconds and each day goes over the whole reference, so `kernel_engine` computes the
same on ordinary days. Method and threshold of each column are Evidently's own defaults, the ones of
its DataDriftPreset: with more than 1,000 reference values the Wasserstein distance normed by the
reference's standard deviation for numbers and the Jensen-Shannon distance for categories, both at
0.1; with fewer, the Kolmogorov-Smirnov and chi-square tests at p < 0.05.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pandas as pd
from evidently import (
    BinaryClassification,
    DataDefinition,
    Dataset,
    MulticlassClassification,
    Regression,
    Report,
    __version__,
)
from evidently.core.metric_types import SingleValueCalculation
from evidently.metrics import ValueDrift
from evidently.metrics.column_statistics import ValueDriftCalculation

from driftmeter.drift.kernel.methods import Score
from driftmeter.monitors.config import Monitor

ENGINE = f"evidently {__version__}"


class DriftScore(ValueDrift):  # type: ignore[misc]
    """Evidently's ValueDrift without its plots: the same score, method, threshold and verdict."""


class DriftScoreCalculation(SingleValueCalculation[DriftScore]):  # type: ignore[misc]
    """ValueDrift's own calculation; only the drawing is left out."""

    calculate = ValueDriftCalculation.calculate
    display_name = ValueDriftCalculation.display_name

    def _render(self, *_: object) -> list[object]:
        return []


def score_by_evidently(
    reference: "pd.Series[float]", day: "pd.Series[float]", *, is_number: bool
) -> Score:
    """Evidently's score of a column of one day, at the cost of a report.

    Parameters
    ----------
    reference, day : pandas.Series
        Numbers; of categories a whole number for each, for Evidently adds up over a set of them: a
        set of text has another order in each process, one of small whole numbers has one order.
    """
    name = str(reference.name)
    kind = "numerical_columns" if is_number else "categorical_columns"
    definition = DataDefinition(**{kind: [name]})
    with no_warning_of_empty_columns():
        current, known = (
            Dataset.from_pandas(side.to_frame(), definition) for side in (day, reference)
        )
        said = Report([DriftScore(column=name)], include_tests=True).run(current, known).dict()
    (metric,), (test,) = said["metrics"], said["tests"]
    return Score(
        method=metric["config"]["method"],
        threshold=float(metric["config"]["threshold"]),
        value=float(metric["value"]),
        is_drifted=test["status"] == "FAIL",
    )


def definition_of(monitor: Monitor, names: Sequence[str], of_model: bool) -> DataDefinition:
    """Columns as Evidently is told of them; `of_model` with what measures the model's errors."""
    kinds: dict[str, list[str]] = {"numerical": [], "categorical": []}
    for name in names:
        kinds[monitor.columns[name].kind].append(name)
    columns = {f"{kind}_columns": of_kind for kind, of_kind in kinds.items()}
    if not of_model:
        return DataDefinition(**columns)
    target, prediction = monitor.target, monitor.prediction
    if monitor.task == "regression":
        errors = Regression(target=target, prediction=prediction)
        return DataDefinition(**columns, regression=[errors])
    if monitor.task == "multiclass":
        classes = MulticlassClassification(target=target, prediction_labels=prediction)
        return DataDefinition(**columns, classification=[classes])
    errors = BinaryClassification(target=target, prediction_probas=prediction, pos_label="true")
    return DataDefinition(**columns, classification=[errors])


@contextmanager
def no_warning_of_empty_columns() -> Iterator[None]:
    """Evidently divides by the number of known values, and a column may have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
