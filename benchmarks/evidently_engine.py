"""Evidently's own report of a day, as the chain ran it before there was a kernel.

What benchmarks and tests hold `driftmeter.drift.kernel_engine` against.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import MissingValueCount, OutListValueCount, OutRangeValueCount
from evidently.tests import lte

from driftmeter.drift.evidently_score import ENGINE, DriftScore, no_warning_of_empty_columns
from driftmeter.drift.kernel.methods import Score
from driftmeter.drift.kernel_engine import (
    TOLERATED_SHARE,
    ColumnScores,
    DayColumn,
    KernelEngine,
    Share,
)
from driftmeter.monitors.config import Column


class EvidentlyEngine(KernelEngine):
    """Compares days with one reference by Evidently's own reports."""

    name = ENGINE

    def __init__(
        self, reference: pd.DataFrame, columns: Mapping[str, Column], min_rows: int
    ) -> None:
        super().__init__(reference, columns, min_rows)
        self._codes = {
            name: _codes([*kept.names, *(self._columns[name].accepted or ())])
            for name, kept in self._categories.items()
        }
        self._reference = self._dataset(self._coded(reference))

    def measure(
        self, current: pd.DataFrame, day: Mapping[str, DayColumn], compared: Collection[str]
    ) -> dict[str, ColumnScores]:
        """Missing values of every column of a day with rows; all of those to be compared."""
        try:
            return self._report(current, list(day), compared)
        except Exception:
            # One bad column costs Evidently the whole report; alone it costs only itself.
            measured: dict[str, ColumnScores] = {}
            for name in day:
                try:
                    measured |= self._report(current, [name], compared)
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                    measured[name] = ColumnScores(ENGINE, error=said)
            return measured

    def _report(
        self, current: pd.DataFrame, names: Collection[str], compared: Collection[str]
    ) -> dict[str, ColumnScores]:
        metrics = [metric for name in names for metric in self._metrics(name, name in compared)]
        dataset = self._dataset(self._coded(current))
        with no_warning_of_empty_columns():
            report = Report(metrics, include_tests=True).run(dataset, self._reference).dict()
        said: dict[tuple[str, str], dict[str, Any]] = {
            (metric["config"]["type"].rsplit(":", 1)[-1], metric["config"]["column"]): dict(metric)
            for metric in report["metrics"]
        }
        for test in report["tests"]:
            about = test["metric_config"]["params"]
            said[about["type"].rsplit(":", 1)[-1], about["column"]]["status"] = test["status"]
        return {
            name: ColumnScores(
                ENGINE,
                _share(said["MissingValueCount", name]),
                _share(said.get((self._by_kind(name), name))),
                _score(said.get(("DriftScore", name))),
            )
            for name in names
        }

    def _by_kind(self, name: str) -> str:
        return "OutRangeValueCount" if name in self._numbers else "OutListValueCount"

    def _metrics(self, name: str, is_compared: bool) -> list[Any]:
        metrics: list[Any] = [
            MissingValueCount(column=name, share_tests=[lte(self._null_limit(name))])
        ]
        if not is_compared:
            return metrics
        metrics.append(DriftScore(column=name))
        tolerated = [lte(TOLERATED_SHARE)]
        if name in self._numbers:
            low, high = self._range(name)
            metrics.append(
                OutRangeValueCount(column=name, left=low, right=high, share_tests=tolerated)
            )
        else:
            values = [self._codes[name][value] for value in self._accepted(name)]
            metrics.append(OutListValueCount(column=name, values=values, share_tests=tolerated))
        return metrics

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

    def _dataset(self, frame: pd.DataFrame) -> Dataset:
        definition = DataDefinition(
            numerical_columns=list(self._numbers), categorical_columns=list(self._categories)
        )
        with no_warning_of_empty_columns():
            return Dataset.from_pandas(frame, definition)


def _share(said: Mapping[str, Any] | None) -> Share | None:
    if said is None:
        return None
    return Share(float(said["value"]["share"]), said["status"] == "SUCCESS")


def _score(said: Mapping[str, Any] | None) -> Score | None:
    if said is None:
        return None
    return Score(
        method=said["config"]["method"],
        threshold=float(said["config"]["threshold"]),
        value=float(said["value"]),
        is_drifted=said["status"] == "FAIL",
    )


def _codes(values: Iterable[str], start: int = 0) -> dict[str, float]:
    """A whole number of each value, in order of name."""
    return {value: float(code) for code, value in enumerate(sorted(set(values)), start)}
