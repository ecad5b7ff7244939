"""Which errors are alarms: significant, large and new, within the share of the budget."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from driftmeter.alarms.decision import level_of
from driftmeter.monitors.config import Monitor
from driftmeter.performance.daily_error import CAPPED_ERROR
from driftmeter.performance.decided import EXCESS, decide_tests
from tests.unit.test_diagnosis import MONITOR

FIRST = dt.date(2019, 4, 1)
NONE = pd.DataFrame({"day": [], "metric": [], "kind": [], "difference": [], "deviation": []})
DEVIATION = 0.05


def stored(
    excess: Sequence[float], metric: str = EXCESS, version: str = "v1", kind: str = "realised"
) -> pd.DataFrame:
    """A stored test a day, of days whose excess error is this many times the expected error."""
    values = np.asarray(excess, dtype=float)
    expected = 0.0 if metric == EXCESS else 1.0
    return pd.DataFrame(
        {
            "day": [FIRST + dt.timedelta(days=place) for place in range(len(values))],
            "metric": metric,
            "kind": kind,
            "model_version": version,
            "value": values + expected,
            "lower": values + expected - 2 * DEVIATION,
            "reference_value": expected,
            "expected": expected,
            "deviation": DEVIATION,
            "p_value": 2 * stats.norm.sf(np.abs(values) / DEVIATION),
        }
    )


def alarms(tests: pd.DataFrame, reference: pd.DataFrame = NONE) -> list[int]:
    """Places of the days with an alarm."""
    decided = decide_tests(MONITOR, tests, reference)
    return sorted({(day - FIRST).days for day in decided.loc[decided["is_alarm"], "day"]})


def at(budget: float) -> Monitor:
    """The monitor at so many false alarms a month."""
    told = {**MONITOR.model_dump(by_alias=True), "alarm_budget": {"false_alarms_per_month": budget}}
    return Monitor.model_validate(told)


def wandering(days: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, DEVIATION, days)


@pytest.mark.parametrize("metric", [EXCESS, CAPPED_ERROR])
def test_a_step_is_found_on_its_first_day_and_a_better_model_never(metric: str) -> None:
    excess = np.zeros(60)
    excess[50:] = 0.3
    assert alarms(stored(excess, metric))[0] == 50
    assert alarms(stored(-excess, metric)) == []


def test_a_slow_rise_is_told_once_and_a_step_in_it_is_another_alarm() -> None:
    season = np.linspace(0, 0.4, 120) + wandering(120, 1) / 3
    (told,) = alarms(stored(season), of_reference(60, 5))
    season[110] += 0.4
    assert alarms(stored(season), of_reference(60, 5)) == [told, 110]


def test_a_step_in_a_slow_rise_that_nobody_was_told_of_is_new() -> None:
    season = np.linspace(0, 0.4, 120) + wandering(120, 1) / 3
    season[110] += 0.15
    assert alarms(stored(season), of_reference(60, 5))[-1] == 110


def test_a_small_loss_that_lasts_hides_no_larger_one_of_a_day() -> None:
    excess = 0.08 + wandering(60, 3) / 5
    excess[-1] = 0.25
    decided = decide_tests(MONITOR, stored(excess), of_reference(60, 5))
    assert list(decided["window_days"].iloc[[-2, -1]]) == [28, 1]
    assert list(decided["is_alarm"].iloc[[-2, -1]]) == [False, True]


def test_an_error_that_was_gone_for_a_week_is_told_when_it_comes_back() -> None:
    excess = np.zeros(80)
    # First after six days without it, then after seven.
    excess[40:43] = excess[49:51] = excess[58:60] = 0.3
    assert alarms(stored(excess), of_reference(60, 5)) == [40, 41, 58, 59]


def test_the_first_days_are_held_against_those_of_the_reference() -> None:
    level = np.full(10, 0.3)
    # A loss that lasts is an alarm on its first days; on the others it is beyond the reference.
    assert alarms(stored(level)) == [0, 1]
    assert decide_tests(MONITOR, stored(level), NONE)["is_beyond"].all()
    # The reference ended as high as the days go on.
    before = pd.DataFrame(
        {
            "day": [FIRST - dt.timedelta(days=place) for place in range(40, 0, -1)],
            "metric": EXCESS,
            "kind": "realised",
            "difference": 0.3,
            "deviation": DEVIATION,
        }
    )
    assert alarms(stored(level), before) == []


def test_days_that_no_baseline_may_hold_hide_nothing() -> None:
    excess = np.zeros(60)
    excess[20:] = 0.3
    tests = stored(excess)
    assert 55 not in alarms(tests)
    excluded = {FIRST + dt.timedelta(days=place) for place in range(20, 60)}
    decided = decide_tests(MONITOR, tests, NONE, excluded)
    assert decided["is_alarm"].iloc[20:40].all()


def test_a_rise_too_small_to_matter_is_no_alarm_however_certain() -> None:
    tests = stored(np.full(5, 0.09)).assign(deviation=0.001, p_value=1e-12)
    assert alarms(tests) == []


def test_an_estimate_speaks_only_if_its_whole_interval_is_above_the_reference() -> None:
    excess = np.zeros(40)
    excess[-1] = 0.4
    tests = stored(excess, CAPPED_ERROR, kind="estimated").assign(metric="mae")
    assert alarms(tests) == [39]
    assert alarms(tests.assign(lower=0.99)) == []


@pytest.mark.parametrize("versions", [1, 2, 3])
def test_calm_days_spend_no_more_than_the_share_of_the_errors(versions: int) -> None:
    """Whatever the number of versions, whose tests share one level."""
    loose, days = at(6.0), 6_000
    tests = pd.concat(
        [
            stored(wandering(days, 0), CAPPED_ERROR),
            *(stored(wandering(days, 1 + v), EXCESS, f"v{v}") for v in range(versions)),
        ],
        ignore_index=True,
    )
    # Every rise counts as large: here only the level decides.
    tests["value"] = (tests["value"] - tests["expected"]) * 1e6 + tests["expected"]
    tests["deviation"] *= 1e6
    decided = decide_tests(loose, tests, NONE)
    share = decided.groupby("day")["is_alarm"].any().mean()
    level = level_of(loose, "error")
    assert share <= level + 3 * np.sqrt(level / days)
    # One rise in two, and what must be new as well: the level is used, if not whole.
    assert share >= level / 4


def of_reference(days: int, seed: int) -> pd.DataFrame:
    """The reference's own days, just before the first judged one."""
    return pd.DataFrame(
        {
            "day": [FIRST - dt.timedelta(days=place) for place in range(days, 0, -1)],
            "metric": EXCESS,
            "kind": "realised",
            "difference": wandering(days, seed),
            "deviation": DEVIATION,
        }
    )


