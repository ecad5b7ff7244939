"""Counts of one column by bin and day: all data that the calibration reads."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from driftmeter.monitors.cadence import DAILY, Cadence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DayArray = npt.NDArray[np.datetime64]
Kind = Literal["numerical", "categorical"]


@dataclass(frozen=True)
class Counts:
    """Rows of a column by day and bin, for all rows or one segment.

    Attributes
    ----------
    kind : {'numerical', 'categorical'}
    days : array of datetime64[D], shape (days,)
        In order; days without rows may be absent.
    known : array of float, shape (days, bins)
        Rows in each bin. A number's bins ascend, the first below and the last above every value
        of the reference. A category's first bin holds those that the reference never had.
    missing : array of float, shape (days,)
        Rows without a value.
    low : array of float, shape (bins,)
        Lower bound of a number's bin, in the column's unit; NaN below all.
    cadence : Cadence
        What a batch is; `days` are their first days.
    """

    kind: Kind
    days: DayArray
    known: Floats
    missing: Floats
    low: Floats
    cadence: Cadence = DAILY

    @property
    def rows(self) -> Floats:
        """Rows of each day, missing values included; shape (days,)."""
        total: Floats = self.known.sum(axis=1) + self.missing
        return total

    @property
    def weekdays(self) -> npt.NDArray[np.int64]:
        """Monday is 0, and so is each batch that is no day; shape (days,)."""
        if self.cadence != DAILY:
            return np.zeros(len(self.days), dtype=np.int64)
        # 1970-01-01 was a Thursday.
        return (self.days.astype("datetime64[D]").astype(np.int64) + 3) % 7

    def with_rows_on(self, chosen: npt.NDArray[np.bool_]) -> "Counts":
        """The same days, those that are not chosen without rows."""
        known, missing = self.known * chosen[:, None], self.missing * chosen
        return replace(self, known=known, missing=missing)

    def only(self, chosen: npt.NDArray[Any]) -> "Counts":
        """The chosen days, by a mask or by positions."""
        return replace(
            self, days=self.days[chosen], known=self.known[chosen], missing=self.missing[chosen]
        )
