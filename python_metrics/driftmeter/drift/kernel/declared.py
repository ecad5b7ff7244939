"""Values of declared tests, by the formulas of Evidently's metrics of the same name."""

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from driftmeter.drift.kernel.categories import Categories
from driftmeter.drift.kernel.numbers import Numbers
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.declared_test import SUBJECTS, DeclaredTest

# Evidently calls an error relative to a label closer to 0 than this 1, and divides by no smaller
# label: an error beside a negative one is huge.
LEAST_LABEL = float(np.finfo(np.float64).eps)
ANY = (-math.inf, math.inf)
OfErrors = Callable[[pd.Series, pd.Series], float]


def _of_numbers(numbers: pd.Series, test: DeclaredTest, monitor: Monitor) -> float:
    if test.test == "out_of_range_share":
        values = Numbers.of(numbers)
        return values.outside(*(monitor.columns[str(test.column)].range or ANY)) / values.present
    if test.test == "quantile":
        return float(numbers.quantile(test.quantile))
    # Mean, median, std, min and max: pandas has them by these names.
    return float(getattr(numbers, test.test)())


def _relative(errors: pd.Series, labels: pd.Series) -> pd.Series:
    relative = errors.abs() / np.maximum(labels, LEAST_LABEL)
    return relative.where(labels.abs() > LEAST_LABEL, 1.0)


ERRORS: Mapping[str, OfErrors] = {
    "mae": lambda errors, labels: float(errors.abs().mean()),
    "rmse": lambda errors, labels: float(np.sqrt((errors**2).mean())),
    "mape": lambda errors, labels: float(100 * _relative(errors, labels).mean()),
}


def value_of(test: DeclaredTest, monitor: Monitor, rows: pd.DataFrame) -> float | None:
    """What a test judges of a day; None where the kernel leaves it to Evidently.

    That is every test of drift and of a classifier's errors, and of numbers of which some are
    infinite.

    Parameters
    ----------
    rows : pandas.DataFrame
        One column a monitored column; for a test of the model's errors labelled rows alone.
    """
    if test.test == "row_count":
        return float(len(rows))
    if test.test == "duplicated_rows":
        return float(rows[list(monitor.columns)].duplicated().sum())
    if test.test == "missing_share":
        return float(rows[test.column].isna().mean())
    if test.test == "unaccepted_share":
        categories = Categories.of(rows[test.column])
        accepted = monitor.columns[str(test.column)].accepted or ()
        return categories.outside(accepted) / categories.present
    if SUBJECTS[test.test] == "number":
        numbers = rows[test.column]
        return _of_numbers(numbers, test, monitor) if _is_finite(numbers) else None
    if SUBJECTS[test.test] == "regression":
        labels = rows[str(monitor.target)]
        errors = rows[monitor.prediction] - labels
        return ERRORS[test.test](errors, labels) if _is_finite(errors) else None
    return None


def _is_finite(numbers: pd.Series) -> bool:
    """Whether no number is infinite; null is none."""
    return not np.isinf(numbers.to_numpy(dtype=np.float64)).any()
