"""What a monitor can find: the smallest change of a column that alarms four times in five.

Days are drawn from the reference's own counts, with the rows and the day effects of its null, and
held against the same thresholds as real days. So an answer is that of the judging itself, and not
of a formula beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from scipy import special

from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import ColumnNull, weighed_p_values
from driftmeter.alarms.day_null import DayNull, correlation_within
from driftmeter.alarms.decision import OF_COLUMNS, decide_day
from driftmeter.alarms.statistics import measure
from driftmeter.monitors.cadence import HOURS
from driftmeter.monitors.config import Monitor
from driftmeter.quality.counts import Counts, Floats, Ints
from driftmeter.quality.histograms import ColumnPart

# Share of changes that are found, and how many are drawn to tell it.
FOUND, DRAWS = 0.8, 200
# A size is narrowed down to a twentieth of itself, by halving at most so often. Within that and as
# much more on either side it is interpolated by the shares of more draws: by 200 and rounded up,
# 0.83 to 0.85 were found where 0.8 is said (benchmarks/power.py).
ROUNDED, STEPS = 0.05, 12
MORE_DRAWS = 1000
SEED = 20261129
FORGET = sa.text("delete from metrics.findable_changes where monitor = :monitor")
KEEP = sa.text(
    "insert into metrics.findable_changes (monitor, column_name, change, usual, batches, size,"
    " unit, spread_in_unit, false_alarms_per_month) values (:monitor, :column, :change, :usual,"
    " :batches, :size, :unit, :spread_in_unit, :budget)"
)


@dataclass(frozen=True)
class Findable:
    """The smallest change of one kind that is found in time, four times in five.

    Attributes
    ----------
    column : str
    change : str
        What changes, in words.
    usual : float or None
        The share that it has in the reference period; None of a mean.
    within : dict of int to float or None
        Size by days from its first: of a mean in the column's own standard deviations, else as a
        share of rows. None where no size is found.
    unit : str or None
        Of a mean, the column's unit, and `spread_in_unit` of it make a standard deviation.
    spread_in_unit : float or None
    """

    column: str
    change: str
    usual: float | None
    within: dict[int, float | None]
    unit: str | None = None
    spread_in_unit: float | None = None


@dataclass(frozen=True)
class DrawnFrom:
    """What a column's days are drawn from: shares of its bins, of missing values, and its rows."""

    bins: Floats
    missing: float
    rows: int

    @classmethod
    def of(cls, counts: Counts, rows: int | None = None) -> "DrawnFrom":
        """Of the reference's days; with other rows a day where they are given."""
        known, missing = counts.known.sum(axis=0), counts.missing.sum()
        usual = float(np.median(counts.rows[counts.rows > 0]))
        share = float(missing / (known.sum() + missing))
        return cls(known / known.sum(), share, rows or round(usual))


# Makes shares of bins and of missing values another, by the size of a change.
Change = Callable[[DrawnFrom, float], DrawnFrom]


def shifted(reference: DrawnFrom, size: float) -> DrawnFrom:
    """A number's values moved up by `size` of its own standard deviations."""
    (bins,) = _moved(reference.bins, np.array([[size]]))
    return DrawnFrom(bins, reference.missing, reference.rows)


def _moved(bins: Floats, sizes: Floats) -> Floats:
    """Shares of a number's bins, moved up by each size; sizes of shape (days, 1)."""
    edges = special.ndtri(np.clip(np.cumsum(bins)[:-1], 0, 1))
    ends = np.zeros((len(sizes), 1)), np.ones((len(sizes), 1))
    moved: Floats = np.diff(np.hstack([ends[0], special.ndtr(edges - sizes), ends[1]]), axis=1)
    return np.clip(moved, 0, None)


def with_more_missing(reference: DrawnFrom, size: float) -> DrawnFrom:
    """`size` more of all rows without a value."""
    return DrawnFrom(reference.bins, min(reference.missing + size, 1.0), reference.rows)


def with_more_of(place: int, reference: DrawnFrom, size: float) -> DrawnFrom:
    """`size` more of the known rows in one bin, taken from all others alike."""
    own = reference.bins[place]
    bins = reference.bins * (1 - size / max(1 - own, 1e-12))
    bins[place] = own + size
    return DrawnFrom(np.clip(bins, 0, 1), reference.missing, reference.rows)


