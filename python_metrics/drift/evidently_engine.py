"""Evidently's drift scores and tests for one day.

Evidently's import takes seconds, so callers import this module late and keep one engine for many
days. Method and threshold of each column are Evidently's own defaults, the ones of its
DataDriftPreset: with more than 1,000 reference values the Wasserstein distance normed by the
reference's standard deviation for numbers and the Jensen-Shannon distance for categories, both at
0.1; with fewer, the Kolmogorov-Smirnov and chi-square tests at p < 0.05. What is left out is the
drawing of plots that nobody opens on an ordinary day: it takes more than two thirds of the time of
a day of 20 columns.
"""

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report, __version__
from evidently.core.metric_types import SingleValueCalculation
from evidently.metrics import MissingValueCount, OutListValueCount, OutRangeValueCount, ValueDrift
from evidently.metrics.column_statistics import ValueDriftCalculation
from evidently.presets import DataDriftPreset
from evidently.tests import lte

from python_metrics.drift.results import DEFAULT_DRIFT, ColumnDrift, TestOutcome
from python_metrics.monitors.config import Column

ENGINE = f"evidently {__version__}"
# A stray row must not fail a test: one in a hundred values may lie outside a range or a list.
TOLERATED_SHARE = 0.01
# Without a declared limit, missing values may grow by five points over the reference.
TOLERATED_NULL_GROWTH = 0.05
TEST_OF_METRIC = {
    "MissingValueCount": "missing_values",
    "OutRangeValueCount": "value_range",
    "OutListValueCount": "new_categories",
    "DriftScore": DEFAULT_DRIFT,
}


class DriftScore(ValueDrift):  # type: ignore[misc]
    """Evidently's ValueDrift without its plots: the same score, method, threshold and verdict."""


class DriftScoreCalculation(SingleValueCalculation[DriftScore]):  # type: ignore[misc]
    """ValueDrift's own calculation; only the drawing is left out."""

    calculate = ValueDriftCalculation.calculate
    display_name = ValueDriftCalculation.display_name

    def _render(self, *_: object) -> list[object]:
        return []


