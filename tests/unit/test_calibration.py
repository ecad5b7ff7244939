"""The statistics of calibration, against independent implementations and simulated truth."""

import numpy as np
import pytest
from scipy import stats

from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_column, judge_column
from driftmeter.alarms.day_null import _negative_binomial, fit_day_null, p_values
from driftmeter.alarms.decision import (
    OF_COLUMNS,
    OVERLAP,
    SHARES,
    as_deviations,
    decide,
    level_of,
    matters,
    shares_of,
)
from driftmeter.alarms.statistics import fit_scale, measure, new_on_their_day
from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.monitors.config import LeastEffect
from driftmeter.quality.counts import Counts
from tests.unit.test_diagnosis import MONITOR

MONDAY = np.datetime64("2019-02-04")


def numbers(rows: list[np.ndarray], cuts: np.ndarray, first: np.datetime64 = MONDAY) -> Counts:
    """Counts of days of numbers in the bins between cuts."""
    known = np.array(
        [
            np.bincount(
                np.searchsorted(cuts, day[~np.isnan(day)], "right"), minlength=len(cuts) + 1
            )
            for day in rows
        ],
        dtype=float,
    )
    missing = np.array([np.isnan(day).sum() for day in rows], dtype=float)
    days = first + np.arange(len(rows))
    return Counts("numerical", days, known, missing, np.concatenate([[np.nan], cuts]))


CUTS = np.concatenate([[-6.0], stats.norm.ppf(np.arange(1, 20) / 20), [6.0]])


def normal_days(
    generator: np.random.Generator, days: int, rows: int, day_effect: float = 0.0
) -> list[np.ndarray]:
    return [generator.normal(generator.normal(0, day_effect), 1, rows) for _ in range(days)]


def test_location_is_the_shift_in_standard_deviations_and_outliers_do_not_move_it() -> None:
    generator = np.random.default_rng(1)
    reference = normal_days(generator, 60, 1000)
    reference[3][:60] = 1e9
    scale = fit_scale(numbers(reference, CUTS))
    day = generator.normal(0, 1, 200_000)
    values, rows = measure(scale, numbers([day, day + 0.3, np.append(day, [1e12] * 20)], CUTS))
    location = scale.names.index("location")
    calm, shifted, wild = values[:, location] - scale.center[location]
    assert abs(calm) < 0.01
    assert shifted == pytest.approx(0.3, abs=0.02)
    assert wild == pytest.approx(calm, abs=0.001)
    assert rows[0, location] == 200_000


def test_missing_values_are_a_share_of_all_rows_and_values_of_those_known() -> None:
    days = [np.array([0.1, 0.2, np.nan, np.nan]), np.full(4, np.nan)]
    counts = numbers(days, CUTS)
    values, rows = measure(fit_scale(numbers(days[:1], CUTS)), counts)
    assert values[:, 0].tolist() == [0.5, 1.0]
    assert rows[:, 0].tolist() == [4.0, 4.0]
    assert rows[:, 1].tolist() == [2.0, 0.0]
    assert np.isnan(values[1, 1])


def test_rare_categories_are_pooled_and_unseen_ones_kept_apart() -> None:
    shares = np.array([0.0, 0.5, 0.499, *[0.0001] * 10])
    counts = Counts(
        "categorical", MONDAY + np.arange(1), shares[None] * 1e6, np.zeros(1), shares * np.nan
    )
    scale = fit_scale(counts)
    assert len(set(scale.groups)) == 4
    assert scale.groups[0] == 0
    assert len(set(scale.groups[3:])) == 1
    assert scale.weights.sum() == pytest.approx(1)


def test_with_days_of_one_size_the_null_is_the_textbooks_prediction_interval() -> None:
    generator = np.random.default_rng(2)
    rows = np.full((60, 1), 500.0)
    # A day effect far above the noise, and one weekday.
    values = generator.normal(5, 0.5, (60, 1))
    null = fit_day_null(values, rows, np.array([1.0]), np.zeros(60, dtype=int))
    p_value = p_values(
        null,
        np.array([[5.9]]),
        rows[:1],
        np.zeros(1, dtype=int),
        np.zeros(1),
        np.zeros(1, dtype=bool),
    )
    wide = values.std(ddof=1) * np.sqrt(1 + 1 / 60)
    expected = 2 * stats.t.sf(abs(5.9 - values.mean()) / wide, 59)
    assert p_value[0, 0] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("day_effect", [0.0, 0.05, 0.3])
def test_the_day_variance_is_found_again(day_effect: float) -> None:
    generator = np.random.default_rng(3)
    rows = generator.integers(300, 3000, (90, 200)).astype(float)
    values = generator.normal(0, day_effect, (90, 200)) + generator.normal(
        size=(90, 200)
    ) / np.sqrt(rows)
    null = fit_day_null(values, rows, np.ones(200), np.arange(90) % 7)
    typical = float(np.mean(1 / rows))
    assert null.day_variance.mean() == pytest.approx(day_effect**2, abs=0.1 * typical + 0.0035)


