"""Rates of groups beside the others: intervals, exact tails, and which days are alarms."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from benchmarks.groups import FIVE, TWO, GroupScenario, counts_of, fallen, monitor_of
from driftmeter.alarms.decision import level_of
from driftmeter.incidents.group_difference import group_sentence, of_groups
from driftmeter.monitors.config import Monitor
from driftmeter.performance.group_differences import decide_groups
from driftmeter.performance.group_rates import compare_groups
from driftmeter.performance.proportions import (
    difference_interval,
    exact_p_value,
    likeliest_proportions,
    ratio_interval,
    wilson,
)

# Newcombe (1998), table II, method 10.
PUBLISHED = [
    ((56, 70, 48, 80), (0.0524, 0.3339)),
    ((9, 10, 3, 10), (0.1705, 0.8090)),
    ((6, 7, 2, 7), (0.0582, 0.8062)),
    ((5, 56, 0, 29), (-0.0381, 0.1926)),
    ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ((0, 10, 0, 10), (-0.2775, 0.2775)),
    ((10, 10, 0, 20), (0.6791, 1.0000)),
    ((10, 10, 0, 10), (0.6075, 1.0000)),
]
TABLES = [(4, 30, 12, 40), (1, 12, 30, 100), (30, 40, 35, 37), (200, 900, 500, 1600)]


def arrays(*numbers: float) -> list["np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    return [np.array([float(number)]) for number in numbers]


@pytest.mark.parametrize(("table", "expected"), PUBLISHED)
def test_the_interval_of_a_difference_is_the_published_one(
    table: tuple[int, ...], expected: tuple[float, float]
) -> None:
    low, high = difference_interval(*arrays(*table))
    assert (low[0], high[0]) == pytest.approx(expected, abs=6e-5)


def test_the_interval_of_a_proportion_is_scipys() -> None:
    for count, rows in ((0, 9), (3, 9), (9, 9), (120, 700)):
        low, high = wilson(*arrays(count, rows))
        expected = stats.binomtest(count, rows).proportion_ci(method="wilson")
        # By 1.96 in place of 1.959964.
        assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-4)


@pytest.mark.parametrize("table", TABLES)
def test_the_interval_of_a_ratio_inverts_the_score_test(table: tuple[int, ...]) -> None:
    x, n, y, m = table

    def score(ratio: float) -> float:
        """With the likeliest proportions of this ratio by a search, not by a formula."""

        def unlikely(q: float) -> float:
            return -float(stats.binom.logpmf(x, n, ratio * q) + stats.binom.logpmf(y, m, q))

        q = optimize.minimize_scalar(
            unlikely, bounds=(1e-12, min(1, 1 / ratio) - 1e-12), method="bounded",
            options={"xatol": 1e-13},
        ).x  # fmt: skip
        p = ratio * q
        variance = p * (1 - p) / n + ratio**2 * q * (1 - q) / m
        return float((x / n - ratio * y / m) / np.sqrt(variance * (n + m) / (n + m - 1)))

    low, high = ratio_interval(*arrays(*table))
    middle = x / n / (y / m)
    assert low[0] < middle < high[0]
    assert score(low[0]) == pytest.approx(1.96, abs=1e-4)
    assert score(high[0]) == pytest.approx(-1.96, abs=1e-4)


def test_intervals_of_small_groups_hold_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(1)
    for n, m, p, q in ((8, 16, 0.3, 0.3), (12, 300, 0.05, 0.2), (75, 2425, 0.2, 0.3)):
        x, y = generator.binomial(n, p, 4000), generator.binomial(m, q, 4000)
        sides = (x.astype(float), np.full(4000, float(n)), y.astype(float), np.full(4000, float(m)))
        low, high = difference_interval(*sides)
        assert 0.935 < np.mean((low <= p - q) & (p - q <= high)) < 0.99
        low, high = ratio_interval(*sides)
        assert 0.935 < np.mean((low <= p / q) & (p / q <= high)) < 0.99


def test_the_exact_p_value_is_fishers_where_no_difference_is_expected() -> None:
    for x, n, y, m in ((9, 10, 9, 30), (1, 40, 12, 60), (0, 8, 5, 11)):
        tails = [
            stats.fisher_exact([[x, n - x], [y, m - y]], side).pvalue
            for side in ("less", "greater")
        ]
        assert exact_p_value(x, n, y, m, 0.0) == pytest.approx(min(2 * min(tails), 1))
    of_group, of_other = likeliest_proportions(9, 10, 9, 30, 0.2)
    odds = of_group / (1 - of_group) / (of_other / (1 - of_other))
    known = stats.nchypergeom_fisher(40, 18, 10, odds)
    expected = 2 * min(known.sf(8), known.cdf(9))
    assert of_group - of_other == pytest.approx(0.2)
    assert exact_p_value(9, 10, 9, 30, 0.2) == pytest.approx(expected)


def test_the_exact_p_value_holds_its_level_where_a_normal_does_not() -> None:
    """Two false positives of ten rows come by chance; a normal tail calls them 4.5 deviations."""
    generator = np.random.default_rng(2)
    x, y = generator.binomial(10, 0.02, 3000), generator.binomial(200, 0.02, 3000)
    p_values = np.array([exact_p_value(a, 10, b, 200, 0.0) for a, b in zip(x, y, strict=True)])
    assert np.mean(p_values <= 0.01) <= 0.012
    normal = np.abs(x / 10 - y / 200) / np.sqrt(0.02 * 0.98 * (1 / 10 + 1 / 200))
    assert np.mean(2 * stats.norm.sf(normal) <= 0.01) > 0.012


def test_rates_are_those_of_the_rows() -> None:
    rows = GroupScenario(400, FIVE).day(np.random.default_rng(3))
    day = dt.date(2026, 3, 1)
    compared = compare_groups(monitor_of(), counts_of(rows, day)).set_index(
        ["group_value", "metric"]
    )
    selected, outcome = rows["chance"] >= 0.5, rows["outcome"]
    for group in FIVE:
        for sides, named in (
            ((rows["group"] == group), "value"),
            (rows["group"] != group, "other_value"),
        ):
            inside = rows[sides]
            expected = {
                "selection_rate": selected[sides].mean(),
                "true_positive_rate": selected[sides & outcome].mean(),
                "false_positive_rate": selected[sides & ~outcome].mean(),
                "calibration": inside["chance"].mean() - inside["outcome"].mean(),
            }
            for metric, value in expected.items():
                assert compared.loc[(group, metric), named] == pytest.approx(value)
    highest = selected.groupby(rows["group"]).mean()
    for group in FIVE:
        ratio = compared.loc[(group, "selection_rate"), "ratio"]
        is_enough = (rows["group"] == group).sum() >= 6
        assert not is_enough or ratio == pytest.approx(highest[group] / highest.max())


def streams(scenario: GroupScenario, count: int, judged: int) -> list[pd.DataFrame]:
    generator = np.random.default_rng(4)
    return [decide_groups(monitor_of(), scenario.days(generator, judged)) for _ in range(count)]


@pytest.mark.parametrize(
    "scenario",
    [GroupScenario(24, TWO), GroupScenario(300, TWO, intercept=-5.2), GroupScenario(2500, TWO)],
)
def test_calm_groups_are_silent(scenario: GroupScenario) -> None:
    decided = streams(scenario, 3, 40)
    alarms = sum(each.loc[each["is_alarm"], "partition_date"].nunique() for each in decided)
    # Of 120 days at this level not even one is expected.
    assert level_of(monitor_of(), "groups") * 120 < 1
    assert alarms <= 2


def test_a_fall_of_one_groups_rate_is_found_on_its_first_day() -> None:
    for decided in streams(GroupScenario(2500, TWO, changed="selection_rate"), 3, 2):
        first = decided[decided["partition_date"] == dt.date(2026, 3, 1)]
        found = first.loc[first["is_alarm"], ["group_value", "metric"]].values.tolist()
        assert ["F", "selection_rate"] in found
        # What two groups differ by is judged once.
        assert {group for group, _ in found} == {"F"}
        breaches = of_groups(monitor_of(), decided)[dt.date(2026, 3, 1)]
        assert len(breaches) == 1
        assert " of group = F is " in breaches[0].diagnosis


def test_groups_that_become_more_alike_alarm_nobody() -> None:
    scenario, generator = GroupScenario(2500, TWO), np.random.default_rng(5)
    days = scenario.days(generator, 0)
    alike = scenario.day(generator)
    # Men are selected as seldom as women.
    alike = fallen(alike.assign(group=alike["group"].map({"F": "x", "M": "M"})), "M", "", generator)
    alike = alike.assign(group=alike["group"].replace("x", "F"))
    last = dt.date(2026, 3, 1)
    decided = decide_groups(monitor_of(), pd.concat([days, counts_of(alike, last)]))
    today = decided[(decided["partition_date"] == last) & (decided["metric"] == "selection_rate")]
    of_women = today[today["group_value"] == "F"].iloc[0]
    assert abs(of_women["difference"]) < abs(of_women["expected"])
    assert of_women["window_p_value"] < 0.01
    assert not of_women["is_alarm"]


def test_a_group_with_too_few_rows_is_said_in_rows() -> None:
    scenario, generator = GroupScenario(300, TWO), np.random.default_rng(6)
    rows, last = scenario.day(generator), dt.date(2026, 3, 1)
    women = rows[rows["group"] == "F"].head(7).assign(chance=0.1)
    few = pd.concat([rows[rows["group"] == "M"], women])
    days = pd.concat([scenario.days(generator, 0), counts_of(few, last)])
    decided = decide_groups(monitor_of(), days)
    today = decided[(decided["partition_date"] == last) & (decided["group_value"] == "F")]
    said = dict(zip(today["metric"], today["reason"], strict=True))
    assert said["selection_rate"] == "7 rows of the group, and it takes 30"
    assert said["true_positive_rate"].startswith(f"{women['outcome'].sum()} rows with a positive")
    assert not today["is_alarm"].any()
    new = rows.assign(group=rows["group"].replace("F", "X"))
    decided = decide_groups(monitor_of(), pd.concat([days, counts_of(new, last + dt.timedelta(1))]))
    assert {"the reference period has no row of it"} == {
        *decided.loc[decided["group_value"] == "X", "reason"].dropna()
    } - {""}


def test_a_regression_has_its_mean_prediction_and_mean_error_by_group() -> None:
    content = monitor_of().model_dump(by_alias=True)
    monitor = Monitor.model_validate({**content, "task": "regression"})
    generator = np.random.default_rng(7)
    days = []
    for number in range(60):
        group = generator.choice(["A", "B", "C"], 600)
        target = generator.normal(100, 20, 600)
        error = generator.normal(0, 10, 600) + np.where((number == 59) & (group == "B"), 6, 0)
        rows = pd.DataFrame({"group": group, "prediction": target + error, "error": error})
        parts = rows.groupby("group").agg(
            row_count=("error", "size"),
            prediction_mean=("prediction", "mean"),
            prediction_deviation=("prediction", lambda values: values.std(ddof=0)),
            error_mean=("error", "mean"),
            error_deviation=("error", lambda values: values.std(ddof=0)),
        )
        parts = parts.rename_axis("group_value").reset_index()
        nothing = dict.fromkeys(("selected_count", "true_positive", "false_positive",
                                 "false_negative", "true_negative"), np.nan)  # fmt: skip
        days.append(
            parts.assign(
                partition_date=dt.date(2026, 1, 1) + dt.timedelta(number),
                column_name="group",
                predicted_count=parts["row_count"],
                labelled_count=parts["row_count"],
                day_rows=600,
                day_labelled=600,
                **nothing,
            )
        )
    decided = decide_groups(monitor, pd.concat(days))
    today = decided[decided["partition_date"] == dt.date(2026, 3, 1)].set_index(
        ["group_value", "metric"]
    )
    assert bool(today.loc[("B", "mean_error"), "is_alarm"])
    of_b = rows[rows["group"] == "B"]["error"]
    of_others = rows[rows["group"] != "B"]["error"]
    expected = stats.ttest_ind(of_b, of_others, equal_var=False).confidence_interval(0.95)
    row = today.loc[("B", "mean_error")]
    assert (row["lower"], row["upper"]) == pytest.approx((expected.low, expected.high))
    ((breach,),) = of_groups(monitor, decided).values()
    assert breach.diagnosis.startswith("mean error of group = B is ")
    assert breach.kind == "group_difference"


SENTENCES = [
    (
        ("selection_rate", "gender = F", 0.310, 0.431, -0.02),
        "selection rate of gender = F is 12.1 points below that of the others (31.0% against"
        " 43.1%; reference: 2.0 points below)",
    ),
    (
        ("true_positive_rate", "gender = F over the last 7 days", 0.5, 0.7, 0.0001),
        "true positive rate of gender = F over the last 7 days is 20.0 points below that of the"
        " others (50.0% against 70.0%; reference: the same)",
    ),
    (
        ("calibration", "race = B", 0.052, -0.003, 0.004),
        "predictions of race = B are 5.2 points above the share of positives, those of the others"
        " 0.3 points below (difference 5.5 points; reference 0.4 points)",
    ),
    (
        ("mean_prediction", "gender = F", 1200.0, 1320.0, 20.0),
        "mean prediction of gender = F is 120 below that of the others (1,200 against 1,320;"
        " reference: 20 above)",
    ),
]


@pytest.mark.parametrize(("told", "sentence"), SENTENCES)
def test_each_statistic_has_its_sentence(
    told: tuple[str, str, float, float, float], sentence: str
) -> None:
    assert group_sentence(*told) == sentence
