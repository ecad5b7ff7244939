"""Counts of one column by bin and day: all data that the calibration reads."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from driftmeter.monitors.cadence import DAILY, HOURS, MONTHS, Cadence

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DayArray = npt.NDArray[np.datetime64]
Kind = Literal["numerical", "categorical"]


def as_array(batches: Sequence[dt.date]) -> DayArray:
    """Batches as NumPy has them: dates, or of hours the instants at which they begin, in UTC."""
    if batches and isinstance(batches[0], dt.datetime):
        seconds = [int(hour.timestamp()) for hour in batches]  # type: ignore[attr-defined]
        return np.array(seconds, dtype="datetime64[s]")
    return np.array(batches, dtype="datetime64[D]")


def hours_of(days: DayArray) -> list[dt.datetime]:
    """Instants of such an array."""
    seconds = days.astype("datetime64[s]").astype(np.int64)
    return [dt.datetime.fromtimestamp(int(second), dt.timezone.utc) for second in seconds]


def day_numbers(levels: Ints) -> Ints:
    """To which day each hour belongs, counted from 0; the hours are in order.

    A day begins where the hour of the day is earlier than that before it.
    """
    begins = np.diff(levels % HOURS, prepend=levels[:1] % HOURS) < 0
    numbers: Ints = np.cumsum(begins)
    return numbers


@dataclass(frozen=True)
class Counts:
    """Rows of a column by day and bin, for all rows or one segment.

    Attributes
    ----------
    kind : {'numerical', 'categorical'}
    days : array of datetime64[D], shape (days,)
        In order; days without rows may be absent. Of hours their starts in UTC, datetime64[s].
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

    @cached_property
    def weekdays(self) -> npt.NDArray[np.int64]:
        """Which of their levels the days have: Monday is 0, January is, and so is each week."""
        if self.cadence.is_hourly:
            return np.array([self.cadence.level(hour) for hour in hours_of(self.days)], np.int64)
        if self.cadence.every == "month":
            return self.days.astype("datetime64[M]").astype(np.int64) % MONTHS
        if self.cadence != DAILY:
            return np.zeros(len(self.days), dtype=np.int64)
        # 1970-01-01 was a Thursday.
        return (self.days.astype("datetime64[D]").astype(np.int64) + 3) % 7

    @property
    def whole_days(self) -> int:
        """Batches with rows that tell independently of how batches vary: of hours, their days."""
        has_rows = self.rows > 0
        if self.cadence.is_hourly:
            return len(np.unique(day_numbers(self.weekdays)[has_rows]))
        return int(has_rows.sum())

    def with_rows_on(self, chosen: npt.NDArray[np.bool_]) -> "Counts":
        """The same days, those that are not chosen without rows."""
        known, missing = self.known * chosen[:, None], self.missing * chosen
        return replace(self, known=known, missing=missing)

    def only(self, chosen: npt.NDArray[Any]) -> "Counts":
        """The chosen days, by a mask or by positions."""
        return replace(
            self, days=self.days[chosen], known=self.known[chosen], missing=self.missing[chosen]
        )
