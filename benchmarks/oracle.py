"""The best that a test of one known statistic can do with one day.

It knows which column changed and what of it, and how that statistic varies over calm days, noise of
rows and day effect together; and it spends on that test the same share of the budget as a column
has. What it misses nobody can find on that day at that budget.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.streams import Stream

CALM_DAYS = 2000
SEED = 20261129
Statistic = Callable[[pd.DataFrame], float]


def mean_of(column: str) -> Statistic:
    """The mean of a number."""
    return lambda frame: float(frame[column].mean())


def log_mean_of(column: str, part: str | None = None) -> Statistic:
    """The mean logarithm of a positive number, of all rows or of one segment."""

    def statistic(frame: pd.DataFrame) -> float:
        chosen = frame[column] if part is None else frame.loc[frame["part"] == part, column]
        return float(np.log(chosen[chosen > 0]).mean())

    return statistic


def deviation_of(column: str) -> Statistic:
    """Half the width of the middle 68% of a number: its standard deviation, without outliers."""
    return lambda frame: float(np.subtract(*np.nanquantile(frame[column], [0.84, 0.16]))) / 2


def share_of(column: str, value: str) -> Statistic:
    """The log odds of a category."""
    return lambda frame: _log_odds((frame[column] == value).to_numpy())


def missing_of(column: str) -> Statistic:
    """The log odds that a value is missing."""
    return lambda frame: _log_odds(frame[column].isna().to_numpy())


def correlation_of(column: str, other: str) -> Statistic:
    """Fisher's transform of the correlation of two numbers."""
    return lambda frame: float(np.arctanh(np.corrcoef(frame[column], frame[other])[0, 1]))


def _log_odds(is_there: np.ndarray) -> float:
    return float(np.log((is_there.sum() + 0.5) / ((~is_there).sum() + 0.5)))


class Oracle:
    """A two-sided test of one statistic of a day, whose calm distribution is known.

    Parameters
    ----------
    stream : Stream
        Of which `CALM_DAYS` days tell mean and standard deviation of the statistic.
    statistic : callable
        A number of the day's rows; about normal over calm days.
    tests : int
        Over how many tests of a day the budget is split.
    budget_a_day : float
        False alarms a day.
    """

    def __init__(
        self, stream: Stream, statistic: Statistic, tests: int, budget_a_day: float
    ) -> None:
        generator = np.random.default_rng(SEED)
        calm = [statistic(stream.day(generator)) for _ in range(CALM_DAYS)]
        self.statistic = statistic
        self.mean, self.deviation = float(np.mean(calm)), float(np.std(calm, ddof=1))
        self.limit = float(stats.norm.isf(budget_a_day / tests / 2))

    def finds(self, days: Sequence[pd.DataFrame]) -> bool:
        """Whether one of the days is an alarm."""
        z = [(self.statistic(day) - self.mean) / self.deviation for day in days]
        return bool(np.max(np.abs(z)) > self.limit)