@pytest.mark.parametrize(("rows", "day_effect"), [(300, 0.0), (2500, 0.05), (100_000, 0.05)])
def test_p_values_of_calm_days_are_no_smaller_than_chance(rows: int, day_effect: float) -> None:
    generator = np.random.default_rng(4)
    streams = 400
    sizes = np.full((59 + 20, streams), float(rows))
    values = generator.normal(0, day_effect, sizes.shape) + generator.normal(
        size=sizes.shape
    ) / np.sqrt(rows)
    weekdays = np.arange(79) % 7
    null = fit_day_null(values[:59], sizes[:59], np.ones(streams), weekdays[:59])
    for length in (1, 3, 7):
        found = p_values(
            null,
            values[59:],
            sizes[59:],
            weekdays[59:],
            np.zeros(streams),
            np.zeros(streams, dtype=bool),
            length,
        )[length:]
        for level in (0.05, 0.01, 0.001):
            assert (found < level).mean() < level * 1.3 + 0.0005


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.8])
def test_days_that_go_on_from_each_other_are_no_news_more_often_than_chance(
    correlation: float,
) -> None:
    """Autoregressive day effects of sd 0.1 at 300 rows, many columns of one correlation."""
    generator = np.random.default_rng(12)
    reference, after, columns = 59, 20, 3_000
    effect = np.zeros((reference + after, columns))
    effect[0] = generator.normal(0, 0.1, columns)
    for day in range(1, len(effect)):
        news = generator.normal(0, 0.1 * np.sqrt(1 - correlation**2), columns)
        effect[day] = correlation * effect[day - 1] + news
    values = effect + generator.normal(0, 1 / np.sqrt(300), effect.shape)
    rows, weekdays = np.full(values.shape, 300.0), np.arange(len(values)) % 7
    null = fit_day_null(
        values[:reference], rows[:reference], np.ones(columns), weekdays[:reference]
    )
    none = np.zeros(columns)
    for length in (1, 3, 7):
        judged = (values[reference:], rows[reference:], weekdays[reference:])
        p_value = p_values(null, *judged, none, none.astype(bool), length)[6:]
        assert (p_value < 0.01).mean() < 0.0125
        assert (p_value < 0.001).mean() < 0.0015


def test_a_large_day_is_not_news_and_a_small_one_is_noise() -> None:
    # The reference's days wander by 0.05; a day of a million rows wanders as far.
    generator = np.random.default_rng(5)
    reference = numbers(normal_days(generator, 60, 3000, 0.05), CUTS)
    column = calibrate_column(reference)
    days = normal_days(generator, 14, 200_000, 0.05)
    evidence = judge_column(column, numbers(days, CUTS, MONDAY + 60))
    assert evidence.p_value.min() > 0.001


def test_weekdays_are_believed_as_far_as_they_stand_out() -> None:
    generator = np.random.default_rng(6)
    weekdays = np.arange(63) % 7
    rows = np.full((63, 1), 1000.0)
    plain = np.where(weekdays == 6, 1.0, 0.0)[:, None]
    noise = generator.normal(0, 0.03, (63, 1))
    null = fit_day_null(plain + noise, rows, np.ones(1), weekdays)
    assert null.level[6, 0] == pytest.approx(1.0, abs=0.05)
    flat = fit_day_null(noise, rows, np.ones(1), weekdays)
    assert np.ptp(flat.level) < 0.04


def test_the_tail_of_counts_is_scipys_negative_binomial() -> None:
    mean, extra = 8.0, 6.0
    shape = mean**2 / extra
    law = stats.nbinom(shape, shape / (shape + mean))
    for count in (0, 3, 8, 20, 40):
        expected = min(1, 2 * min(law.sf(count - 1), law.cdf(count)))
        found = _negative_binomial(np.array([float(count)]), np.array([mean]), np.array([extra]))
        assert found[0] == pytest.approx(expected, rel=1e-9)


def test_with_equal_shares_the_decision_is_benjamini_and_hochbergs() -> None:
    generator = np.random.default_rng(7)
    p_value = np.concatenate([generator.random(40), [1e-5, 1e-4, 3e-3]])
    shares = np.full(len(p_value), 1 / len(p_value))
    verdicts = decide(p_value, shares, 0.05)
    assert verdicts.q_value == pytest.approx(stats.false_discovery_control(p_value, method="bh"))
    assert (verdicts.is_significant == (p_value <= verdicts.threshold_p)).all()


def test_shares_are_spent_whole_whatever_there_is_to_test() -> None:
    groups = np.array(["rows"] * 4 + ["segments"] * 10 + ["multivariate"])
    shares = shares_of(groups)
    assert shares.sum() == pytest.approx(1)
    of_columns = sum(SHARES[group] for group in OF_COLUMNS)
    assert shares[:4].sum() == pytest.approx(SHARES["rows"] / of_columns)
    assert shares_of(groups[:4]).sum() == pytest.approx(1)
    untested = decide(np.array([np.nan, 1e-9]), np.array([0.5, 0.5]), 0.05)
    assert untested.is_significant.tolist() == [False, True]