class EvidentlyEngine:
    """Compares days with one reference.

    Parameters
    ----------
    reference : pandas.DataFrame
        Reference rows: categories as text, numbers as float64, one column a monitored column.
    columns : mapping of str to Column
        The monitored columns.
    min_rows : int
        Fewer known values than this are not compared.
    """

    def __init__(
        self, reference: pd.DataFrame, columns: Mapping[str, Column], min_rows: int
    ) -> None:
        self._columns = dict(columns)
        self._min_rows = min_rows
        self._known = {name: _known(reference[name]) for name in self._columns}
        self._rows = len(reference)
        self._categories = {
            name: sorted(reference[name].dropna().unique())
            for name, column in self._columns.items()
            if column.kind == "categorical"
        }
        self._codes = {
            name: _codes([*self._categories[name], *(self._columns[name].accepted or ())])
            for name in self._categories
        }
        self._named = reference
        self._reference = self._dataset(self._coded(reference), self._columns)
        self._ranges = {
            name: _finite_range(reference[name])
            for name, column in self._columns.items()
            if column.kind == "numerical"
        }

    def compare(self, current: pd.DataFrame) -> tuple[list[ColumnDrift], list[TestOutcome]]:
        """Drift and tests of one day.

        Parameters
        ----------
        current : pandas.DataFrame
            The day's rows, with the reference's columns and types.

        Returns
        -------
        tuple of list of ColumnDrift and list of TestOutcome
            One drift row a column in the monitor's order, then one for the whole row; the tests.
        """
        reasons = {name: self._reason_to_skip(name, current[name]) for name in self._columns}
        results = self._measure(current, reasons)
        drift = [self._drift(name, current[name], reasons[name], results) for name in self._columns]
        tests = [
            outcome
            for name in self._columns
            for outcome in self._tests(name, current[name], reasons[name], results)
        ]
        return [*drift, self._share(drift, len(current))], tests

    def save_report(self, current: pd.DataFrame, path: Path) -> None:
        """Write Evidently's own HTML page of a day against the reference, plots and all."""
        names = {
            name: column
            for name, column in self._columns.items()
            if self._reason_to_skip(name, current[name]) is None
        }
        with no_warning_of_empty_columns():
            drawn = Report([DataDriftPreset(columns=list(names))]).run(
                self._dataset(current, self._columns), self._dataset(self._named, self._columns)
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn.save_html(str(path))

    def _reason_to_skip(self, name: str, values: "pd.Series[Any]") -> str | None:
        known = _known(values)
        if len(values) == 0:
            return "the day has no rows"
        if self._known[name] == 0:
            return f"0 of the reference's {self._rows} values are known"
        if known == 0:
            return f"0 of {len(values)} values are known"
        if known < self._min_rows:
            return f"{known} known values, fewer than {self._min_rows}"
        return None

    def _measure(
        self, current: pd.DataFrame, reasons: Mapping[str, str | None]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        """What Evidently says of every column, by metric and column."""
        try:
            return self._report(current, self._columns, reasons)
        except Exception:
            # One bad column costs Evidently the whole report; alone it costs only itself.
            results: dict[tuple[str, str], dict[str, Any]] = {}
            for name in self._columns:
                try:
                    results |= self._report(current, [name], reasons)
                except Exception as error:
                    results["error", name] = {"reason": f"{type(error).__name__}: {error}"}
            return results

    def _report(
        self, current: pd.DataFrame, names: Iterable[str], reasons: Mapping[str, str | None]
    ) -> dict[tuple[str, str], dict[str, Any]]:
        metrics = [metric for name in names for metric in self._metrics(name, reasons[name])]
        if not metrics or current.empty:
            return {}
        dataset = self._dataset(self._coded(current), self._columns)
        with no_warning_of_empty_columns():
            report = Report(metrics, include_tests=True).run(dataset, self._reference).dict()
        results = {
            (metric["config"]["type"].rsplit(":", 1)[-1], metric["config"]["column"]): dict(metric)
            for metric in report["metrics"]
        }
        for test in report["tests"]:
            about = test["metric_config"]["params"]
            results[about["type"].rsplit(":", 1)[-1], about["column"]]["status"] = test["status"]
        return results

    def _metrics(self, name: str, reason: str | None) -> list[Any]:
        column = self._columns[name]
        metrics: list[Any] = [
            MissingValueCount(column=name, share_tests=[lte(self._null_limit(name))])
        ]
        if reason is not None:
            return metrics
        metrics.append(DriftScore(column=name))
        tolerated = [lte(TOLERATED_SHARE)]
        if column.kind == "numerical":
            low, high = column.range or self._ranges[name]
            metrics.append(
                OutRangeValueCount(column=name, left=low, right=high, share_tests=tolerated)
            )
        else:
            codes = self._codes[name]
            values = [codes[value] for value in column.accepted or self._categories[name]]
            metrics.append(OutListValueCount(column=name, values=values, share_tests=tolerated))
        return metrics

    def _null_limit(self, name: str) -> float:
        declared = self._columns[name].max_null_share
        usual = 1 - self._known[name] / self._rows
        return declared if declared < 1 else min(1.0, usual + TOLERATED_NULL_GROWTH)

    def _drift(
        self,
        name: str,
        values: "pd.Series[Any]",
        reason: str | None,
        results: Mapping[tuple[str, str], Mapping[str, Any]],
    ) -> ColumnDrift:
        known, here = self._known[name], _known(values)
        if reason is not None:
            return ColumnDrift(name, known, here, status="skipped", reason=reason)
        measured = results.get(("DriftScore", name))
        if measured is None:
            why = results.get(("error", name), {}).get("reason", "Evidently gave no result")
            return ColumnDrift(name, known, here, status="error", reason=why)
        score, method = float(measured["value"]), measured["config"]["method"]
        if not math.isfinite(score):
            return ColumnDrift(
                name,
                known,
                here,
                method=method,
                status="skipped",
                reason=f"{method} gives no number for a constant column",
            )
        return ColumnDrift(
            name,
            known,
            here,
            method=method,
            score=score,
            threshold=float(measured["config"]["threshold"]),
            p_value=score if method.endswith("p_value") else None,
            is_drifted=measured["status"] == "FAIL",
        )

    def _share(self, drift: list[ColumnDrift], rows: int) -> ColumnDrift:
        """Share of compared columns that drifted, as Evidently's DriftedColumnsCount judges it."""
        compared = [row for row in drift if row.status == "ok"]
        if not compared:
            return ColumnDrift(
                None, self._rows, rows, status="skipped", reason="no column was compared"
            )
        share = sum(bool(row.is_drifted) for row in compared) / len(compared)
        return ColumnDrift(
            None,
            self._rows,
            rows,
            method="share_of_drifted_columns",
            score=share,
            threshold=0.5,
            is_drifted=share >= 0.5,
        )

    def _tests(
        self,
        name: str,
        values: "pd.Series[Any]",
        reason: str | None,
        results: Mapping[tuple[str, str], Mapping[str, Any]],
    ) -> Iterable[TestOutcome]:
        column = self._columns[name]
        by_kind = "OutRangeValueCount" if column.kind == "numerical" else "OutListValueCount"
        for metric in ("MissingValueCount", by_kind, "DriftScore"):
            test, expected = TEST_OF_METRIC[metric], self._expected(metric, name)
            measured = results.get((metric, name))
            if measured is None:
                error = results.get(("error", name), {}).get("reason")
                yield TestOutcome(
                    name,
                    test,
                    "error" if error else "skipped",
                    None,
                    expected,
                    error or reason or "the day has no rows",
                )
                continue
            value = measured["value"]
            observed = float(value["share"] if isinstance(value, dict) else value)
            if not math.isfinite(observed):
                yield TestOutcome(name, test, "skipped", None, expected, "no number to judge")
                continue
            status = "pass" if measured["status"] == "SUCCESS" else "fail"
            yield TestOutcome(name, test, status, observed, expected)

    def _expected(self, metric: str, name: str) -> str:
        column = self._columns[name]
        if metric == "MissingValueCount":
            return f"share of missing values at most {self._null_limit(name):.4g}"
        if metric == "DriftScore":
            return "no drift by Evidently's default method and threshold"
        if metric == "OutRangeValueCount":
            low, high = column.range or self._ranges[name]
            whose = "declared" if column.range else "reference"
            return f"at most {TOLERATED_SHARE:.0%} outside the {whose} range {low:g} to {high:g}"
        whose = "accepted" if column.accepted else "reference's"
        return f"at most {TOLERATED_SHARE:.0%} outside the {whose} categories"

    def _coded(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Categories as whole numbers.

        Evidently adds up over a set of categories, and a set of text has another order in each
        process: the last digit of a distance would change from run to run. A set of small whole
        numbers has one order.
        """
        coded = {}
        for name in self._columns:
            values = frame[name]
            if name in self._codes:
                known = self._codes[name]
                new = sorted(set(values.dropna().unique()) - set(known))
                codes = {**known, **_codes(new, start=len(known))}
                values = values.map(codes).astype(float)
            coded[name] = values
        return pd.DataFrame(coded, index=frame.index)

    def _dataset(self, frame: pd.DataFrame, columns: Mapping[str, Column]) -> Dataset:
        by_kind: dict[str, list[str]] = {"numerical": [], "categorical": []}
        for name, column in columns.items():
            by_kind[column.kind].append(name)
        definition = DataDefinition(
            numerical_columns=by_kind["numerical"],
            categorical_columns=by_kind["categorical"],
        )
        with no_warning_of_empty_columns():
            return Dataset.from_pandas(frame[list(columns)], definition)


@contextmanager
def no_warning_of_empty_columns() -> Iterator[None]:
    """Evidently divides by the number of known values, and a column may have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def _codes(values: Iterable[str], start: int = 0) -> dict[str, float]:
    """A whole number of each value, in order of name."""
    return {value: float(code) for code, value in enumerate(sorted(set(values)), start)}


def _known(values: "pd.Series[Any]") -> int:
    """Values that are there and, if they are numbers, finite."""
    if values.dtype.kind == "f":
        return int(np.isfinite(values.to_numpy()).sum())
    return int(values.notna().sum())


def _finite_range(values: "pd.Series[Any]") -> tuple[float, float]:
    finite = values[np.isfinite(values.to_numpy())]
    return (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
