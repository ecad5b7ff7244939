"""Months are compared with the same month of other years, where the reference has three of each."""

import datetime as dt

import numpy as np
import pytest

from driftmeter.alarms.day_null import fit_day_null, judge_days
from driftmeter.monitors.cadence import MONTHS, Cadence
from driftmeter.quality.counts import Counts

MONTHLY = Cadence("month")
FIRST = dt.date(2020, 3, 1)


def levels(count: int) -> np.ndarray:
    return np.array([MONTHLY.level(MONTHLY.after(FIRST, number)) for number in range(count)])


def wave(count: int, size: float = 1.0) -> np.ndarray:
    return size * np.sin(2 * np.pi * levels(count) / MONTHS)


def months(count: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (wave(count) + generator.normal(0, 0.1, count))[:, None]


def test_a_month_has_the_level_of_its_month_of_the_year() -> None:
    assert MONTHLY.levels == MONTHS
    assert levels(12).tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1]
    days = np.array([MONTHLY.after(FIRST, number) for number in range(24)], dtype="datetime64[D]")
    none = np.zeros(24)
    counts = Counts("numerical", days, none[:, None], none, np.array([np.nan]), MONTHLY)
    assert counts.weekdays.tolist() == levels(24).tolist()
    # Weeks have none.
    assert {Cadence("week").level(FIRST + dt.timedelta(weeks=n)) for n in range(60)} == {0}


@pytest.mark.parametrize(("count", "is_told"), [(36, True), (35, False), (60, True), (24, False)])
def test_levels_are_fitted_where_each_month_was_seen_three_times(count: int, is_told: bool) -> None:
    batches = [MONTHLY.after(FIRST, number) for number in range(count)]
    assert MONTHLY.tells_months(batches) == is_told
    rows = np.full((count, 1), 300.0)
    null = fit_day_null(months(count, 1), rows, np.ones(1), levels(count), levels=MONTHS)
    assert null.level.shape == (MONTHS, 1)
    assert (np.ptp(null.level) > 1.5) == is_told
    if is_told:
        assert null.level[:, 0] == pytest.approx(wave(12)[np.argsort(levels(12))], abs=0.25)


def test_with_levels_a_wave_hides_no_change_and_is_none() -> None:
    found, false, judged = {"months": 0, "none": 0}, 0, 0
    for seed in range(40):
        values, rows = months(48, seed), np.full((48, 1), 300.0)
        for name, of_level in (("months", levels(48)), ("none", np.zeros(48, dtype=np.int64))):
            null = fit_day_null(values[:36], rows[:36], np.ones(1), of_level[:36], levels=MONTHS)
            calm = judge_days(null, values[36:, 0], rows[36:, 0], of_level[36:])
            changed = judge_days(null, values[36:, 0] + 0.6, rows[36:, 0], of_level[36:])
            found[name] += int((changed.p_value < 0.01).sum())
            if name == "months":
                false += int((calm.p_value < 0.01).sum())
                judged += 12
    # The expected share, and three standard errors of so many months.
    assert false / judged <= 0.01 + 3 * np.sqrt(0.01 / judged)
    assert found["months"] > 0.8 * judged
    assert found["none"] < 0.05 * judged


def test_sentences_name_the_month_where_it_was_compared_with_others_like_it() -> None:
    assert MONTHLY.on_usual(dt.date(2026, 4, 1)) == "in a month"
    assert MONTHLY.on_usual(dt.date(2026, 4, 1), of_month=True) == "in an April"
    assert MONTHLY.on_usual(dt.date(2026, 5, 1), of_month=True) == "in a May"
