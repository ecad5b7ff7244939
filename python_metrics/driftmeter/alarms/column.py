"""One column of one segment: fitted on the reference days, then applied to other days."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from driftmeter.alarms.day_null import (
    INDEPENDENT,
    PRIOR_FREEDOM,
    USUAL,
    DayNull,
    calmed,
    fit_day_null,
    moving_mean,
    p_values,
    residuals,
)
from driftmeter.alarms.few_days import of_few_days
from driftmeter.alarms.first_days import days_before_a_change
from driftmeter.alarms.statistics import Scale, fit_scale, measure, new_on_their_day
from driftmeter.alarms.told import CLEAR, beside_told_days, clear_of, wanders
from driftmeter.alarms.trailing import against_trailing
from driftmeter.monitors.baselines import LAG
from driftmeter.monitors.requirements import ENOUGH_DAYS
from driftmeter.quality.counts import Counts, Floats
from driftmeter.quality.histograms import ColumnPart

# Days that are judged together, and their share of a column's evidence: the day alone finds a
# step on its first day, a week finds what creeps.
WINDOWS = {1: 0.85, 3: 0.03, 7: 0.12}
# The same where a day has fewer rows than this, of which one alone shows little.
FEW_ROWS = 60
WINDOWS_OF_FEW_ROWS = {1: 0.6, 3: 0.1, 7: 0.15, 28: 0.15}


@dataclass(frozen=True)
class ColumnNull:
    """A calibrated column.

    Attributes
    ----------
    windows : mapping of int to float
        Days that are judged together, and their share of the column's evidence.
    """

    scale: Scale
    null: DayNull
    windows: Mapping[int, float]

    @property
    def wandering(self) -> float:
        """Variance of its days: of a number's mean in its own deviations, or of log odds."""
        names = np.array(self.scale.names)
        is_number = self.scale.kind == "numerical"
        told = names == "location" if is_number else np.char.startswith(names, "value")
        # A share p follows its log odds by p (1 - p), which is the variance of a row.
        of_row = self.scale.variance[told] ** (1 if is_number else 2)
        return float(self.null.day_variance[told].sum() / max(of_row.sum(), 1e-300))


@dataclass(frozen=True)
class ColumnEvidence:
    """What speaks against calm, by day; arrays of shape (days,).

    Attributes
    ----------
    p_value : array of float
        Of the whole column: its statistics and windows weighed against each other.
    statistic : array of str
        The one that speaks loudest.
    effect : array of float
        Its difference from the level: a share, or for location standard deviations.
    observed, expected : array of float
        The statistic's value and level.
    trailing_p_value : array of float
        The same statistic against the days before; NaN where these are too few.
    """

    p_value: Floats
    statistic: npt.NDArray[np.str_]
    effect: Floats
    observed: Floats
    expected: Floats
    trailing_p_value: Floats


def calibrate_columns(reference: Mapping[ColumnPart, Counts]) -> dict[ColumnPart, ColumnNull]:
    """Fit all columns and segments to their reference days.

    Few days tell little of how days of one column wander. So they are held against what all
    columns over all rows show, and that against what is usual.
    """
    whole = {
        part: calibrate_column(counts) for part, counts in reference.items() if part.is_all_rows
    }
    scales = {part.column: one.scale for part, one in whole.items()}
    days = max((counts.whole_days for counts in reference.values()), default=0)
    if days >= ENOUGH_DAYS:
        return {
            part: whole.get(part) or calibrate_column(counts, scales.get(part.column))
            for part, counts in reference.items()
        }
    found = {part.column: one.wandering for part, one in whole.items()}
    # Columns of the same days wander together: many tell about as much as a few.
    told = max(days - 1, 0) * min(len(found), INDEPENDENT)
    of_all = _mean_of(USUAL**2, float(np.mean([*found.values()] or [0.0])), told)
    return {
        part: calibrate_column(
            counts,
            scales.get(part.column),
            _mean_of(of_all, found.get(part.column, of_all), days - 1),
        )
        for part, counts in reference.items()
    }