def findable(
    monitor: Monitor,
    calibration: Calibration,
    counts: Counts,
    name: str,
    rows: int | None = None,
) -> Iterator[Findable]:
    """What is found of a column over all rows, by kind of change.

    Parameters
    ----------
    counts : Counts
        Of the reference's days.
    rows : int, optional
        Rows of a day; the reference's median without it.
    """
    reference = DrawnFrom.of(counts, rows)
    column = calibration.columns[ColumnPart(None, None, name)]
    level, least = _level(monitor, calibration), monitor.least_effect
    values = [each for each in column.scale.names if each.startswith("value")]

    def find(change: Change, most: float, floor: float, *told: str) -> dict[int, float | None]:
        places = np.array([column.scale.names.index(name) for name in told], dtype=np.int64)
        found = partial(share_found, reference, column, counts, level, change, places)
        return _smallest(found, list(column.windows), most, floor)

    if counts.kind == "numerical":
        unit, spread = monitor.columns[name].unit, column.scale.spread_in_unit
        is_told = bool(np.isfinite(spread) and spread > 0)
        yield Findable(
            name,
            "mean",
            None,
            find(shifted, 6.0, least.shift, "location"),
            unit,
            float(spread) if is_told else None,
        )
    else:
        # What the reference never had is bin 0.
        largest = int(reference.bins.argmax())
        rest = 1 - float(reference.bins[largest])
        yield Findable(
            name,
            "its most frequent category",
            float(reference.bins[largest]),
            find(partial(with_more_of, largest), rest, least.share, *values),
        )
        yield Findable(
            name,
            "a new category",
            0.0,
            find(partial(with_more_of, 0), 1.0, least.share, *values),
        )
    rest = 1 - reference.missing
    yield Findable(
        name,
        "missing values",
        reference.missing,
        find(with_more_missing, rest, least.share, "missing"),
    )


def store_findable(connection: sa.Connection, monitor: Monitor, found: Sequence[Findable]) -> None:
    """Keep what a monitor can find in place of what was kept before, for its dashboard."""
    budget = monitor.alarm_budget.false_alarms_per_month
    rows = [
        {"monitor": monitor.name, "budget": budget, "batches": batches, "size": size, **vars(each)}
        for each in found
        for batches, size in each.within.items()
    ]
    connection.execute(FORGET, {"monitor": monitor.name})
    if rows:
        connection.execute(KEEP, rows)


def _level(monitor: Monitor, calibration: Calibration) -> float:
    """The p-value that a column's evidence has to reach, if it is the day's only alarm."""
    families = ["rows" if part.is_all_rows else "segments" for part in calibration.columns]
    families += ["multivariate"] if calibration.classifier is not None else []
    none = np.ones(len(families))
    decided = decide_day(monitor, np.array(families), none, *OF_COLUMNS)
    return float(decided.threshold_p[families.index("rows")])


def _smallest(
    found: Callable[..., float], lengths: Sequence[int], most: float, floor: float
) -> dict[int, float | None]:
    """The smallest size found within the shortest and the longest window."""
    answer: dict[int, float | None] = {}
    for within in (lengths[0], lengths[-1]):
        low, high = 0.0, most
        if found(within, high) < FOUND:
            answer[within] = None
            continue
        for _ in range(STEPS):
            middle = (low + high) / 2
            is_found = found(within, middle) >= FOUND
            low, high = (low, middle) if is_found else (middle, high)
            if high - low < ROUNDED * high:
                break
        size = _between(
            partial(found, within), low / (1 + ROUNDED), min(high / (1 - ROUNDED), most)
        )
        # A smaller one is no alarm, however certain it is.
        answer[within] = max(size, floor)
    return answer


def _between(found: Callable[..., float], low: float, high: float) -> float:
    """The size between two that `FOUND` of more draws find, taken for a normal's quantiles."""
    half = 0.5 / MORE_DRAWS
    at_low, at_high, wanted = (
        float(special.ndtri(np.clip(share, half, 1 - half)))
        for share in (found(low, MORE_DRAWS), found(high, MORE_DRAWS), FOUND)
    )
    if at_high <= at_low:
        return high
    return low + (high - low) * min(max((wanted - at_low) / (at_high - at_low), 0.0), 1.0)


def share_found(
    reference: DrawnFrom,
    column: ColumnNull,
    counts: Counts,
    level: float,
    change: Change,
    places: Ints,
    within: int,
    size: float,
    draws: int = DRAWS,
) -> float:
    """Share of changes of a size that alarm within so many days.

    The same seed draws all sizes, so that a larger change is not found less often by chance.

    Parameters
    ----------
    level : float
        P-value that an alarm needs.
    places : array of int
        The statistics that tell the change.
    draws : int
        How many changes are drawn.
    """
    generator = np.random.default_rng(SEED)
    before = max(length for length in column.windows if length <= within) - 1
    block = before + within
    is_changed = np.tile(np.arange(block) >= before, draws)
    known = np.zeros((len(is_changed), len(reference.bins)))
    missing = np.zeros(len(is_changed))
    width = 1 if column.scale.kind == "numerical" else known.shape[1]
    hours = counts.cadence.is_hourly and Effects.of_hours(column, width, block, draws, generator)
    for shares, chosen in ((reference, ~is_changed), (change(reference, size), is_changed)):
        effects = hours.of(chosen) if hours else Effects.draw(width, chosen.sum(), generator)
        known[chosen], missing[chosen] = _drawn(shares, column, effects, generator)
    days = counts.days[0] + np.arange(len(is_changed))
    drawn = Counts(counts.kind, days, known, missing, counts.low)
    values, rows = measure(column.scale, drawn)
    windows = {length: share for length, share in column.windows.items() if length <= within}
    told = replace(_only(column, places), windows=windows)
    values, rows = values[:, places], rows[:, places]
    # What the level of a mean is, is as well known as the reference tells.
    of_level = np.sqrt(told.null.level_variance.mean(axis=0)) * ~told.scale.is_share
    values += np.repeat(generator.normal(0, of_level, (draws, len(of_level))), block, axis=0)
    weekdays = np.zeros(len(is_changed), dtype=np.int64)
    p_value = np.minimum.reduce(
        [weighed.min(axis=1) for _, weighed in weighed_p_values(told, values, rows, weekdays)]
    )
    found = (p_value <= level) & is_changed
    return float(found.reshape(draws, block).any(axis=1).mean())


