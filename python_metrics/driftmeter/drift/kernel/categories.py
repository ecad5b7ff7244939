"""A column of categories: of a day, and of the reference with its counts kept."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from driftmeter.drift.kernel.methods import Score, default_method, score_of_counts


@dataclass(frozen=True)
class Categories:
    """A day's categories.

    Attributes
    ----------
    counts : mapping of str to int
        Rows of each category; missing values are none.
    """

    counts: Mapping[str, int]

    @classmethod
    def of(cls, values: "pd.Series[Any]") -> "Categories":
        """Count a column of text, or of pandas' categories."""
        # Of 100,000 rows codes take 0.1 ms; text 2.5, where pandas takes 3 and Arrow, which copies
        # it first, 3.5.
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes = values.cat.codes.to_numpy()
            counts = np.bincount(codes[codes >= 0], minlength=len(values.cat.categories))
            named = zip(values.cat.categories, counts.tolist(), strict=True)
            return cls({name: count for name, count in named if count})
        counted = Counter(values.tolist())
        return cls({n: c for n, c in counted.items() if isinstance(n, str) or not pd.isna(n)})

    @property
    def known(self) -> int:
        """Values that are there."""
        return sum(self.counts.values())

    @property
    def present(self) -> int:
        """Values that are not null, as `Numbers` has them."""
        return self.known

    def outside(self, accepted: Collection[str]) -> int:
        """Values that are none of those."""
        return self.known - sum(self.counts.get(name, 0) for name in set(accepted))


class CategoryReference:
    """The reference's categories.

    Parameters
    ----------
    values : Categories

    Attributes
    ----------
    known : int
        Values that are there.
    names : list of str
        In order of name, which is the order of summing: the last digit is the same in each run.
    """

    def __init__(self, values: Categories) -> None:
        self.known = values.known
        self.names = sorted(values.counts)
        self._counts = values.counts

    def score(self, day: Categories) -> Score:
        """Evidently's score of a day that has known values."""
        names = [*self.names, *sorted(day.counts.keys() - self._counts.keys())]
        reference, current = (
            np.array([counts.get(name, 0) for name in names], dtype=np.int64)
            for counts in (self._counts, day.counts)
        )
        method = default_method(self.known, len(names), is_number=False)
        return score_of_counts(method, reference, current)