def test_a_small_loss_that_lasts_is_found_by_several_days_together() -> None:
    excess = wandering(120, 4) / 2
    excess[60:] += 0.12
    tests = stored(excess).assign(deviation=0.075)
    tests["p_value"] = 2 * stats.norm.sf(np.abs(excess) / 0.075)
    (found,) = alarms(tests, of_reference(60, 5))
    assert 60 < found <= 74
    decided = decide_tests(MONITOR, tests, of_reference(60, 5))
    assert decided["window_days"].iloc[found] > 1
    # It is beyond the reference for as long as it lasts, and told once.
    assert decided["is_beyond"].iloc[found:].mean() > 0.8
    assert not decided["is_beyond"].iloc[:60].any()


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_windows_of_days_that_go_on_keep_the_level(correlation: float) -> None:
    loose, days, level = at(6.0), 3_000, level_of(at(6.0), "error")
    steps = wandering(days + 60, 6) * np.sqrt(1 - correlation**2)
    for place in range(1, len(steps)):
        steps[place] += correlation * steps[place - 1]
    before = of_reference(60, 0).assign(difference=steps[:60] * 1e6, deviation=DEVIATION * 1e6)
    tests = stored(steps[60:])
    tests = tests.assign(value=tests["value"] * 1e6, deviation=DEVIATION * 1e6)
    decided = decide_tests(loose, tests, before)
    share = decided.groupby("day")["is_alarm"].any().mean()
    # Days that go on alarm in runs: fewer of them are independent.
    assert share <= level + 3 * np.sqrt(level / days * (1 + correlation) / (1 - correlation))


def test_another_policy_decides_the_same_tests_otherwise() -> None:
    excess = np.append(np.zeros(50), 0.17)
    strict, loose = (
        Monitor.model_validate(
            {
                **MONITOR.model_dump(by_alias=True),
                "alarm_budget": {"false_alarms_per_month": budget},
            }
        )
        for budget in (0.02, 5)
    )
    said = [
        decide_tests(policy, stored(excess), NONE)["is_alarm"].iloc[-1]
        for policy in (strict, loose)
    ]
    assert said == [False, True]
