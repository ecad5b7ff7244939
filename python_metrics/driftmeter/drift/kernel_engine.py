"""Evidently's scores and the tests of a day at the cost of the day's own rows.

The score of a column that the kernel lacks Evidently computes; `engine` of each row says which did.
Evidently is not even imported on a day that has nothing of the kind.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import pandas as pd

from driftmeter.drift.kernel.categories import Categories, CategoryReference
from driftmeter.drift.kernel.methods import Score
from driftmeter.drift.kernel.numbers import NumberReference, Numbers
from driftmeter.drift.results import DEFAULT_DRIFT, ColumnDrift, TestOutcome
from driftmeter.monitors.config import Column

# Whose scores they are; the tests hold the kernel against the version that is locked.
ENGINE = f"kernel evidently {version('evidently')}"
# A stray row must not fail a test: one in a hundred values may lie outside a range or a list.
TOLERATED_SHARE = 0.01
# Without a declared limit, missing values may grow by five points over the reference.
TOLERATED_NULL_GROWTH = 0.05
# From this share of drifted columns on, Evidently calls the row drifted.
DRIFTED_SHARE = 0.5

DayColumn = Numbers | Categories


@dataclass(frozen=True)
class Share:
    """A share of a column's values that a test judges."""

    value: float
    is_tolerated: bool


@dataclass(frozen=True)
class ColumnScores:
    """What an engine measured of one column of one day.

    Attributes
    ----------
    engine : str
        Which measured it.
    missing : Share, optional
        Of all rows.
    outside : Share, optional
        Of known values, those outside the range or the list of categories.
    score : Score, optional
        Drift against the reference.
    error : str, optional
        Why there is nothing.
    """

    engine: str
    missing: Share | None = None
    outside: Share | None = None
    score: Score | None = None
    error: str | None = None


