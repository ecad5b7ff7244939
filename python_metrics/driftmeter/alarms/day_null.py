"""The null distribution of a day: sampling noise of its rows, and variation between days.

A statistic of day d is modelled as ``mean + weekday + b_d + e_d``: b_d is the day effect, with a
variance that the reference days show, and e_d the sampling error, whose variance is known from the
number of rows. P-values that take rows for independent leave b_d out, and alarm on every large day.

The day variance is DerSimonian and Laird's moment estimator (1986) with each day as a study; a new
day is held against the prediction interval of Higgins, Thompson and Spiegelhalter (2009): Student's
t with the reference days' degrees of freedom, as far as the variance had to be estimated. Weekdays
are shrunk to their mean by as much as they do not stand out (James and Stein 1961). Small shares
are held against a negative binomial too, since a normal tail is too thin for counts.

Rows that come in groups, as bookings of one agency do, make the shares of all categories wander by
more than single rows would, and now and then by far more. How much more is pooled over a column's
categories, for of a rare one the reference's days tell little; and where days wander by far more
than a normal would now and then, they are held against the Student's t that fits them best.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from driftmeter.alarms.alike_hours import DaysOfHours
from driftmeter.monitors.cadence import FEWEST_OF_A_LEVEL, MONTHS
from driftmeter.monitors.requirements import ENOUGH_DAYS
from driftmeter.quality.counts import Floats

# Below this share counts are too skew for a normal tail at any number of rows met here.
SMALL_SHARE = 0.2
WEEK = 7
LEAST_FREEDOM = 4.0
MOST_CORRELATION = 0.95
# How far a day may pull a window, in its own standard deviations.
MOST_DEVIATIONS = 3.0
# Degrees of freedom that an expected day variance weighs beside theirs.
PRIOR_FREEDOM = 4.0
# Standard deviation of days to expect where nothing tells of it: of numbers in their own, of
# categories in log odds.
USUAL = 0.1
# Days that what all of a column's categories show of groups weighs for one of them.
PRIOR_DAYS = 10.0
# A share of fewer rows a day has a skew of its own, which the negative binomial holds.
FEW_ROWS = 5.0
# Tails that are tried, from the heaviest; and by how much one must be likelier than a normal.
HEAVY = (2.2, 2.5, 3.0, 4.0, 6.0, 10.0)
PLAIN_LIKELIHOOD = 4.0
INDEPENDENT = 4
FEWEST_FOR_TAILS = 28
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(96)


@dataclass(frozen=True)
class DayNull:
    """What calm days look like, for S statistics of one column.

    Attributes
    ----------
    level : array of float, shape (levels, S)
        Expected value by weekday; by hour of workdays and weekends where batches are hours, by
        month of the year where they are months.
    day_variance : array of float, shape (S,)
        Variance of the day effect.
    row_variance : array of float, shape (S,)
        Variance of one row's contribution.
    level_variance : array of float, shape (levels, S)
        Variance of the level's own estimate.
    reference_noise : array of float, shape (S,)
        Mean sampling variance of a reference day.
    freedom : array of float, shape (S,)
        Degrees of freedom of the day variance.
    correlation : array of float, shape (S,)
        How much a day's effect goes on to the next, 0 to 1.
    heaviness : array of float, shape (S,)
        Degrees of freedom of the Student's t, of variance 1, that the reference's days follow;
        infinite where they follow a normal.
    window_freedom : array of float, shape (S,)
        Degrees of freedom of the variance of several days together: those of `freedom`; of hours,
        which are alike within a day, no more than those of whole days.
    """

    level: Floats
    day_variance: Floats
    row_variance: Floats
    level_variance: Floats
    reference_noise: Floats
    freedom: Floats
    correlation: Floats
    heaviness: Floats
    window_freedom: Floats


def fit_day_null(
    values: Floats,
    rows: Floats,
    row_variance: Floats,
    weekdays: npt.NDArray[np.int64],
    alike: npt.NDArray[np.bool_] | None = None,
    is_share: npt.NDArray[np.bool_] | None = None,
    prior: Floats | None = None,
    levels: int = WEEK,
) -> DayNull:
    """Fit the null to reference days.

    Parameters
    ----------
    values, rows : arrays of float, shape (days, S)
    row_variance : array of float, shape (S,)
    weekdays : array of int, shape (days,)
        Which of the levels each day has.
    alike : array of bool, shape (S,), optional
        Shares of categories, whose rows come in groups alike.
    is_share : array of bool, shape (S,), optional
        Shares of rows; none is without it.
    prior : array of float, shape (S,), optional
        Day variances to expect, which weigh as `PRIOR_FREEDOM` days where there are fewer than
        `ENOUGH_DAYS`; of hours it is whole days that vary so, and that are counted.
    levels : int
        How many there are: the weekdays, the hours of workdays and of weekends, or the months of a
        year.
    """
    noise = row_variance / np.maximum(rows, 1)
    # A day without rows weighs nothing.
    known = (rows > 0) & np.isfinite(values)
    filled = np.where(known, values, 0.0)
    days = known.sum(axis=0)
    rough = _day_variance(filled, known, noise, _mean(filled, known / noise), days - 1)
    weight = known / (noise + rough)
    mean = _mean(filled, weight)
    of_level = weekdays
    has_hours = levels > MONTHS
    if not has_hours:
        # Of months those of three years are told apart, of weekdays those of three weeks.
        weekday_mean, shrink = _weekdays(filled, weight, mean, weekdays, levels)
        count = levels
    else:
        width, count = _fitted_hours(known, weekdays, levels)
        of_level = weekdays % width
        weekday_mean, shrink = _hours(filled, weight, mean, of_level, width, count)
        weekday_mean = np.tile(weekday_mean, (levels // width, 1))
    level = mean + shrink * (weekday_mean - mean)
    freedom = np.maximum(days - 1 - (count - 1) * shrink, LEAST_FREEDOM)
    fitted = level[weekdays]
    day_variance = _day_variance(filled, known, noise, fitted, freedom)
    typical = np.where(known, noise, 0).sum(axis=0) / np.maximum(days, 1)
    of_days_rows = np.where(known, filled * rows, 0).sum(axis=0) / np.maximum(days, 1)
    if alike is not None and alike.any():
        squares = np.where(known, (filled - fitted) ** 2, 0).sum(axis=0)
        squares *= days / np.maximum(freedom, 1)
        day_variance = _pooled(day_variance, squares, typical, days, of_days_rows, alike)
    if prior is not None:
        day_variance, freedom = _with_prior(
            day_variance, days, (count - 1) * shrink, typical, prior
        )
    total = day_variance + typical
    standardized = np.where(known, filled - fitted, 0.0) / np.sqrt(total + 1e-300)
    of_days = _correlation(standardized, np.maximum(days, 1))
    # The noise of the rows does not go on.
    share = day_variance / np.maximum(total, 1e-300)
    correlation = _of_effect(of_days, share)
    # Days that go on from each other tell less of their mean and of their spread than as many that
    # do not (Bartlett 1946), and what they lack of it is missing from their variance.
    inflated = np.minimum(_inflation(share, correlation), np.maximum(days / 2, 1))
    lacking = np.maximum(days - 1, 1) / np.maximum(days - inflated, 1)
    per_weekday = np.array([known[of_level == day].sum(axis=0) for day in range(levels)])
    if has_hours:
        per_weekday = per_weekday[np.arange(levels) % width]
    of_mean = inflated / np.maximum(days, 1) + shrink / np.maximum(per_weekday, 1)
    freedom = np.maximum(freedom / _inflation(share**2, correlation**2), LEAST_FREEDOM)
    null = DayNull(
        level=level,
        day_variance=day_variance * lacking,
        row_variance=row_variance,
        level_variance=total * lacking * of_mean,
        reference_noise=typical,
        freedom=freedom,
        # One standard error more: windows add up what a little too small a correlation leaves out.
        correlation=_of_effect(of_days + 1 / np.sqrt(np.maximum(days, 1)), share),
        heaviness=_heaviness(standardized, known, of_days_rows, rows, is_share),
        window_freedom=freedom,
    )
    if not has_hours:
        return null
    taken = (count - 1) * shrink
    hours = DaysOfHours.of(filled - fitted, known, weekdays, taken)
    # Of single hours their levels, of whole days no more than workdays and weekends.
    is_told_apart = shrink * (width == levels)
    return _with_whole_days(
        null, hours, is_told_apart, shrink / np.maximum(per_weekday, 1), alike, prior
    )


def _with_whole_days(
    null: DayNull,
    hours: DaysOfHours,
    is_told_apart: Floats,
    of_single: Floats,
    alike: npt.NDArray[np.bool_] | None,
    prior: Floats | None,
) -> DayNull:
    """The null of hours, with what moves whole days.

    Of few days the variance of days is held against what is expected of it. That is `prior`, and
    without it the variance of hours: a day moves as far as an hour of its own does.

    Parameters
    ----------
    is_told_apart : array of float, shape (S,)
        By how much workdays and weekends have levels of their own, 0 to 1.
    of_single : array of float, shape (levels, S)
        Of the variance of one hour, what the level of its hour varies by.
    """
    noise, within = null.reference_noise, hours.within / hours.hours
    own = hours.of_days
    if alike is not None and alike.any():
        of_rows = np.full(len(own), FEW_ROWS)
        own = _pooled(own, hours.between * hours.days, within, hours.days, of_rows, alike)
    freedom = np.maximum(hours.freedom - is_told_apart, 0.0)
    is_young = hours.days < ENOUGH_DAYS
    of_hours = np.maximum(hours.within - noise, 0.0)
    expected = of_hours if prior is None else prior
    weight = np.where(is_young, PRIOR_FREEDOM, 0.0)
    own = (weight * expected + freedom * own) / np.maximum(freedom + weight, 1.0)
    freedom = np.maximum(freedom + weight, 1.0)
    variance = np.maximum(null.day_variance, own + of_hours)
    total = variance + noise
    between = own + (total - own) / hours.hours
    satterthwaite = total**2 / (
        between**2 / freedom + (total - between) ** 2 / hours.freedom_within + 1e-300
    )
    inflation = hours.inflation(own, variance)
    correlation = np.maximum(null.correlation, correlation_of_days(inflation, hours.hours))
    days = hours.kind[np.repeat([0, 1], len(null.level) // 2)]
    days = np.maximum(is_told_apart * days + (1 - is_told_apart) * hours.days, 1)
    return replace(
        null,
        day_variance=variance,
        level_variance=np.maximum(null.level_variance, between / days + total * of_single),
        freedom=np.maximum(np.minimum(null.freedom, satterthwaite), LEAST_FREEDOM),
        correlation=correlation,
        window_freedom=np.maximum(np.minimum(null.window_freedom, freedom), LEAST_FREEDOM),
    )


def correlation_of_days(inflation: Floats, hours: Floats) -> Floats:
    """The autoregressive correlation at which the mean of a day varies by so many times more."""
    tried = np.linspace(0, MOST_CORRELATION, 96)
    found = [
        np.interp(wanted, 1 + 2 * correlation_within(tried, max(round(length), 2)), tried)
        for wanted, length in zip(inflation, hours, strict=True)
    ]
    return np.array(found)


def _with_prior(
    day_variance: Floats, days: Floats, taken: Floats, noise: Floats, prior: Floats
) -> tuple[Floats, Floats]:
    """Day variances of few days and their degrees of freedom, with what is expected of them.

    The variance of a day, its noise included, is the mean of what was found and what is expected,
    weighed by their degrees of freedom (Smyth 2004).

    Parameters
    ----------
    taken : array of float, shape (S,)
        Degrees of freedom that the levels took.
    """
    own = np.maximum(days - 1 - taken, 0.0)
    both = (PRIOR_FREEDOM * (prior + noise) + own * (day_variance + noise)) / (PRIOR_FREEDOM + own)
    is_young = days < ENOUGH_DAYS
    freedom = np.where(is_young, PRIOR_FREEDOM + own, np.maximum(own, LEAST_FREEDOM))
    return np.where(is_young, both - noise, day_variance), freedom


def _pooled(
    day_variance: Floats,
    squares: Floats,
    noise: Floats,
    days: Floats,
    count: Floats,
    alike: npt.NDArray[np.bool_],
) -> Floats:
    """Day variances of categories, each as far as its rows do not tell it pulled to what all show.

    The variance of a share over that of single rows is the design effect of groups (Kish 1965).

    Parameters
    ----------
    squares : array of float, shape (S,)
        Sum of squared differences, corrected for what was fitted.
    noise : array of float, shape (S,)
        Mean sampling variance of a day.
    days, count : arrays of float, shape (S,)
        Days, and rows of the category on a day.
    """
    expected = (noise * days)[alike].sum()
    of_all = max(squares[alike].sum() / max(expected, 1e-300) - 1, 0.0)
    own = day_variance / np.maximum(noise, 1e-300)
    information = days * np.minimum(count, 1.0)
    shrunk = (information * own + PRIOR_DAYS * of_all) / (information + PRIOR_DAYS)
    pooled: Floats = np.where(alike, shrunk * noise, day_variance)
    return pooled


def _heaviness(
    standardized: Floats,
    known: npt.NDArray[np.bool_],
    count: Floats,
    rows: Floats,
    is_share: npt.NDArray[np.bool_] | None,
) -> Floats:
    """Degrees of freedom of the Student's t that a statistic's days follow; shape (S,).

    Each mean tells of it by itself, the shares of a column together, and the heaviest is that of
    all. Shares of few rows are skew by themselves, and tell nothing of it.
    """
    shares = np.zeros(len(count), dtype=bool) if is_share is None else is_share
    others = rows.mean(axis=0) - count
    is_told = shares & (count >= FEW_ROWS) & (others >= FEW_ROWS)
    tails = [_tail_of(standardized[known[:, place], place], 1) for place in np.flatnonzero(~shares)]
    if is_told.any():
        tails.append(_tail_of(standardized[:, is_told][known[:, is_told]], is_told.sum()))
    # What makes one statistic of a column burst moves its others too.
    return np.full(len(count), min(tails, default=np.inf))


def _tail_of(standardized: Floats, statistics: int) -> float:
    """Of the tails in `HEAVY` the likeliest, infinite where a normal is about as likely."""
    spread = float(np.sqrt(np.mean(standardized**2))) if len(standardized) else 0.0
    if len(standardized) < FEWEST_FOR_TAILS * statistics or spread <= 0:
        return np.inf
    deviations = standardized / spread
    likelihood = [float(_log_density(deviations, freedom).sum()) for freedom in HEAVY]
    normal = float((-(deviations**2) / 2 - np.log(2 * np.pi) / 2).sum())
    best = int(np.argmax(likelihood))
    # Shares of one day hang together: many tell about as much as a few.
    lead = (likelihood[best] - normal) * min(statistics, INDEPENDENT) / statistics
    return HEAVY[best] if lead > PLAIN_LIKELIHOOD else np.inf


def _log_density(deviations: Floats, freedom: float) -> Floats:
    """Of Student's t, scaled to variance 1."""
    scale = np.sqrt((freedom - 2) / freedom)
    half = (freedom + 1) / 2
    constant = special.gammaln(half) - special.gammaln(freedom / 2)
    constant -= np.log(np.pi * freedom) / 2 + np.log(scale)
    density: Floats = constant - half * np.log1p((deviations / scale) ** 2 / freedom)
    return density