def _mean_of(expected: float, found: float, days: float) -> float:
    """What is expected and what so many days show, weighed by their degrees of freedom."""
    return (PRIOR_FREEDOM * expected + days * found) / (PRIOR_FREEDOM + days)


def calibrate_column(
    reference: Counts, of_column: Scale | None = None, wandering: float | None = None
) -> ColumnNull:
    """Fit a column's scale and day-level null to its reference days.

    First days that lie before a change count for the scale, and not for the null.

    Parameters
    ----------
    of_column : Scale, optional
        Of the column over all rows, whose groups of categories a segment has too.
    wandering : float, optional
        Variance of days to expect where the reference has few of them, as `ColumnNull.wandering`.
    """
    scale = fit_scale(reference, of_column)
    values, rows = measure(scale, reference)
    if reference.kind == "categorical":
        # Against all other days: the reference holds no value that it never had.
        unseen = scale.names.index("value 0")
        values[:, unseen] = new_on_their_day(reference) / np.maximum(rows[:, unseen], 1)
    alike = np.array([name.startswith("value") for name in scale.names])
    alike &= reference.kind == "categorical"
    usual = reference.rows[reference.rows > 0]
    prior = None
    if wandering is not None:
        days = reference.whole_days
        scale, prior = of_few_days(scale, float(rows.sum(axis=0).max()), days, wandering)

    def fit_from(first: int) -> DayNull:
        return fit_day_null(
            values[first:],
            rows[first:],
            scale.variance,
            reference.weekdays[first:],
            alike,
            scale.is_share,
            prior,
            reference.cadence.levels,
        )

    first = 0
    if reference.whole_days >= ENOUGH_DAYS:
        first = days_before_a_change(fit_from, scale, values, rows, reference.weekdays)
    null = fit_from(first)
    is_few = len(usual) > 0 and float(usual.mean()) < FEW_ROWS
    return ColumnNull(scale, null, WINDOWS_OF_FEW_ROWS if is_few else WINDOWS)


def calibrate_anew(days: Counts, column: ColumnNull | None) -> ColumnNull:
    """Fit a column to days of its own in place of its reference's.

    Where they are few, they are held against how much its reference's days vary.

    Parameters
    ----------
    column : ColumnNull or None
        As the reference has it; None where that has no value of it.
    """
    own = calibrate_column(days)
    count = days.whole_days
    if count >= ENOUGH_DAYS:
        return own
    expected = USUAL**2 if column is None else column.wandering
    return calibrate_column(days, None, _mean_of(expected, own.wandering, count - 1))


def weighed_p_values(
    column: ColumnNull, values: Floats, rows: Floats, weekdays: npt.NDArray[np.int64]
) -> Iterator[tuple[int, Floats]]:
    """P-values of each window's statistics, over their shares of the column's evidence.

    Returns
    -------
    iterator of (int, array of float of shape (days, S))
        Days that are judged together, and their p-values, which may be above 1.
    """
    scale, null = column.scale, column.null
    calm = calmed(null, values, rows, weekdays)
    is_positive = np.array(scale.names) == "spread"
    for length, share in column.windows.items():
        judged = values if length == 1 else calm
        asked = (judged, rows, weekdays, scale.least, scale.is_share, length, is_positive)
        yield length, p_values(null, *asked) / (scale.weights * share)


def judge_columns(
    columns: Mapping[ColumnPart, ColumnNull],
    counts: Mapping[ColumnPart, Counts],
    excluded: npt.NDArray[np.bool_] | None = None,
) -> dict[ColumnPart, ColumnEvidence]:
    """Hold each day of a span against all calibrated columns, over all rows and by segment.

    Beside what `judge_column` says of each part, a day is not new on which a column is as far away
    as it was several times before, in whatever part of it.

    Parameters
    ----------
    counts : mapping of ColumnPart to Counts
        As `judge_column` takes them; a part without counts is left out.
    """
    evidence = {
        part: judge_column(column, counts[part], excluded)
        for part, column in columns.items()
        if part in counts
    }
    clear = next((clear_of(counts[part].cadence) for part in evidence), CLEAR)
    by_column: dict[str, list[ColumnPart]] = {}
    for part in evidence:
        by_column.setdefault(part.column, []).append(part)
    for parts in by_column.values():
        p_values = np.array([evidence[part].p_value for part in parts])
        if excluded is not None:
            p_values = np.where(excluded, np.nan, p_values)
        for part, is_known in zip(parts, wanders(p_values, clear), strict=True):
            trailing = np.where(is_known, 1.0, evidence[part].trailing_p_value)
            evidence[part] = replace(evidence[part], trailing_p_value=trailing)
    return evidence


