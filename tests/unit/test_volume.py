"""Days with an unusual number of rows: what is found, what is not, and how often by chance."""

import datetime as dt
from collections.abc import Collection

import numpy as np
import pytest

from benchmarks.judges import monitor_of
from benchmarks.streams import Stream
from driftmeter.alarms.day_steps import BEFORE, FURTHEST, steps
from driftmeter.alarms.decision import level_of
from driftmeter.incidents.arrival import Partition, of_volume
from driftmeter.incidents.breach import Breach

FIRST, REFERENCE, JUDGED = dt.date(2019, 2, 1), 59, 30
MONITOR = monitor_of(Stream(30, 0.0).day(np.random.default_rng(1)), 1.0)


def breaches(rows: np.ndarray, excluded: Collection[dt.date] = ()) -> dict[dt.date, Breach]:
    """Of a table whose first `REFERENCE` days are the reference period."""
    days = [FIRST + dt.timedelta(days=number) for number in range(len(rows))]
    reference = dict(zip(days[:REFERENCE], rows[:REFERENCE], strict=True))
    judged = [
        Partition(day, "fresh", None, int(count), None, None)
        for day, count in zip(days[REFERENCE:], rows[REFERENCE:], strict=True)
    ]
    return of_volume(reference, judged, MONITOR, excluded)


def trend(generator: np.random.Generator) -> np.ndarray:
    """Rows that fall by a third over the reference period, and then stay."""
    days = np.arange(REFERENCE + JUDGED)
    usual = 380 * np.exp(-0.006 * np.minimum(days, REFERENCE))
    return generator.poisson(usual * np.exp(generator.normal(0, 0.05, len(days))))


@pytest.mark.parametrize("times", [0.5, 2.0])
def test_half_and_double_the_rows_are_found_although_the_reference_has_a_trend(
    times: float,
) -> None:
    found = 0
    for seed in range(20):
        rows = trend(np.random.default_rng(seed))
        rows[-1] = round(times * rows[-1])
        found += FIRST + dt.timedelta(days=len(rows) - 1) in breaches(rows)
    assert found >= 19


def test_a_day_whose_incident_is_acknowledged_keeps_its_p_value() -> None:
    rows = trend(np.random.default_rng(0))
    rows[-1] = round(0.5 * rows[-1])
    newest = FIRST + dt.timedelta(days=len(rows) - 1)
    for excluded in ([newest], [newest - dt.timedelta(days=1)]):
        assert breaches(rows, excluded)[newest].evidence == breaches(rows)[newest].evidence


def test_calm_days_keep_the_level_of_the_number_of_rows() -> None:
    spent = 0
    for seed in range(60):
        generator = np.random.default_rng([7, seed])
        effects = generator.normal(0, 0.1, REFERENCE + JUDGED)
        for day in range(1, len(effects)):
            effects[day] = 0.9 * effects[day - 1] + np.sqrt(1 - 0.9**2) * effects[day]
        spent += len(breaches(generator.poisson(300 * np.exp(effects))))
    # 3.1 by the level; more than 8 come by chance once in a hundred times.
    assert level_of(MONITOR, "volume") * 60 * JUDGED == pytest.approx(5.1, rel=0.1)
    assert spent <= 10


def test_a_step_is_held_against_the_days_before_that_have_rows() -> None:
    generator = np.random.default_rng(3)
    difference = generator.normal(0, 1, 60)
    difference[[5, 6, 20, *range(30, 38)]] = np.nan
    found = steps(difference)
    for day in range(60):
        before = [at for at in range(day) if np.isfinite(difference[at])][-BEFORE:]
        is_told = len(before) == BEFORE and day - before[0] <= FURTHEST
        expected = difference[day] - np.mean(difference[before]) if is_told else np.nan
        assert found[day] == pytest.approx(expected, nan_ok=True)
    assert np.isnan(found[[0, 1, 38, 39]]).all()
    assert np.isfinite(found[[7, 40]]).all()
