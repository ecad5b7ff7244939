"""Days of rows whose truth is known: calm ones, and ones with a planted fault."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

REFERENCE_DAYS = 59
FIRST = np.datetime64("2019-02-01")
Fault = Callable[[pd.DataFrame, np.random.Generator, int], pd.DataFrame]


@dataclass(frozen=True)
class Stream:
    """What days are made of.

    Attributes
    ----------
    rows : int
        Rows a day.
    day_effect : float
        Standard deviation of a day's own shift: of a number in its own deviations, of a
        category's log odds.
    categories : int
        Values of the largest categorical column.
    carried : float
        How much of the first column's day effect goes on to the next day, 0 to 1.
    pattern : str
        One of `PATTERNS`, which the first column follows beside its day effect.
    """

    rows: int
    day_effect: float
    categories: int = 300
    carried: float = 0.0
    pattern: str = ""

    @property
    def is_ordered(self) -> bool:
        """Whether a day hangs on which day it is."""
        return bool(self.carried or self.pattern)

    def days(self, generator: np.random.Generator, count: int) -> list[pd.DataFrame]:
        """Calm days in order."""
        effects = generator.normal(0, self.day_effect, (count, len(NUMBERS)))
        for day in range(1, count):
            news = np.sqrt(1 - self.carried**2) * effects[day, 0]
            effects[day, 0] = self.carried * effects[day - 1, 0] + news
        if self.pattern:
            effects[:, 0] += [PATTERNS[self.pattern](day) for day in range(count)]
        return [self.day(generator, shift) for shift in effects]

    def day(
        self,
        generator: np.random.Generator,
        shift: np.ndarray | None = None,
        rows: int | None = None,
    ) -> pd.DataFrame:
        """One calm day.

        Parameters
        ----------
        shift : array of float, shape (7,), optional
            The day's effect on each of `NUMBERS`; drawn where it is not given.
        rows : int, optional
            Others than usual.
        """
        n = self.rows if rows is None else rows
        if shift is None:
            shift = generator.normal(0, self.day_effect, len(NUMBERS))
        pair = generator.normal(size=(n, 2))
        frame = pd.DataFrame(
            {
                "normal": generator.normal(shift[0], 1, n),
                "lognormal": np.exp(0.7 * generator.normal(shift[1], 1, n)),
                "skewed": generator.gamma(2.0, np.exp(0.7 * shift[2]), n),
                # A thousandth of the reference is absurd, as in real trips.
                "with_outliers": np.where(
                    generator.random(n) < 0.001, 1e6, generator.normal(10 + 2 * shift[3], 2, n)
                ),
                "holes": np.where(
                    generator.random(n) < 0.10, np.nan, generator.normal(shift[4], 1, n)
                ),
                "left": pair[:, 0] + shift[5],
                "right": 0.8 * pair[:, 0] + 0.6 * pair[:, 1] + shift[6],
                "two": self._category(generator, np.array([0.5, 0.5]), n),
                "ten": self._category(generator, TEN, n),
                "many": self._category(generator, _zipf(self.categories), n),
                "part": self._category(generator, np.full(20, 0.05), n),
            }
        )
        return frame

    def _category(self, generator: np.random.Generator, share: np.ndarray, rows: int) -> np.ndarray:
        odds = share * np.exp(generator.normal(0, self.day_effect, len(share)))
        # One text for each category, and not one for each row: hours of a month are many rows.
        names = np.array([str(number) for number in range(len(share))], dtype=object)
        return names[generator.choice(len(share), rows, p=odds / odds.sum())]


@dataclass(frozen=True)
class HourStream:
    """What hours are made of.

    Attributes
    ----------
    rows : int
        Rows an hour.
    effect : float
        Standard deviation of what moves hours, as a day's effect moves days.
    kind : str
        One of `KINDS_OF_HOURS`: whether an hour and a day have effects of their own, whether those
        of hours go on to the next one, and whether the hour of the day and the weekend show.
    """

    rows: int
    effect: float
    kind: str

    def hours(self, generator: np.random.Generator, count: int) -> list[pd.DataFrame]:
        """Calm hours in order, from midnight of `FIRST` on."""
        stream = Stream(self.rows, self.effect if self.kind != "alike" else 0.0)
        shifts = generator.normal(0, stream.day_effect, (count, len(NUMBERS)))
        rows = np.full(count, self.rows)
        if self.kind == "days differ":
            days = generator.normal(0, self.effect, (count // 24 + 1, len(NUMBERS)))
            shifts += np.repeat(days, 24, axis=0)[:count]
        if self.kind == "hours go on":
            for at in range(1, count):
                shifts[at] = 0.6 * shifts[at - 1] + 0.8 * shifts[at]
        if self.kind == "hours of the week":
            hour = np.arange(count)
            is_weekend = np.array(
                [(FIRST + day).astype(object).weekday() >= 5 for day in hour // 24]
            )
            wave = np.sin(2 * np.pi * (hour % 24 - 8) / 24)
            shifts += (0.3 * wave + 0.15 * is_weekend)[:, None]
            rows = generator.poisson(self.rows * (1 + 0.5 * wave))
        return [
            stream.day(generator, shift, max(int(number), 1))
            for shift, number in zip(shifts, rows, strict=True)
        ]


KINDS_OF_HOURS = ("alike", "days differ", "hours go on", "hours of the week")


def _month_end(day: int) -> float:
    """Of the last two days of each month."""
    after = FIRST + np.timedelta64(day + 2, "D")
    return 0.3 if after.astype("datetime64[M]") > (FIRST + day).astype("datetime64[M]") else 0.0


# Shift of a column on each day, in its own deviations.
PATTERNS: dict[str, Callable[[int], float]] = {
    "a trend that ends with the reference": lambda day: 0.3 * min(day / REFERENCE_DAYS, 1.0),
    "month ends": _month_end,
    "weekends": lambda day: 0.3 * ((FIRST + day).astype(object).weekday() >= 5),
}
TEN = np.array([0.30, 0.20, 0.15, 0.10, 0.08, 0.06, 0.05, 0.03, 0.02, 0.01])
NUMBERS = ("normal", "lognormal", "skewed", "with_outliers", "holes", "left", "right")
CATEGORIES = ("two", "ten", "many", "part")


def _zipf(count: int) -> np.ndarray:
    weight: np.ndarray = 1 / (np.arange(count) + 5.0)
    share: np.ndarray = weight / weight.sum()
    return share


def scored(
    frame: pd.DataFrame, generator: np.random.Generator, day_effect: float, versions: int
) -> pd.DataFrame:
    """Rows of a day with predictions, outcomes and the version that predicted each.

    Errors are larger where ``normal`` is, and the day shifts the logarithm of all of them.
    """
    n = len(frame)
    prediction = 10 + 2 * frame["normal"] + frame["left"]
    size = np.exp(0.3 * frame["normal"] + generator.normal(0, day_effect))
    return frame.assign(
        target=prediction + size * generator.normal(0, 1, n),
        prediction=prediction,
        version=generator.choice([f"v{number}" for number in range(versions)], n),
    )


def shifted(column: str, deviations: float) -> Fault:
    """A mean shift, in standard deviations."""

    def fault(frame: pd.DataFrame, _: np.random.Generator, day: int) -> pd.DataFrame:
        return frame.assign(**{column: frame[column] + deviations})

    return fault


def ramp(column: str, deviations_a_day: float) -> Fault:
    """A mean that moves a little more each day."""

    def fault(frame: pd.DataFrame, _: np.random.Generator, day: int) -> pd.DataFrame:
        return frame.assign(**{column: frame[column] + deviations_a_day * (day + 1)})

    return fault


def scaled(column: str, factor: float = 1.5) -> Fault:
    """Another unit."""

    def fault(frame: pd.DataFrame, _: np.random.Generator, day: int) -> pd.DataFrame:
        return frame.assign(**{column: frame[column] * factor})

    return fault


def more_of(value: str, points: float) -> Fault:
    """A category of column `ten` up by some points, out of all others."""

    def fault(frame: pd.DataFrame, generator: np.random.Generator, day: int) -> pd.DataFrame:
        base = TEN[int(value)]
        others = (frame["ten"] != value).to_numpy()
        moved = others & (generator.random(len(frame)) < points / (1 - base))
        return frame.assign(ten=np.where(moved, value, frame["ten"]))

    return fault


def more_missing(column: str, before: float, after: float) -> Fault:
    """A share of missing values that rises."""

    def fault(frame: pd.DataFrame, generator: np.random.Generator, day: int) -> pd.DataFrame:
        lost = generator.random(len(frame)) < (after - before) / (1 - before)
        return frame.assign(**{column: frame[column].mask(lost)})

    return fault


def decorrelated(frame: pd.DataFrame, generator: np.random.Generator, day: int) -> pd.DataFrame:
    """Columns `left` and `right` lose their correlation of 0.8 and keep their values."""
    return frame.assign(right=generator.permutation(frame["right"].to_numpy()))


def in_segment(column: str, factor: float = 1.5) -> Fault:
    """Another unit in one segment of 5% of the rows."""

    def fault(frame: pd.DataFrame, _: np.random.Generator, day: int) -> pd.DataFrame:
        chosen = frame["part"] == "7"
        return frame.assign(**{column: frame[column].where(~chosen, frame[column] * factor)})

    return fault