def test_the_days_level_is_spent_once_by_all_families_together() -> None:
    # What a team's own metrics and protected groups have is beside the others'; a monitor without
    # any leaves it to them.
    beside = SHARES["metrics"] + SHARES["groups"]
    assert sum(SHARES.values()) - beside == pytest.approx(1)
    for changes in ({}, {"target": None}, {"segments": ()}, {"target": None, "segments": ()}):
        monitor = MONITOR.model_copy(update=changes)
        spent = [level_of(monitor, family) for family in SHARES]
        assert sum(spent) == pytest.approx(OVERLAP / DAYS_A_MONTH)
        assert (spent[3] == spent[4] == 0) == (monitor.target is None)
        assert level_of(monitor, *OF_COLUMNS) == pytest.approx(sum(spent[:3]))


def test_an_effect_below_the_floor_does_not_matter() -> None:
    statistic = np.array(["location", "location", "missing", "value 3", "spread"])
    effect = np.array([0.04, -0.06, 0.009, 0.02, 0.09])
    found = matters(statistic, effect, LeastEffect())
    assert found.tolist() == [False, True, False, True, False]


def test_deviations_are_a_normals() -> None:
    assert as_deviations(np.array([0.05]))[0] == pytest.approx(stats.norm.isf(0.025))
    assert np.isfinite(as_deviations(np.array([0.0]))).all()


def test_one_wild_day_does_not_alarm_for_a_week() -> None:
    generator = np.random.default_rng(8)
    column = calibrate_column(numbers(normal_days(generator, 60, 1000), CUTS))
    days = normal_days(generator, 14, 1000)
    days[5] = days[5] + 2
    p_value = judge_column(column, numbers(days, CUTS, MONDAY + 60)).p_value
    assert p_value[5] < 1e-10
    assert np.delete(p_value, 5).min() > 1e-3


def test_days_without_rows_are_no_evidence() -> None:
    generator = np.random.default_rng(9)
    column = calibrate_column(numbers(normal_days(generator, 60, 1000), CUTS))
    days = normal_days(generator, 9, 1000)
    days[4] = np.array([])
    evidence = judge_column(column, numbers(days, CUTS, MONDAY + 60))
    assert np.isnan(evidence.p_value[4])
    assert np.isfinite(np.delete(evidence.p_value, 4)).all()


def test_a_slow_season_is_not_new_and_excluded_days_are_no_baseline() -> None:
    generator = np.random.default_rng(10)
    column = calibrate_column(numbers(normal_days(generator, 60, 3000), CUTS))
    # Since forty days all is half a deviation higher.
    days = [day + 0.5 for day in normal_days(generator, 50, 3000)]
    counts = numbers(days, CUTS, MONDAY + 60)
    evidence = judge_column(column, counts)
    assert evidence.p_value[-1] < 1e-10
    assert evidence.trailing_p_value[-1] > 0.01
    excluded = np.ones(50, dtype=bool)
    assert np.isnan(judge_column(column, counts, excluded).trailing_p_value[-1])


def test_on_the_way_back_to_the_reference_nothing_is_new() -> None:
    generator = np.random.default_rng(12)
    column = calibrate_column(numbers(normal_days(generator, 60, 3000), CUTS))
    days = normal_days(generator, 50, 3000)
    days = [day + 0.5 for day in days[:49]] + [days[49] + 0.2]
    evidence = judge_column(column, numbers(days, CUTS, MONDAY + 60))
    assert evidence.p_value[-1] < 1e-6
    assert evidence.trailing_p_value[-1] == 1


def test_a_share_that_rose_from_nothing_is_new_once() -> None:
    # Its days wander by more than any day of the reference did.
    generator = np.random.default_rng(13)
    cuts = np.array([0.5, 1.5])

    def days_of(share: float, count: int) -> list[np.ndarray]:
        return [(generator.random(300) < share).astype(float) * 2 for _ in range(count)]

    reference = [day if i % 9 else np.append(day[1:], 2) for i, day in enumerate(days_of(0, 60))]
    column = calibrate_column(numbers(reference, cuts))
    evidence = judge_column(column, numbers(days_of(0.05, 120), cuts, MONDAY + 60))
    assert (evidence.p_value[40:] < 1e-3).mean() > 0.9
    assert (evidence.trailing_p_value[40:] < 0.01).mean() < 0.1


def test_a_reference_that_is_too_short_says_so() -> None:
    assert "2 days" in (Calibration({}, 2, {}, None).too_short or "")
    assert Calibration({}, 28, {}, None).too_short is None


def test_what_a_growing_reference_added_tells_how_many_rows_are_new() -> None:
    """Of two first days, of which bins were made, and two that were added and have new values."""
    known = np.array([[0, 5, 1, 0], [0, 5, 0, 2], [3, 5, 0, 0], [0, 8, 0, 0]], dtype=float)
    days = MONDAY + np.arange(4)
    counts = Counts("categorical", days, known, np.zeros(4), np.full(4, np.nan))
    assert new_on_their_day(counts).tolist() == [1, 2, 3, 0]
    # Of a fixed reference each day beside all others, as before.
    assert new_on_their_day(counts.only(np.arange(2))).tolist() == [1, 2]
