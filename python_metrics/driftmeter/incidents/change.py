"""One column before and after a change, and what would remain of the change after a repair."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from driftmeter.incidents.breach import Kind
from driftmeter.incidents.distance import Bins, Shares, distance, fit_bins, noise_level, shares
from driftmeter.monitors.config import Column
from driftmeter.quality.counts import Floats

Mask = npt.NDArray[np.bool_]
# Standard errors by which mean ranks differ before one side is called the larger.
PLAIN_ERRORS = 2.0
# Share of a day's rows that weights must leave, in equal rows.
FEWEST = 0.2


@dataclass(frozen=True)
class Symptom:
    """What could be wrong with a column, and how much of its change that explains.

    Attributes
    ----------
    kind : str
    explained : float
        Share of the column's distance that is gone once this is repaired; 1 is all of it.
    says : str
        The finding as the end of a sentence that begins with the column's name.
    evidence : dict
        Its numbers.
    segment, value : str or None
        Where it is, if it is in one segment.
    rows : array of bool, shape (rows of the day,), or None
        The rows that are wrong, where single rows are.
    subject : str or None
        What the sentence begins with in place of the column's name.
    """

    kind: Kind
    explained: float
    says: str
    evidence: dict[str, Any]
    segment: str | None = None
    value: str | None = None
    rows: Mask | None = field(default=None, compare=False, repr=False)
    subject: str | None = None


@dataclass(frozen=True)
class ColumnValues:
    """A column's values on reference rows and on a day's rows.

    Attributes
    ----------
    reference, day : pandas.Series
        Numbers as float64, categories as text.
    given : Bins or None
        Bins of the whole reference, where `reference` is a part of it.
    is_part : bool
        Whether these are some of the rows of either side.
    may_be_scaled : bool
        Whether another unit may explain the change: not of one that came step by step.
    is_predicted : bool
        Whether it is the prediction.
    examples : callable or None
        Gives words of the day's texts that the reference never had, of the share of these.
    """

    name: str
    column: Column
    reference: "pd.Series[Any]"
    day: "pd.Series[Any]"
    given: Bins | None = None
    may_be_scaled: bool = True
    is_part: bool = False
    is_predicted: bool = False
    examples: Callable[[], Sequence[str]] | None = None

    @cached_property
    def bins(self) -> Bins:
        """The reference's bins."""
        return self.given or fit_bins(self.column.kind, self.reference)

    def inside(self, reference: Mask, day: Mask) -> "ColumnValues":
        """The same column on some of either side's rows."""
        return ColumnValues(
            self.name,
            self.column,
            self.reference[reference],
            self.day[day],
            self.bins,
            self.may_be_scaled,
            is_part=True,
            examples=self.examples,
        )

    @cached_property
    def reference_bin(self) -> npt.NDArray[np.int64]:
        """Bin of each reference row."""
        return self.bins.place(self.reference)

    @cached_property
    def day_bin(self) -> npt.NDArray[np.int64]:
        """Bin of each row of the day."""
        return self.bins.place(self.day)

    @cached_property
    def before(self) -> Shares:
        """Shares of the reference."""
        return shares(self.reference_bin, self.bins.count)

    @cached_property
    def now(self) -> Shares:
        """Shares of the day."""
        return shares(self.day_bin, self.bins.count)

    @cached_property
    def size(self) -> float:
        """Distance of the day from the reference."""
        return max(distance(self.before, self.now), 0.0)

    @cached_property
    def numbers_before(self) -> Floats:
        """The reference's finite numbers."""
        return _finite(self.reference)

    @cached_property
    def numbers_now(self) -> Floats:
        """The day's finite numbers."""
        return _finite(self.day)

    @cached_property
    def _sorted(self) -> Floats:
        return np.sort(self.numbers_before)

    @cached_property
    def reference_rank(self) -> Floats:
        """Rank of each reference row's number, 0 to 1; NaN where missing."""
        return self.rank(self.reference)

    @cached_property
    def day_rank(self) -> Floats:
        """Rank in the reference of each of the day's numbers, 0 to 1; NaN where missing."""
        return self.rank(self.day)

    def rank(self, values: "pd.Series[Any]") -> Floats:
        """Rank of numbers in the reference."""
        number = values.to_numpy(dtype=float)
        place = np.searchsorted(self._sorted, number) / max(len(self._sorted), 1)
        return np.where(np.isnan(number), np.nan, place)

    @property
    def direction(self) -> int:
        """1 where the day's numbers are larger by their mean rank, -1 where smaller, 0 where as
        large by what the rows can tell.
        """
        if self.column.kind == "categorical":
            return 0
        moved, error = moved_ranks(self.reference_rank, self.day_rank)
        return int(np.sign(moved)) if abs(moved) > PLAIN_ERRORS * error else 0

    @property
    def is_plain(self) -> bool:
        """Whether the rows at hand show the change at all."""
        return self.size > noise_level(self.before, self.now)

    @property
    def unit(self) -> str:
        """The column's unit with a space before it; nothing where none is declared."""
        return f" {self.column.unit}" if self.column.unit else ""

    def explained(self, before: Shares, now: Shares) -> float:
        """Share of the distance that is gone between repaired sides; at most 1."""
        if self.size <= 0:
            return 0.0
        return float(np.clip(1 - distance(before, now) / self.size, -1, 1))

    def repaired(self, before: Shares, now: Shares) -> float:
        """What is explained by a repair: what it leaves within the rows' noise counts half."""
        explained = self.explained(before, now)
        return (1 + explained) / 2 if explained < 1 and _is_noise(before, now) else explained

    def without(self, reference: Mask, day: Mask) -> float:
        """What is explained by leaving out these rows of either side."""
        if reference.all() or day.all():
            return 0.0
        return self.repaired(
            shares(self.reference_bin[~reference], self.bins.count),
            shares(self.day_bin[~day], self.bins.count),
        )

    def with_values(self, values: "pd.Series[Any]") -> float:
        """What is explained by other values of the day's rows."""
        return self.repaired(self.before, shares(self.bins.place(values), self.bins.count))

    def leaves_noise(self, values: "pd.Series[Any]") -> bool:
        """Whether other values of the day's rows differ from the reference by chance at most."""
        return _is_noise(self.before, shares(self.bins.place(values), self.bins.count))

    def reweighted(self, weights: Floats) -> float:
        """What is explained by other weights of the day's rows."""
        now = shares(self.day_bin, self.bins.count, weights)
        # Weights that rest on a few rows leave nothing but their noise.
        return self.explained(self.before, now) if now.rows > FEWEST * len(self.day) else 0.0


def _is_noise(before: Shares, now: Shares) -> bool:
    return distance(before, now) < noise_level(before, now)


def moved_ranks(before: Floats, now: Floats) -> tuple[float, float]:
    """Difference of two means of ranks, and its standard error."""
    before, now = before[np.isfinite(before)], now[np.isfinite(now)]
    if not len(before) or not len(now):
        return 0.0, np.inf
    error = np.sqrt(before.var() / len(before) + now.var() / len(now))
    return float(now.mean() - before.mean()), float(error)


def _finite(values: "pd.Series[Any]") -> Floats:
    number = values.to_numpy(dtype=float)
    finite: Floats = number[np.isfinite(number)]
    return finite


def weights_of(other: ColumnValues) -> Floats:
    """Weights of the day's rows that give another column its reference's shares; (rows,)."""
    ratio = other.before.share / np.maximum(other.now.share, 1e-300)
    # A value that hardly comes any more would carry the day on a few rows.
    weights: Floats = np.minimum(ratio, 20.0)[other.day_bin]
    return weights