def _only(column: ColumnNull, places: Ints) -> ColumnNull:
    """The column with some of its statistics, and all weekdays alike."""
    scale, null = column.scale, column.null
    center = np.where(scale.center > 0, scale.center, null.level.mean(axis=0))
    arrays = {name: values[..., places] for name, values in vars(null).items()}
    arrays["level"] = np.tile(center[places], (len(null.level), 1))
    return replace(
        column,
        scale=replace(
            scale,
            names=tuple(scale.names[place] for place in places),
            variance=scale.variance[places],
            center=scale.center[places],
            weights=scale.weights[places],
            is_share=scale.is_share[places],
            least=scale.least[places],
        ),
        null=DayNull(**arrays),
    )


@dataclass(frozen=True)
class Effects:
    """What moves each of B batches, in standard deviations of a batch's effect.

    Attributes
    ----------
    values : array of float, shape (B, width)
        Of a number's mean, whose width is 1, or of the log odds of each category.
    missing : array of float, shape (B,)
        Of the log odds of missing values.
    """

    values: Floats
    missing: Floats

    @classmethod
    def draw(cls, width: int, batches: int, generator: np.random.Generator) -> "Effects":
        """Of batches that move each by itself."""
        return cls(generator.normal(size=(batches, width)), generator.normal(size=batches))

    @classmethod
    def of_hours(
        cls, column: ColumnNull, width: int, length: int, spans: int, generator: np.random.Generator
    ) -> "Effects":
        """Of spans of hours: those of one day move together by as much as the null takes them to.

        Parameters
        ----------
        length, spans : int
            Hours of a span, and how many spans. A span begins at any hour of a day.
        """
        hour = generator.integers(HOURS, size=(spans, 1)) + np.arange(length)
        day = hour // HOURS + np.arange(spans)[:, None] * (length + HOURS)
        _, day = np.unique(day, return_inverse=True)
        alone = cls.draw(width, spans * length, generator)
        of_days = cls.draw(width, int(day.max()) + 1, generator).of(day.ravel())
        of_missing, of_values = _shared_by_hours(column)
        return cls(
            np.sqrt(of_values) * of_days.values + np.sqrt(1 - of_values) * alone.values,
            np.sqrt(of_missing) * of_days.missing + np.sqrt(1 - of_missing) * alone.missing,
        )

    def of(self, chosen: npt.NDArray[Any]) -> "Effects":
        """Of some of the batches, by a mask or by positions."""
        return Effects(self.values[chosen], self.missing[chosen])


def _shared_by_hours(column: ColumnNull) -> tuple[float, float]:
    """How much of an hour's effect its whole day has, 0 to 1: of missing values, and of values."""
    within = correlation_within(column.null.correlation, HOURS)
    # The mean of a day's hours varies by 1 + 23 of this times as much as if they were independent.
    shared = np.clip(2 * within / (HOURS - 1), 0, 1)
    names = np.array(column.scale.names)
    is_number = column.scale.kind == "numerical"
    told = names == "location" if is_number else np.char.startswith(names, "value")
    return float(shared[0]), float(shared[told].mean())


def _drawn(
    shares: DrawnFrom, column: ColumnNull, effects: Effects, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Known rows by bin and missing rows of batches, each with its effect."""
    moved = np.sqrt(column.wandering) * effects.values
    if column.scale.kind == "numerical":
        bins = _moved(shares.bins, moved)
    else:
        bins = shares.bins * np.exp(moved)
    of_missing = np.sqrt(column.null.day_variance[0]) / max(column.scale.variance[0], 1e-12)
    odds = shares.missing / max(1 - shares.missing, 1e-12)
    odds = odds * np.exp(min(of_missing, 1.0) * effects.missing)
    missing = np.asarray(generator.binomial(shares.rows, odds / (1 + odds)))
    known = generator.multinomial(shares.rows - missing, bins / bins.sum(axis=1, keepdims=True))
    return known.astype(float), missing.astype(float)
