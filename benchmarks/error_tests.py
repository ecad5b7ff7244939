"""The tests of a day's error from rows in memory, as the performance step stores them."""

import datetime as dt
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from driftmeter.monitors.config import Monitor
from driftmeter.performance.daily_error import (
    CAPPED,
    CAPPED_ERROR,
    DayError,
    ReferenceDayError,
    fit_errors,
    judge_errors,
)
from driftmeter.performance.decided import EXCESS, decide_tests
from driftmeter.performance.estimator import ALL_ROWS, Estimator
from driftmeter.performance.losses import cap_of, row_losses
from driftmeter.performance.outcomes import LOSS


class ErrorTests:
    """Tests of days held against a reference.

    Parameters
    ----------
    reference : mapping of date to pandas.DataFrame
        Rows of each reference day.
    estimator : Estimator, optional
        Fitted on the reference; without it no day is held against what its inputs explain.
    """

    def __init__(
        self,
        monitor: Monitor,
        reference: Mapping[dt.date, pd.DataFrame],
        estimator: Estimator | None = None,
    ) -> None:
        self.monitor, self.estimator = monitor, estimator
        losses = pd.concat([self._losses(rows) for rows in reference.values()])
        self._cap = cap_of(monitor, losses.to_numpy(), CAPPED)
        usual = self._errors(reference)
        self._null = fit_errors(monitor, usual)
        before = [
            ReferenceDayError.of(day, "realised", CAPPED_ERROR, error)
            for day, error in judge_errors(self._null, usual).items()
        ] + (estimator.reference_errors if estimator else [])
        columns = ["day", "metric", "kind", "difference", "deviation"]
        self._before = pd.DataFrame(map(vars, before), columns=columns)

    def of_day(self, day: dt.date, rows: pd.DataFrame) -> list[dict[str, object]]:
        """Rows of ``metrics.performance``: of the day's error, and of each version's."""
        judged = judge_errors(self._null, self._errors({day: rows}))
        tests = [self._row(day, CAPPED_ERROR, error) for error in judged.values()]
        name = self.monitor.model_version
        by_version = rows.groupby(name) if name in rows else [(None, rows)]
        if self.estimator is not None:
            for version, of_version in by_version:
                tests += self._of_version(self.estimator, day, version, of_version)
        return tests

    def _of_version(
        self, estimator: Estimator, day: dt.date, version: str | None, rows: pd.DataFrame
    ) -> Iterator[dict[str, object]]:
        expected = estimator.expect(rows)
        found = estimator.surprise(expected, day)
        if found:
            yield self._row(day, EXCESS, found, version)
        for each in estimator.estimate(expected, day)[ALL_ROWS]:
            if each.metric == LOSS[self.monitor.task]:
                numbers = (each.value, each.expected, each.deviation, each.p_value, len(rows))
                row = self._row(day, each.metric, DayError(*numbers), version)
                # As if its record were good and labels were to come.
                yield {**row, "kind": "estimated", "lower": each.lower}

    def decided(self, tests: list[dict[str, object]]) -> pd.DataFrame:
        """What the monitor's policy decides of tests of days in order."""
        return decide_tests(self.monitor, pd.DataFrame(tests), self._before)

    @staticmethod
    def _row(
        day: dt.date, metric: str, error: DayError, version: str | None = None
    ) -> dict[str, object]:
        return {
            **vars(error), "day": day, "metric": metric, "kind": "realised",
            "model_version": version, "lower": np.nan, "reference_value": error.expected,
        }  # fmt: skip

    def _losses(self, rows: pd.DataFrame) -> pd.Series:
        return pd.Series(row_losses(self.monitor, rows)).dropna()

    def _errors(self, frames: Mapping[dt.date, pd.DataFrame]) -> pd.DataFrame:
        losses = {day: self._losses(rows).clip(upper=self._cap) for day, rows in frames.items()}
        return pd.DataFrame(
            [
                (day, float(len(loss)), loss.mean(), (loss**2).mean())
                for day, loss in losses.items()
            ],
            columns=["day", "rows", "mean", "square"],
        )