def judge_column(
    column: ColumnNull, counts: Counts, excluded: npt.NDArray[np.bool_] | None = None
) -> ColumnEvidence:
    """Hold each day of a span against the calibrated column.

    Parameters
    ----------
    counts : Counts
        Every day of the span in order, days without rows as zeros.
    excluded : array of bool, shape (days,), optional
        Days that no trailing baseline may hold.
    """
    scale, null = column.scale, column.null
    values, rows = measure(scale, counts)
    calm = calmed(null, values, rows, counts.weekdays)
    difference, variance, _ = residuals(null, values, rows, counts.weekdays)
    creeping = calm - null.level[counts.weekdays]
    every = np.arange(len(counts.days))
    best, statistic = np.full(len(every), np.inf), np.zeros(len(every), dtype=np.int64)
    effects, lengths = difference.copy(), np.ones(len(every))
    clear = {}
    for length, weighed in weighed_p_values(column, values, rows, counts.weekdays):
        clear[length] = weighed <= clear_of(counts.cadence)
        loudest = weighed.argmin(axis=1)
        is_louder = weighed[every, loudest] < best
        best = np.where(is_louder, weighed[every, loudest], best)
        statistic = np.where(is_louder, loudest, statistic)
        lengths = np.where(is_louder, length, lengths)
        if length > 1:
            effects = np.where(is_louder[:, None], moving_mean(creeping, length), effects)
    at = (every, statistic)
    level = null.level[counts.weekdays]
    known = (scale.variance / np.maximum(rows, 1))[at] / np.maximum(variance[at], 1e-300)
    usable = np.isfinite(difference)
    if excluded is not None:
        usable &= ~excluded[:, None]
    trailing_p = np.full(len(every), np.nan)
    for lag in sorted({max(LAG, length) for length in column.windows}):
        of_lag = np.maximum(lengths, LAG) == lag
        trailing_p[of_lag] = against_trailing(
            effects[at],
            variance[at],
            np.where(usable, difference, np.nan),
            statistic,
            lengths,
            null.freedom[statistic],
            known,
            null.heaviness[statistic],
            lag,
        )[of_lag]
    own = _variance_where_it_is(scale, values, rows, variance)
    # A window says nothing new either of what single days have told.
    for length, is_clear in clear.items():
        differences = difference if length == 1 else moving_mean(creeping, length)
        told = beside_told_days(
            effects[at],
            own[at] / lengths,
            np.where(usable, differences, np.nan),
            own / length,
            is_clear,
            statistic,
        )
        asked = (lengths == length) | (length == 1)
        trailing_p[asked] = np.fmax(trailing_p, told)[asked]
    return ColumnEvidence(
        p_value=np.where(counts.rows > 0, np.minimum(best, 1.0), np.nan),
        statistic=np.array(scale.names)[statistic],
        effect=effects[at],
        observed=values[at],
        expected=level[at],
        trailing_p_value=trailing_p,
    )


def _variance_where_it_is(scale: Scale, values: Floats, rows: Floats, variance: Floats) -> Floats:
    """Variance of a day, of a share no less than its rows have at the share that the day shows.

    A share that was 0 in the reference period hardly varies by its variance. A day on which it is
    30% varies as 30% does, and the next one must not be further away by that alone.

    Parameters
    ----------
    values, rows, variance : arrays of float, shape (days, S)
    """
    shares = np.where(scale.is_share, np.clip(values, 0, 1), 0.0)
    larger: Floats = np.fmax(variance, shares * (1 - shares) / np.maximum(rows, 1))
    return larger
