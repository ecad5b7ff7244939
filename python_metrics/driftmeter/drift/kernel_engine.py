"""Evidently's scores and the tests of a day at the cost of the day's own rows.

What the kernel lacks, Evidently computes, column by column; `engine` of each row says which did.
Evidently is not even imported on a day that has nothing of the kind.
"""

from collections.abc import Collection, Mapping
from importlib.metadata import version

import pandas as pd

from driftmeter.drift.engine import TOLERATED_SHARE, ColumnScores, DayColumn, Engine, Share
from driftmeter.drift.kernel.methods import Score
from driftmeter.drift.kernel.numbers import Numbers
from driftmeter.monitors.config import Column

# Whose scores they are; the tests hold the kernel against the version that is locked.
ENGINE = f"kernel evidently {version('evidently')}"


class KernelEngine(Engine):
    """Compares days with one reference whose sorted values, sums and counts are kept."""

    name = ENGINE

    def __init__(
        self, reference: pd.DataFrame, columns: Mapping[str, Column], min_rows: int
    ) -> None:
        super().__init__(reference, columns, min_rows)
        self._reference = reference
        self._of_evidently: dict[str, Engine] = {}

    def measure(
        self, current: pd.DataFrame, day: Mapping[str, DayColumn], compared: Collection[str]
    ) -> dict[str, ColumnScores]:
        """Missing values of every column of a day with rows; all of those to be compared."""
        measured: dict[str, ColumnScores] = {}
        for name, values in day.items():
            missing = self._missing(name, values, len(current))
            if name not in compared:
                measured[name] = ColumnScores(ENGINE, missing)
            elif (score := self._score(name, values)) is not None:
                measured[name] = ColumnScores(ENGINE, missing, self._outside(name, values), score)
            else:
                measured |= self._evidently(name).measure(current, {name: values}, [name])
        return measured

    def _score(self, name: str, day: DayColumn) -> Score | None:
        try:
            if isinstance(day, Numbers):
                return self._numbers[name].score(day)
            return self._categories[name].score(day)
        except Exception:
            # Whatever it is, Evidently is asked, and says itself what it cannot do.
            return None

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

    def _evidently(self, name: str) -> Engine:
        from driftmeter.drift.evidently_engine import EvidentlyEngine

        if name not in self._of_evidently:
            self._of_evidently[name] = EvidentlyEngine(
                self._reference, {name: self._columns[name]}, self._min_rows
            )
        return self._of_evidently[name]