def residuals(
    null: DayNull, values: Floats, rows: Floats, weekdays: npt.NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Difference of each day from its level, its variance, and that of the level itself.

    The day variance of days much larger than the reference's rests on what little the reference
    can tell of it beside its own noise, so one standard error is added by as much.
    """
    noise = null.row_variance / np.maximum(rows, 1)
    smaller = np.clip(1 - noise / np.maximum(null.reference_noise, 1e-300), 0, 1)
    unsure = smaller * np.sqrt(2 / null.freedom) * null.reference_noise
    difference = np.where(rows > 0, values - null.level[weekdays], np.nan)
    return difference, null.day_variance + unsure + noise, null.level_variance[weekdays]


def p_values(
    null: DayNull,
    values: Floats,
    rows: Floats,
    weekdays: npt.NDArray[np.int64],
    least: Floats,
    is_share: npt.NDArray[np.bool_],
    length: int = 1,
    is_positive: npt.NDArray[np.bool_] | None = None,
) -> Floats:
    """Two-sided p-value of the last `length` days together, for each day and statistic.

    Days follow each other; one without rows counts for none. Errors that go on from day to day
    are taken for autoregressive of order one.

    Parameters
    ----------
    values, rows : arrays of float, shape (days, S)
    least : array of float, shape (S,)
        Least share to expect.
    is_share : array of bool, shape (S,)
    is_positive : array of bool, shape (S,), optional
        Means of what is never negative, which are skew where rows are few; none is without it.

    Returns
    -------
    array of float, shape (days, S)
        1 where there is no row.
    """
    difference, variance, of_level = residuals(null, values, rows, weekdays)
    known = rows > 0
    share = null.day_variance / np.maximum(null.day_variance + null.reference_noise, 1e-300)
    inflation = 1 + 2 * share * correlation_within(null.correlation, length)

    def summed(daily: Floats) -> Floats:
        return moving_sum(np.where(known, daily, 0.0), length)

    days = summed(np.ones_like(rows))
    spread = summed(variance) * inflation + days**2 * of_level
    noise = null.row_variance / np.maximum(rows, 1)
    freedom = null.freedom if length == 1 else null.window_freedom
    p_value = tail(
        summed(difference) / np.sqrt(spread + 1e-300),
        np.broadcast_to(freedom, spread.shape),
        summed(noise) / (spread + 1e-300),
    )

    if length == 1:
        # Windows are of days that were calmed.
        heavy = heavy_tail(difference / np.sqrt(spread + 1e-300), null.heaviness)
        p_value = np.maximum(p_value, heavy)
    if is_positive is not None:
        told = np.broadcast_to(is_positive, spread.shape)
        usual = summed(null.level[weekdays])
        skew = _gamma(np.nan_to_num(summed(values))[told], usual[told], spread[told])
        p_value[told] = np.maximum(p_value[told], skew)
    expected = np.maximum(null.level[weekdays], least)
    total = summed(rows)
    extra = summed(np.maximum(variance - noise, 0) * rows**2) * inflation + of_level * total**2
    count, of_rows = summed(np.nan_to_num(values) * rows), summed(expected * rows)
    # A share near 1 is a small share of all others.
    is_small, is_rest = expected < SMALL_SHARE, expected > 1 - SMALL_SHARE
    others = (is_rest, 1 - expected, total - count, total - of_rows)
    for chosen, share, counted, usual in ((is_small, expected, count, of_rows), others):
        # A binomial count varies by 1 - share of a Poisson one; scaled, its variance is its mean.
        scale = 1 / (1 - np.minimum(share, SMALL_SHARE))
        told = is_share & chosen
        p_counted = _negative_binomial(
            np.maximum(counted * scale, 0.0)[told],
            np.maximum(usual * scale, 1e-9)[told],
            (extra * scale**2)[told],
        )
        p_value[told] = np.maximum(p_value[told], p_counted)
    # A window with one day in it says what the day says.
    return np.where(known & (days >= min(length, 2)), p_value, 1.0)


def correlation_within(correlation: Floats, length: int) -> Floats:
    """Sum of the correlations of a window's days with those before, weighed by how many pairs.

    Of an autoregressive process of order one: 1 and twice this is by how much the variance of the
    window's mean exceeds that of independent days (Bartlett 1946).
    """
    lags = np.arange(1, length)[:, None]
    within: Floats = np.sum((1 - lags / length) * correlation**lags, axis=0)
    return within


@dataclass(frozen=True)
class JudgedDays:
    """Days of one statistic beside their null; arrays of shape (days,).

    Attributes
    ----------
    expected : array of float
        The level of the day's weekday.
    deviation : array of float
        Standard deviation of a calm day around it.
    p_value : array of float
        Two-sided; 1 where the day has no row.
    """

    expected: Floats
    deviation: Floats
    p_value: Floats


def judge_days(
    null: DayNull,
    values: Floats,
    rows: Floats,
    weekdays: npt.NDArray[np.int64],
    *,
    is_positive: bool = False,
) -> JudgedDays:
    """Hold each day against the null of one statistic that is no share.

    Parameters
    ----------
    values, rows : arrays of float, shape (days,)
    is_positive : bool
        Whether it is a mean of what is never negative.
    """
    none = np.zeros(1)
    by_statistic = values[:, None], rows[:, None], weekdays
    _, variance, of_level = residuals(null, *by_statistic)
    return JudgedDays(
        null.level[weekdays, 0],
        np.sqrt(variance + of_level)[:, 0],
        p_values(
            null,
            *by_statistic,
            none,
            none.astype(bool),
            is_positive=np.array([is_positive]),
        )[:, 0],
    )


def calmed(null: DayNull, values: Floats, rows: Floats, weekdays: npt.NDArray[np.int64]) -> Floats:
    """Values no further from their level than `MOST_DEVIATIONS`; shape (days, S).

    For windows: what creeps is many small steps, and one wild day must not alarm for a week.
    """
    difference, variance, of_level = residuals(null, values, rows, weekdays)
    most = MOST_DEVIATIONS * np.sqrt(variance + of_level)
    calm: Floats = null.level[weekdays] + np.clip(difference, -most, most)
    return calm


def moving_mean(values: Floats, length: int) -> Floats:
    """Mean of the last `length` days, absent ones (NaN) left out."""
    known = np.isfinite(values)
    total = moving_sum(np.where(known, values, 0.0), length)
    mean: Floats = total / np.maximum(moving_sum(known.astype(float), length), 1)
    return np.where(known, mean, np.nan)


def _mean(values: Floats, weight: Floats) -> Floats:
    mean: Floats = (weight * values).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-300)
    return mean


def _day_variance(
    values: Floats, known: npt.NDArray[np.bool_], noise: Floats, fitted: Floats, freedom: Floats
) -> Floats:
    weight = known / noise
    excess = (weight * (values - fitted) ** 2).sum(axis=0) - freedom
    total = weight.sum(axis=0)
    scale = total - (weight**2).sum(axis=0) / np.maximum(total, 1e-300)
    variance: Floats = np.maximum(excess / np.maximum(scale, 1e-300), 0)
    return variance


def _weekdays(
    values: Floats, weight: Floats, mean: Floats, weekdays: npt.NDArray[np.int64], levels: int
) -> tuple[Floats, Floats]:
    """Mean by weekday, or by month of the year, and the share of its difference that is kept.

    Of shape (levels, S) and (S,).
    """
    means = np.tile(mean, (levels, 1))
    between = np.zeros_like(mean)
    within = np.zeros_like(mean)
    for day in range(levels):
        chosen = weekdays == day
        if chosen.sum() < FEWEST_OF_A_LEVEL:
            return means, np.zeros_like(mean)
        means[day] = _mean(values[chosen], weight[chosen])
        between += weight[chosen].sum(axis=0) * (means[day] - mean) ** 2
        within += (weight[chosen] * (values[chosen] - means[day]) ** 2).sum(axis=0)
    ratio = (between / (levels - 1)) / np.maximum(within / (len(weekdays) - levels), 1e-300)
    return means, np.clip(1 - 1 / np.maximum(ratio, 1e-300), 0, 1)


def _fitted_hours(
    known: npt.NDArray[np.bool_], hours: npt.NDArray[np.int64], levels: int
) -> tuple[int, int]:
    """How many levels are told apart, and how many of them have rows; 1 where none is.

    Hours of workdays and of weekends where the reference has both, and three of each that comes,
    else hours of the day, else none.
    """
    has_rows = known.any(axis=1)
    for width in (levels, levels // 2):
        seen = np.bincount((hours % width)[has_rows], minlength=width)
        has_both = width < levels or (seen[: width // 2].any() and seen[width // 2 :].any())
        seen = seen[seen > 0]
        if has_both and len(seen) > 1 and (seen >= FEWEST_OF_A_LEVEL).all():
            return width, len(seen)
    return 1, 1


def _hours(
    values: Floats,
    weight: Floats,
    mean: Floats,
    hours: npt.NDArray[np.int64],
    width: int,
    count: int,
) -> tuple[Floats, Floats]:
    """Mean by level, shape (width, S), and the share of its difference that is kept, shape (S,).

    An hour that never had rows is expected to be as all others are.
    """
    means = np.tile(mean, (width, 1))
    between, within = np.zeros_like(mean), np.zeros_like(mean)
    if count == 1:
        return means, between
    for hour in np.unique(hours):
        chosen = hours == hour
        total = weight[chosen].sum(axis=0)
        means[hour] = np.where(total > 0, _mean(values[chosen], weight[chosen]), mean)
        between += total * (means[hour] - mean) ** 2
        within += (weight[chosen] * (values[chosen] - means[hour]) ** 2).sum(axis=0)
    batches = (weight > 0).sum(axis=0)
    ratio = (between / (count - 1)) / np.maximum(within / np.maximum(batches - count, 1), 1e-300)
    return means, np.clip(1 - 1 / np.maximum(ratio, 1e-300), 0, 1)


def _of_effect(correlation: Floats, share: Floats) -> Floats:
    """The day effect's correlation, whose share of a day's variance is known, from the days'."""
    of_effect: Floats = np.clip(correlation / np.maximum(share, 1e-3), 0, MOST_CORRELATION)
    return of_effect


def _inflation(share: Floats, correlation: Floats) -> Floats:
    """How many times the variance of a long mean is that of days that do not go on."""
    inflation: Floats = 1 + 2 * share * correlation / (1 - correlation)
    return inflation


def _correlation(standardized: Floats, days: Floats) -> Floats:
    """How much errors go on to the next day, by statistic; shape (S,).

    Each is shrunk to the mean of the column's statistics, by as much as chance alone would spread
    them (variance 1 / days; empirical Bayes, Efron and Morris 1973). So few days tell too little
    of it, by a bias that is known (Kendall 1954).
    """
    before, after = standardized[:-1], standardized[1:]
    scale = np.maximum((standardized**2).sum(axis=0), 1e-300)
    found = (before * after).sum(axis=0) / scale
    mean = found.mean()
    spread = max(float(((found - mean) ** 2).mean() - (1 / days).mean()), 0.0)
    shrunk = mean + spread / (spread + 1 / days) * (found - mean)
    unbiased: Floats = shrunk + (1 + 3 * shrunk) / days
    return unbiased


def tail(deviations: Floats, freedom: Floats, known: Floats) -> Floats:
    """Two-sided p-value of a difference over its estimated standard deviation.

    Student's t would hold if all of the variance were estimated. Here a share of it, the sampling
    noise of the rows, is known, and the estimate never falls below it; so the chance is
    E[2 Phi(-x sqrt(max(known, q)))] with q a chi-square over its degrees of freedom, and never
    below a normal's: that where all is known, Student's where nothing is.

    Parameters
    ----------
    deviations, freedom, known : arrays of float of one shape
        Known is the share of the variance that is known, 0 to 1.
    """
    size = np.abs(np.nan_to_num(deviations))
    p_value: Floats = 2 * special.stdtr(freedom, -size)
    # What is nobody's alarm needs no integral.
    wanted = p_value < 0.05
    if wanted.any():
        x, df, floor = size[wanted], freedom[wanted], np.clip(known[wanted], 0, 1)
        spread = np.sqrt(2 / df)
        low = np.maximum(1 - 7 * spread, 1e-6)[:, None]
        q = low + (1 + 8 * spread[:, None] - low) * (_NODES + 1) / 2
        half = df[:, None] / 2
        # Shape only: the weights are normed below.
        density = np.exp((half - 1) * np.log(q) - half * (q - 1)) * _WEIGHTS
        chance = special.ndtr(-x[:, None] * np.sqrt(np.maximum(q, floor[:, None])))
        mixed = 2 * (density * chance).sum(axis=1) / density.sum(axis=1)
        p_value[wanted] = np.maximum(mixed, 2 * special.ndtr(-x))
    return p_value


def heavy_tail(deviations: Floats, heaviness: Floats) -> Floats:
    """Two-sided p-value by Student's t of variance 1; 0 where days follow a normal."""
    is_heavy = np.isfinite(heaviness)
    freedom = np.where(is_heavy, heaviness, HEAVY[-1])
    wider = np.abs(np.nan_to_num(deviations)) * np.sqrt(freedom / (freedom - 2))
    p_value: Floats = np.where(is_heavy, 2 * special.stdtr(freedom, -wider), 0.0)
    return p_value


def _gamma(total: Floats, mean: Floats, variance: Floats) -> Floats:
    """Two-sided tail of a positive sum: of a gamma distribution of this mean and variance."""
    mean = np.maximum(mean, 1e-300)
    shape = np.clip(mean**2 / np.maximum(variance, 1e-300), 1e-6, 1e9)
    at = shape * np.maximum(total, 0) / mean
    smaller = np.minimum(special.gammainc(shape, at), special.gammaincc(shape, at))
    p_value: Floats = np.minimum(2 * smaller, 1)
    return p_value


def _negative_binomial(count: Floats, mean: Floats, extra: Floats) -> Floats:
    """Two-sided tail of a Poisson count whose mean has variance `extra`."""
    shape = np.clip(mean**2 / np.maximum(extra, 1e-300), 1e-6, 1e9)
    chance = shape / (shape + mean)
    # Both tails hold the count itself, so that they add up to 1 or more: of one below a half the
    # other is no smaller, and need not be computed.
    smaller = np.ones_like(count)
    is_upper = count > mean
    for is_first in (True, False):
        is_wanted = smaller > 0.5
        upper = is_wanted & (is_upper == is_first) & (count > 0)
        lower = is_wanted & (is_upper != is_first)
        of_upper = special.betainc(np.maximum(count[upper], 1e-9), shape[upper], 1 - chance[upper])
        of_lower = special.betainc(shape[lower], count[lower] + 1, chance[lower])
        smaller[upper] = np.minimum(smaller[upper], of_upper)
        smaller[lower] = np.minimum(smaller[lower], of_lower)
    p_value: Floats = np.minimum(2 * smaller, 1)
    return p_value


def moving_sum(values: Floats, length: int) -> Floats:
    """Sum of each day and those before it, the same to the last bit wherever the span begins."""
    total: Floats = values.copy()
    for days in range(1, min(length, len(values))):
        total[days:] += values[:-days]
    return total