class KernelEngine:
    """Compares days with one reference whose sorted values, sums and counts are kept.

    Parameters
    ----------
    reference : pandas.DataFrame
        Reference rows, one column a monitored column: categories as text or as pandas' categories
        of text, numbers as float64.
    columns : mapping of str to Column
        The monitored columns.
    min_rows : int
        Fewer known values than this are not compared.

    Attributes
    ----------
    name : str
        What ``metrics.drift`` says of its rows.
    """

    name = ENGINE

    def __init__(
        self, reference: pd.DataFrame, columns: Mapping[str, Column], min_rows: int
    ) -> None:
        self._columns = dict(columns)
        self._min_rows = min_rows
        self._rows = len(reference)
        self._reference = reference
        self._numbers = {
            name: NumberReference(Numbers.of(reference[name]))
            for name, column in columns.items()
            if column.kind == "numerical"
        }
        self._categories = {
            name: CategoryReference(Categories.of(reference[name]))
            for name, column in columns.items()
            if column.kind == "categorical"
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
        day = {name: self._read(name, current[name]) for name in self._columns}
        reasons = {
            name: self._reason_to_skip(name, values, len(current)) for name, values in day.items()
        }
        compared = [name for name, reason in reasons.items() if reason is None]
        measured = self.measure(current, day, compared) if len(current) else {}
        drift = [
            self._drift(name, day[name], reasons[name], measured.get(name))
            for name in self._columns
        ]
        tests = [
            outcome
            for name in self._columns
            for outcome in self._tests(name, reasons[name], measured.get(name))
        ]
        return [*drift, self._share(drift, len(current))], tests

    def measure(
        self, current: pd.DataFrame, day: Mapping[str, DayColumn], compared: Collection[str]
    ) -> dict[str, ColumnScores]:
        """Missing values of every column of a day with rows; all of those to be compared.

        Parameters
        ----------
        day : mapping of str to Numbers or Categories
            The columns of `current` that are asked about, as they were read.
        """
        measured: dict[str, ColumnScores] = {}
        for name, values in day.items():
            scores = ColumnScores(ENGINE, self._missing(name, values, len(current)))
            if name in compared:
                outside, score = self._outside(name, values), self._score(name, values)
                scores = replace(scores, outside=outside, score=score)
                if score is None:
                    scores = self._with_evidentlys_score(scores, name, current[name])
            measured[name] = scores
        return measured

    def _score(self, name: str, day: DayColumn) -> Score | None:
        try:
            if isinstance(day, Numbers):
                return self._numbers[name].score(day)
            return self._categories[name].score(day)
        except Exception:
            # Whatever it is, Evidently is asked, and says itself what it cannot do.
            return None

    def _with_evidentlys_score(
        self, scores: ColumnScores, name: str, day: "pd.Series[Any]"
    ) -> ColumnScores:
        from driftmeter.drift import evidently_score as evidently

        reference, is_number = self._reference[name], name in self._numbers
        if not is_number:
            known = self._categories[name].names
            new = sorted(set(day.dropna().unique()).difference(known))
            codes = {value: float(code) for code, value in enumerate([*known, *new])}
            reference, day = (side.map(codes).astype(float) for side in (reference, day))
        try:
            score = evidently.score_by_evidently(reference, day, is_number=is_number)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            return replace(scores, engine=evidently.ENGINE, error=said)
        return replace(scores, engine=evidently.ENGINE, score=score)

    def _missing(self, name: str, day: DayColumn, rows: int) -> Share:
        share = (rows - day.present) / rows
        return Share(share, share <= self._null_limit(name))

    def _outside(self, name: str, day: DayColumn) -> Share:
        outside = (
            day.outside(*self._range(name))
            if isinstance(day, Numbers)
            else day.outside(self._accepted(name))
        )
        share = outside / day.present
        return Share(share, share <= TOLERATED_SHARE)

    def _read(self, name: str, values: "pd.Series[Any]") -> DayColumn:
        return Numbers.of(values) if name in self._numbers else Categories.of(values)

    def _known(self, name: str) -> int:
        """The reference's known values."""
        return (self._numbers.get(name) or self._categories[name]).known

    def _reason_to_skip(self, name: str, day: DayColumn, rows: int) -> str | None:
        if rows == 0:
            return "the day has no rows"
        if self._known(name) == 0:
            return f"0 of the reference's {self._rows} values are known"
        if day.known == 0:
            return f"0 of {rows} values are known"
        if day.known < self._min_rows:
            return f"{day.known} known values, fewer than {self._min_rows}"
        return None

    def _null_limit(self, name: str) -> float:
        declared = self._columns[name].max_null_share
        usual = 1 - self._known(name) / self._rows
        return declared if declared < 1 else min(1.0, usual + TOLERATED_NULL_GROWTH)

    def _range(self, name: str) -> tuple[float, float]:
        """Of a number: the declared range, or the reference's."""
        numbers = self._numbers[name]
        return self._columns[name].range or (numbers.low, numbers.high)

    def _accepted(self, name: str) -> Sequence[str]:
        """Of a category: the accepted values, or the reference's."""
        return self._columns[name].accepted or self._categories[name].names

    def _drift(
        self, name: str, day: DayColumn, reason: str | None, measured: ColumnScores | None
    ) -> ColumnDrift:
        row = ColumnDrift(
            name, self._known(name), day.known, engine=measured.engine if measured else self.name
        )
        if reason is not None or measured is None:
            return replace(row, status="skipped", reason=reason)
        score = measured.score
        if score is None:
            return replace(row, status="error", reason=measured.error)
        if not math.isfinite(score.value):
            why = f"{score.method} gives no number for a constant column"
            return replace(row, method=score.method, status="skipped", reason=why)
        return replace(
            row,
            method=score.method,
            score=score.value,
            threshold=score.threshold,
            p_value=score.value if score.method.endswith("p_value") else None,
            is_drifted=score.is_drifted,
        )

    def _share(self, drift: Sequence[ColumnDrift], rows: int) -> ColumnDrift:
        """Share of compared columns that drifted, as Evidently's DriftedColumnsCount judges it."""
        row = ColumnDrift(None, self._rows, rows, engine=self.name)
        compared = [column for column in drift if column.status == "ok"]
        if not compared:
            return replace(row, status="skipped", reason="no column was compared")
        share = sum(bool(column.is_drifted) for column in compared) / len(compared)
        return replace(
            row,
            method="share_of_drifted_columns",
            score=share,
            threshold=DRIFTED_SHARE,
            is_drifted=share >= DRIFTED_SHARE,
        )

    def _tests(
        self, name: str, reason: str | None, measured: ColumnScores | None
    ) -> Iterator[TestOutcome]:
        score = measured.score if measured else None
        by_kind = "value_range" if name in self._numbers else "new_categories"
        judged = {
            "missing_values": measured.missing if measured else None,
            by_kind: measured.outside if measured else None,
            DEFAULT_DRIFT: Share(score.value, not score.is_drifted) if score else None,
        }
        for test, share in judged.items():
            expected = self._expected(test, name)
            if share is None:
                error = measured.error if measured else None
                status, why = ("error", error) if error else ("skipped", reason)
                yield TestOutcome(name, test, status, None, expected, why)
            elif not math.isfinite(share.value):
                yield TestOutcome(name, test, "skipped", None, expected, "no number to judge")
            else:
                status = "pass" if share.is_tolerated else "fail"
                yield TestOutcome(name, test, status, share.value, expected)

    def _expected(self, test: str, name: str) -> str:
        column = self._columns[name]
        if test == "missing_values":
            return f"share of missing values at most {self._null_limit(name):.4g}"
        if test == DEFAULT_DRIFT:
            return "no drift by Evidently's default method and threshold"
        if test == "value_range":
            low, high = self._range(name)
            whose = "declared" if column.range else "reference"
            return f"at most {TOLERATED_SHARE:.0%} outside the {whose} range {low:g} to {high:g}"
        whose = "accepted" if column.accepted else "reference's"
        return f"at most {TOLERATED_SHARE:.0%} outside the {whose} categories"
