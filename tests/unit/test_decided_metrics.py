"""What is decided of values of a team's own metrics."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.own_metrics import FIRST, Scenario
from driftmeter.performance.custom_metrics import decide_metrics
from driftmeter.performance.usual_value import skew_tail, skewness_of

REFERENCE = 59


def values(scenario: Scenario, judged: int) -> pd.DataFrame:
    return scenario.days(np.random.default_rng(3), judged)


def test_a_first_day_that_waits_for_its_labels_is_not_judged_and_ends_nothing() -> None:
    scenario = Scenario(300, 0.05)
    monitor = scenario.monitor
    reads_labels = {
        name: metric.model_copy(update={"sql": "sum(amount) filter (where outcome)"})
        for name, metric in monitor.metrics.items()
    }
    monitor = monitor.model_copy(update={"metrics": reads_labels})
    rows = values(scenario, 1)
    is_new = rows["partition_date"] >= FIRST + dt.timedelta(days=REFERENCE)
    rows = rows.assign(
        rows=rows["rows"].where(is_new), labelled_count=(0.95 * rows["rows"]).where(is_new)
    )
    decided = decide_metrics(monitor, rows)
    newest = decided[decided["partition_date"] == FIRST + dt.timedelta(days=REFERENCE)]
    assert set(newest["reason"]) == {"labels are due later"}
    assert not decided["is_alarm"].astype(bool).any()


@pytest.mark.parametrize("side", [-1, 1])
def test_values_that_are_skew_have_a_longer_tail_on_that_side_alone(side: int) -> None:
    drawn = side * stats.gamma.rvs(4, size=400, random_state=5)
    found = skewness_of(drawn)
    # A gamma distribution of this shape has skewness 1.
    assert found == pytest.approx(side, abs=0.3)
    p_value = np.array([1e-4, 1e-4])
    longer, same = skew_tail(p_value, np.array([side, -side]), found)
    assert same == 1e-4
    size = stats.norm.isf(0.5e-4)
    assert longer == pytest.approx(2 * stats.pearson3.sf(size, abs(found)))


def test_values_that_follow_a_normal_mostly_have_no_skewness() -> None:
    drawn = [skewness_of(np.random.default_rng(seed).normal(size=REFERENCE)) for seed in range(200)]
    assert np.mean(np.array(drawn) == 0) > 0.5
    assert np.mean(np.abs(drawn) >= 1) < 0.05
