"""Diagnoses of planted faults, the distance they rest on, and the split over segments."""

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from driftmeter.arrival.inference_rows import DAY
from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.cause import Day, causes
from driftmeter.incidents.change import ColumnValues
from driftmeter.incidents.day import breaches_of_rows
from driftmeter.incidents.decomposition import decompose
from driftmeter.incidents.distance import distance, fit_bins, noise_level, shares
from driftmeter.incidents.event import one_event, with_volume
from driftmeter.incidents.fold import Away, fold
from driftmeter.incidents.importance import feature_importance
from driftmeter.incidents.mix import own_mix
from driftmeter.incidents.relations import correlation_shift, fit_relations
from driftmeter.incidents.symptoms import symptoms
from driftmeter.monitors.config import Column, Monitor
from driftmeter.performance import error_cause as cause
from driftmeter.performance.alarms import ErrorAlarm, EstimatedAlarm
from driftmeter.performance.error_cause import Learners, cause_of_error

FIRST, ONE = dt.date(2019, 4, 1), dt.timedelta(days=1)
MONITOR = Monitor.model_validate(
    {
        "name": "m",
        "owner": "team",
        "task": "regression",
        "timestamp": "at",
        "id": "id",
        "prediction": "predicted",
        "target": "actual",
        "model_version": "version",
        "features": {
            "miles": {"kind": "numerical", "unit": "miles"},
            "fare": {"kind": "numerical", "unit": "USD"},
            "payment": {"kind": "categorical", "accepted": ["card", "cash"]},
            "vendor": {"kind": "categorical"},
            "noise": {"kind": "numerical"},
        },
        "segments": ["payment"],
        "reference": {"from": "2019-02-01", "to": "2019-03-31"},
    }
)


def trips(count: int, seed: int) -> pd.DataFrame:
    """Trips whose fare and time hang on their miles."""
    generator = np.random.default_rng(seed)
    miles = np.round(generator.lognormal(1, 0.7, count), 2)
    predicted = 3 * miles + 4
    return pd.DataFrame(
        {
            "miles": miles,
            "fare": np.round(2.5 + 2.5 * miles + generator.normal(0, 1, count), 1),
            "payment": generator.choice(["card", "cash"], count, p=[0.7, 0.3]),
            "vendor": generator.choice(["1", "2", "4"], count, p=[0.4, 0.4, 0.2]),
            "noise": generator.normal(0, 1, count),
            "predicted": predicted,
            "actual": predicted + generator.normal(0, 2, count),
        }
    )


REFERENCE = trips(12_000, 0)
BINS = {name: fit_bins(c.kind, REFERENCE[name]) for name, c in MONITOR.columns.items()}
IMPORTANCE = feature_importance(MONITOR, REFERENCE)
RELATIONS = fit_relations(MONITOR.features, REFERENCE)


def day_of(rows: pd.DataFrame, reference: pd.DataFrame = REFERENCE) -> Day:
    learners = Learners(MONITOR, reference)
    return Day(MONITOR, reference, rows, BINS, IMPORTANCE, RELATIONS, learners)


def diagnosed(rows: pd.DataFrame, *columns: str | None) -> list[Breach]:
    """What is said of a day on which these columns are in alarm."""
    alarms = [Alarm(column, score=9 - n, threshold=3) for n, column in enumerate(columns)]
    return causes(day_of(rows), alarms)


def replace_reference(**columns: object) -> Callable[[pd.DataFrame], Day]:
    """Days that are held against a reference with other columns."""
    reference = REFERENCE.assign(**columns)
    bins = {name: fit_bins(c.kind, reference[name]) for name, c in MONITOR.columns.items()}
    return lambda rows: replace(day_of(rows), reference=reference, bins=bins)


def test_missing_values_are_named_with_their_share() -> None:
    day = trips(800, 1)
    day["fare"] = day["fare"].where(np.arange(800) % 4 > 0)
    (found,) = diagnosed(day, "fare")
    assert (found.kind, found.column_name) == ("missing_values", "fare")
    assert "25.0% of rows" in found.diagnosis
    assert found.evidence["share"] == pytest.approx(0.25)


def test_fewer_missing_values_are_called_values_and_a_few_fewer_nothing() -> None:
    usual = trips(4000, 0)
    usual["payment"] = usual["payment"].where(np.arange(4000) % 2 > 0)
    column = Column(kind="categorical")
    filled = ColumnValues("payment", column, usual["payment"], trips(800, 1)["payment"])
    (found,) = symptoms(filled)
    assert found.says == "has a value in 100.0% of rows, reference 50.0%"
    # Two of 58 rows have another value, and by chance none is missing.
    rare = trips(4000, 0)
    rare["vendor"] = rare["vendor"].mask(np.arange(4000) % 125 == 0)
    small = trips(58, 2).assign(vendor=["4"] * 2 + ["1"] * 56)
    change = ColumnValues("vendor", column, rare["vendor"], small["vendor"])
    assert all(symptom.kind != "missing_values" for symptom in symptoms(change))
    assert "(" in own_mix(change).says


def test_columns_that_go_missing_in_the_same_rows_are_one_cause() -> None:
    day = trips(800, 2)
    day.loc[np.arange(800) % 4 == 0, ["fare", "payment"]] = None
    (found,) = diagnosed(day, "fare", "payment")
    assert found.columns == ("fare", "payment")


def test_columns_that_go_missing_in_other_rows_are_two() -> None:
    day = trips(800, 3)
    day.loc[np.arange(800) % 4 == 0, "fare"] = np.nan
    day.loc[np.arange(800) % 4 == 1, "noise"] = np.nan
    assert len(diagnosed(day, "fare", "noise")) == 2


def test_a_column_without_any_value_is_missing_and_one_of_other_values_coded_otherwise() -> None:
    (found,) = diagnosed(trips(800, 4).assign(payment=None), "payment")
    # The table has the column still: only what filled it has ended.
    assert (found.kind, found.severity) == ("missing_values", "error")
    assert found.diagnosis == "payment has no value at all, reference 100.0% known."
    empty = replace_reference(noise=np.nan)
    (filled,) = causes(empty(trips(800, 4)), [Alarm("noise", score=9, threshold=3)])
    assert (filled.kind, filled.severity) == ("schema_change", "warn")
    assert "has a value in 100.0% of rows, reference 0.0%: it was empty" in filled.diagnosis
    (recoded,) = diagnosed(trips(800, 4).assign(payment="Credit card"), "payment")
    assert recoded.kind == "schema_change"
    assert "'Credit card'" in recoded.diagnosis


@pytest.mark.parametrize(("old_rows", "factor"), [(8, 100), (8, 0.01), (110, 100)])
def test_a_day_on_which_another_unit_began_says_in_which_rows(old_rows: int, factor: float) -> None:
    incomes = np.random.default_rng(0).lognormal(10.5, 0.4, 12_290)
    rows = trips(290, 5).assign(noise=incomes[12_000:] * factor)
    rows.loc[: old_rows - 1, "noise"] /= factor
    day = replace_reference(noise=incomes[:12_000])(rows)
    (found,) = causes(day, [Alarm("noise", score=9, threshold=3)])
    median = rows["noise"][old_rows:].median()
    assert (found.kind, found.column_name) == ("unit_change", "noise")
    assert f"({290 - old_rows} of 290) (median {float(f'{median:.3g}'):,.0f}," in found.diagnosis
    assert found.evidence["factor"] == pytest.approx(factor, rel=0.1)
    assert found.evidence["share"] == 1 - old_rows / 290


def test_an_unseen_category_is_named() -> None:
    day = trips(800, 5)
    day.loc[np.arange(800) % 10 == 0, "payment"] = "voucher"
    (found,) = diagnosed(day, "payment")
    assert found.kind == "unseen_category"
    assert "'voucher' in 10.0% of rows" in found.diagnosis
    assert "`accepted` does not name" in found.diagnosis


@pytest.mark.parametrize("factor", [1.609344, 1.5, 0.01, 60.0])
def test_a_unit_change_has_its_factor(factor: float) -> None:
    (found,) = diagnosed(trips(800, 6).assign(miles=lambda rows: rows["miles"] * factor), "miles")
    assert found.kind == "unit_change"
    assert found.evidence["factor"] == pytest.approx(factor, rel=0.03)
    assert ("kilometers" in found.diagnosis) == (factor == 1.609344)


@pytest.mark.parametrize("seed", [1, 3, 8])
def test_the_commonest_value_hides_no_factor_that_the_medians_show(seed: int) -> None:
    # A day of slightly higher fares, whose commonest fare is a lower one by chance.
    generator = np.random.default_rng(seed)
    sides = ((2.86, 7400, 14.0, 450), (2.915, 900, 13.0, 80))
    usual, today = (
        pd.Series([*np.round(generator.lognormal(middle, 0.6, rows) * 2) / 2, *[commonest] * often])
        for middle, rows, commonest, often in sides
    )
    fares = ColumnValues("fare", Column(kind="numerical", unit="USD"), usual, today * 0.4)
    assert [found.kind for found in symptoms(fares)] == ["unit_change"]


def test_a_factor_that_came_step_by_step_is_no_other_unit() -> None:
    def scaled(factors: list[float]) -> pd.DataFrame:
        parts = [
            trips(300, 70 + place).assign(
                miles=lambda rows, factor=factor: rows["miles"] * factor, **{DAY: place}
            )
            for place, factor in enumerate(factors)
        ]
        return pd.concat(parts, ignore_index=True)

    rows = trips(800, 6).assign(miles=lambda rows: rows["miles"] * 1.6)
    alarms = [Alarm("miles", score=9, threshold=3)]
    for factors, kind in (
        ([1.0] * 7, "unit_change"),
        ([1.0] * 4 + [1.6] * 3, "unit_change"),
        (list(np.linspace(1.0, 1.55, 7)), "shape_shift"),
    ):
        day = replace(day_of(rows), before=lambda factors=factors: scaled(factors))
        (found,) = causes(day, alarms)
        assert found.kind == kind


def test_a_conversion_is_named_only_of_what_a_column_holds() -> None:
    renamed = ColumnValues(
        "temperature",
        Column(kind="numerical"),
        REFERENCE["miles"],
        trips(800, 6)["miles"] * 0.45359237,
    )
    (found,) = (one for one in symptoms(renamed) if one.kind == "unit_change")
    assert "pounds" not in found.says
    weight = replace(renamed, name="weight")
    (found,) = (one for one in symptoms(weight) if one.kind == "unit_change")
    assert "(pounds as kilograms?)" in found.says


def test_outliers_are_few_and_absurd() -> None:
    day = trips(800, 7)
    day.loc[np.arange(800) % 40 == 0, "fare"] = 5000.0
    (found,) = diagnosed(day, "fare")
    assert found.kind == "outliers"
    assert found.evidence["share"] == pytest.approx(0.025)


def test_a_mix_shift_says_which_category_moved() -> None:
    day = trips(800, 8)
    day.loc[np.arange(800) % 3 == 0, "vendor"] = "4"
    (found,) = diagnosed(day, "vendor")
    assert found.kind == "mix_shift"
    assert found.evidence["moved"][0]["value"] == "4"


def test_one_segment_gone_wrong_is_told_from_all_rows() -> None:
    day = trips(1500, 9)
    day["miles"] = day["miles"].where(day["vendor"] != "2", day["miles"] * 2)
    (found,) = diagnosed(day, "miles")
    assert (found.kind, found.segment, found.segment_value) == ("segment", "vendor", "2")
    assert found.evidence["within"]["kind"] == "unit_change"


def skewed(count: int, seed: int) -> pd.DataFrame:
    """Trips with a column that is skewed where the vendor is 1, with the same median."""
    generator, rows = np.random.default_rng(seed), trips(count, seed)
    side = np.where(generator.random(count) < 0.5, -0.05, 3) * generator.random(count)
    others = generator.normal(0, 1, count)
    return rows.assign(noise=np.where(rows["vendor"] == "1", side, others))


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_segment_is_named_only_where_the_other_rows_stayed(seed: int) -> None:
    usual, day = skewed(12_000, 0), skewed(8000, seed)
    against = replace_reference(noise=usual["noise"], vendor=usual["vendor"])
    alarms = [Alarm("noise", score=9, threshold=3)]
    (found,) = causes(against(day.assign(noise=day["noise"] * 0.29)), alarms)
    assert found.segment is None
    one = day.assign(noise=day["noise"].where(day["vendor"] != "1", day["noise"] * 0.29 + 1))
    (found,) = causes(against(one), alarms)
    assert (found.segment, found.segment_value) == ("vendor", "1")


def test_another_shape_is_no_other_unit() -> None:
    (found,) = diagnosed(trips(800, 10).assign(fare=lambda rows: rows["fare"] + 6), "fare")
    assert found.kind == "shape_shift"


def test_fifty_rows_that_are_all_larger_by_as_much_are_seldom_told_as_another_unit() -> None:
    reference = pd.Series(np.random.default_rng(0).normal(40, 10, 3000))
    told = {"shift": 0, "factor": 0}
    for seed in range(40):
        rows = pd.Series(np.random.default_rng(100 + seed).normal(40, 10, 50))
        for name, day in (("shift", rows + 12), ("factor", rows * 2)):
            values = ColumnValues("points", Column(kind="numerical"), reference, day)
            told[name] += any(found.kind == "unit_change" for found in symptoms(values))
    # Either repair leaves what chance leaves of fifty rows, 19 times of 20.
    assert told["shift"] <= 6
    assert told["factor"] >= 34


def test_a_lost_correlation_names_the_pair() -> None:
    day = trips(1000, 11)
    day["miles"] = np.random.default_rng(1).permutation(day["miles"].to_numpy())
    (found,) = diagnosed(day, None)
    assert found.kind == "correlation_shift"
    assert set(found.columns) == {"miles", "fare"}
    assert found.evidence["reference_correlation"] > 0.8


def lasting(column: str, score: float = 9) -> Alarm:
    """A column that left the reference before, which is no news."""
    return Alarm(column, score=score, threshold=3, is_new=False)


def test_a_column_that_was_away_before_is_not_said_to_come_with_a_new_change() -> None:
    shifted = trips(800, 12)
    shifted["predicted"] += 6
    day = shifted.assign(noise=shifted["noise"] + 3)
    (found,) = causes(day_of(day), [Alarm("noise", score=9, threshold=3), lasting("predicted")])
    assert found.columns == ("noise",)
    assert "with it" not in found.diagnosis
    # Nor is a prediction that changes today what an unrelated column brought long ago.
    alarms = [lasting("noise"), Alarm("predicted", score=9, threshold=3)]
    (found,) = causes(day_of(day), alarms)
    assert found.columns == ("predicted",)
    # What begins on one day is told together.
    both = [Alarm("noise", score=9, threshold=3), Alarm("predicted", score=8, threshold=3)]
    assert causes(day_of(day), both)[0].diagnosis.endswith("; with it predicted.")


TOGETHER = Alarm(None, score=0.8, threshold=0.55)


def test_a_segment_whose_rows_changed_is_told_and_not_the_pair_that_it_parts() -> None:
    day = trips(1_000, 41)
    day.loc[day["payment"] == "cash", "fare"] *= 2.54
    alarms = [Alarm("fare", "payment", "cash", score=9, threshold=3), TOGETHER]
    first = causes(day_of(day), alarms)[0]
    assert (first.kind, first.column_name, first.segment_value) == ("segment", "fare", "cash")


def test_a_pair_that_parts_is_told_and_not_the_segments_that_show_it() -> None:
    day = trips(1_000, 42)
    day["fare"] = day["fare"].sample(frac=1, random_state=3).to_numpy()
    alarms = [Alarm("fare", "payment", "cash", score=9, threshold=3), TOGETHER]
    assert causes(day_of(day), alarms)[0].kind == "correlation_shift"


def test_a_pair_that_parts_is_told_where_nearly_all_rows_are_of_one_segment() -> None:
    # So few rows outside of it do not show that they go together as ever.
    reference = REFERENCE.assign(payment=np.where(np.arange(12_000) % 12, "card", "cash"))
    day = trips(300, 43).assign(payment=np.where(np.arange(300) % 12, "card", "cash"))
    day["fare"] = day["fare"].sample(frac=1, random_state=3).to_numpy()
    alarms = [Alarm("fare", "payment", "card", score=9, threshold=3), TOGETHER, lasting("vendor")]
    error = ErrorAlarm("mean absolute error", 12.0, 1.6, 1e-9, 1e-3, 300)
    loss, pair = breaches_of_rows(day_of(day, reference), alarms, error)
    assert (loss.kind, pair.kind) == ("performance_drop", "correlation_shift")


def test_a_pair_that_parted_on_the_days_before_is_no_news() -> None:
    def parted(rows: int, seed: int) -> pd.DataFrame:
        trip = trips(rows, seed)
        return trip.assign(fare=trip["fare"].sample(frac=1, random_state=3).to_numpy())

    before = pd.concat([parted(800, 50 + day).assign(**{DAY: day}) for day in range(5)])
    calm = pd.concat([trips(800, 50 + day).assign(**{DAY: day}) for day in range(5)])
    error = ErrorAlarm("mean absolute error", 12.0, 1.6, 1e-9, 1e-3, 800)
    for earlier, kind in ((calm, "correlation_shift"), (before, None)):
        day = replace(day_of(parted(800, 60)), before=lambda rows=earlier: rows)
        loss = breaches_of_rows(day, [lasting("fare")], error)[0]
        assert loss.evidence.get("cause", {}).get("kind") == kind


def test_a_pair_that_is_apart_on_every_such_weekday_is_no_news() -> None:
    def apart(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(fare=rows["fare"].sample(frac=1, random_state=3).to_numpy())

    day = apart(trips(800, 71))
    (found,) = causes(day_of(day), [TOGETHER])
    assert set(found.columns) == {"miles", "fare"}
    (found,) = causes(day_of(day, apart(trips(4_000, 70))), [TOGETHER])
    assert found.columns == ()


def test_all_columns_together_name_the_one_that_tells_most_of_it() -> None:
    # Its reference's own days differ so widely that it does not alarm by itself.
    day = trips(800, 44).assign(noise=lambda rows: rows["noise"] * 0.3 + 1.5)
    alarms = [replace(TOGETHER, score=0.95), lasting("vendor")]
    (found,) = breaches_of_rows(day_of(day), alarms, None)
    assert (found.kind, found.column_name) == ("shape_shift", "noise")
    # What a column hardly tells is not what all of them together do.
    faint = trips(800, 44).assign(noise=lambda rows: rows["noise"] + 0.3)
    (found,) = breaches_of_rows(day_of(faint), alarms, None)
    assert (found.kind, found.column_name) == ("correlation_shift", None)


def test_what_began_today_comes_before_what_lasts_and_moved_more_today() -> None:
    day = more_cash(trips(800, 45)).assign(noise=lambda rows: rows["noise"] + 3)
    day["predicted"] += 9 * (day["payment"] == "cash")
    alarms = [lasting("payment", 30), Alarm("noise", score=9, threshold=3)]
    alarms.append(Alarm("predicted", score=9, threshold=3))
    assert causes(day_of(day), alarms)[0].column_name == "noise"


def more_cash(rows: pd.DataFrame) -> pd.DataFrame:
    """Cash rises from 30% to 80%, and stays there."""
    changed = rows.copy()
    changed.loc[np.arange(len(rows)) % 7 < 5, "payment"] = "cash"
    return changed


def by_payment(rows: pd.DataFrame) -> pd.DataFrame:
    """Fare and noise that hang on the payment."""
    cash = rows["payment"] == "cash"
    return rows.assign(fare=rows["fare"] + 30 * cash, noise=rows["noise"] + 4 * cash)


def test_a_column_that_is_still_away_may_be_why_a_day_stands_out() -> None:
    day = more_cash(trips(800, 21))
    (found,) = breaches_of_rows(day_of(day), [TOGETHER, lasting("payment")], None)
    assert (found.kind, found.column_name) == ("mix_shift", "payment")
    # With no alarm at all it is no breach: nothing is new.
    assert causes(day_of(day), [lasting("payment")]) == []


def test_what_is_new_beside_what_lasts_is_told_alone_unless_it_comes_with_it() -> None:
    day = more_cash(trips(800, 22))
    day["noise"] += 3
    (found,) = causes(day_of(day), [lasting("payment", 20), Alarm("noise", score=9, threshold=3)])
    assert found.column_name == "noise"
    # Fares that changed with the payment are of one cause with it, whichever of them is new.
    reference = by_payment(REFERENCE)
    bins = {**BINS, "fare": fit_bins("numerical", reference["fare"])}
    rows = by_payment(more_cash(trips(800, 23)))
    day_with_it = replace(day_of(rows, reference), bins=bins)
    (one,) = causes(day_with_it, [lasting("payment", 20), Alarm("fare", score=9, threshold=3)])
    assert one.columns == ("payment", "fare")


def test_no_sentence_says_that_a_changed_column_looks_the_same() -> None:
    day = trips(1000, 24)
    day["miles"] = np.random.default_rng(1).permutation(day["miles"].to_numpy()) * 1.5
    for moved in (["miles"], ["miles", "fare"]):
        pair = correlation_shift(RELATIONS, day, TOGETHER, moved=moved)
        assert set(pair.columns) == {"miles", "fare"}
        assert "looks the same" not in pair.diagnosis
    assert "looks the same" in correlation_shift(RELATIONS, day, TOGETHER).diagnosis
    # Where no pair can be told, either.
    few = correlation_shift(RELATIONS, day.head(5), TOGETHER, moved=["miles"])
    assert "none alone" not in few.diagnosis


def test_the_references_own_correlation_is_one_number_whatever_the_weekday() -> None:
    evidence = set()
    for seed in range(3):
        day = trips(1000, 30 + seed)
        day["miles"] = np.random.default_rng(seed).permutation(day["miles"].to_numpy())
        # Of each weekday other rows: they do not decide what the reference's correlation was.
        (found,) = causes(day_of(day, trips(600, 40 + seed)), [TOGETHER])
        evidence.add((found.columns, found.evidence["reference_correlation"]))
    assert len(evidence) == 1


def test_an_error_under_a_lasting_change_does_not_call_the_inputs_as_before() -> None:
    day = more_cash(trips(800, 25))
    day["actual"] *= 1.5
    error = ErrorAlarm("mean absolute error", 9.0, 1.6, 1e-9, 1e-3, 800)
    first, *more = breaches_of_rows(day_of(day), [lasting("payment")], error)
    assert first.kind == "concept_drift"
    assert "as before" not in first.diagnosis
    assert "payment" in first.diagnosis
    # The change that lasts is no news beside it.
    assert more == []
    calm = trips(800, 26).assign(actual=lambda rows: rows["actual"] * 1.5)
    (found,) = breaches_of_rows(day_of(calm), [], error)
    assert "neither the inputs nor the predictions explain it" in found.diagnosis


def test_inputs_that_never_went_together_so_are_why_the_error_rose() -> None:
    day = trips(1000, 27)
    day["miles"] = np.random.default_rng(1).permutation(day["miles"].to_numpy())
    error = ErrorAlarm("mean absolute error", 12.0, 1.6, 1e-9, 1e-3, 1000)
    loss, pair = breaches_of_rows(day_of(day), [Alarm(None, score=0.6, threshold=0.55)], error)
    assert loss.kind == "performance_drop"
    assert loss.diagnosis.startswith("The mean absolute error rose to 12, reference 1.6. Possible")
    assert pair.kind == "correlation_shift"
    assert loss.evidence["cause"] == {"kind": pair.kind, "columns": list(pair.columns)}


def test_a_loss_is_told_by_itself_and_first_whatever_columns_moved() -> None:
    day = trips(800, 60).assign(miles=lambda rows: rows["miles"] * 1.609344)
    day["predicted"] = 3 * day["miles"] + 4
    day.loc[np.arange(800) % 5 == 0, "payment"] = None
    error = ErrorAlarm("mean absolute error", 7.0, 1.6, 1e-9, 1e-3, 800)
    alarms = [Alarm("miles", score=20, threshold=3), Alarm("payment", score=9, threshold=3)]
    loss, *others = breaches_of_rows(day_of(day), alarms, error)
    assert (loss.kind, loss.columns) == ("performance_drop", ("actual", "predicted"))
    assert "Possible cause: miles is 1.609 times what it was" in loss.diagnosis
    assert [(each.kind, each.columns[0]) for each in others] == [
        ("unit_change", "miles"),
        ("missing_values", "payment"),
    ]
    # Without labels the same, by estimate.
    estimate = EstimatedAlarm("mean absolute error", 6.5, 6.0, 7.1, 1.6, 0.95, 30)
    estimated, *others = breaches_of_rows(day_of(day), alarms, None, estimate)
    assert estimated.kind == "performance_drop"
    assert "estimated at 6.5 (6 to 7.1), reference 1.6" in estimated.diagnosis
    assert len(others) == 2


def test_no_loss_is_told_where_none_was_measured_or_estimated() -> None:
    day = trips(800, 61)
    day["predicted"] = np.random.default_rng(2).permutation(day["predicted"].to_numpy()) + 5
    (found,) = breaches_of_rows(day_of(day), [Alarm("predicted", score=9, threshold=3)], None)
    assert (found.kind, found.column_name) == ("shape_shift", "predicted")
    assert "times as far from what the model gave for such inputs" in found.diagnosis


def test_what_changes_in_many_columns_at_once_is_one_event() -> None:
    gone = trips(800, 62).assign(fare=np.nan, noise=np.nan)
    (found,) = one_event(diagnosed(gone, "fare", "noise"))
    assert (found.kind, set(found.columns)) == ("missing_values", {"fare", "noise"})
    assert found.diagnosis.startswith("2 columns changed at once: ")
    moved = trips(800, 63)
    moved["noise"] += 3
    moved.loc[np.arange(800) % 5 == 0, "payment"] = None
    moved.loc[np.arange(800) % 3 == 0, "vendor"] = "4"
    (event,) = one_event(diagnosed(moved, "noise", "payment", "vendor"))
    assert set(event.columns) == {"noise", "payment", "vendor"}
    assert [cause.columns for cause in event.causes] == [("noise",), ("payment",), ("vendor",)]
    # On the day after, any of them is the same event.
    after = diagnosed(moved, "vendor")
    assert len(fold({FIRST: [event], FIRST + ONE: after}, {FIRST + ONE: {Away("vendor")}})) == 1
    # Fewer rows of another mix are one event too.
    few = Breach("volume", "400 rows came, 50% fewer.", evidence={"direction": -1})
    (holiday,) = with_volume([few, *after])
    assert (holiday.kind, holiday.columns) == ("volume", ("vendor",))
    assert holiday.diagnosis.startswith("400 rows came, 50% fewer; with it vendor 4 rose from")


def test_columns_that_change_in_one_segment_are_of_one_cause() -> None:
    day = trips(2000, 64)
    is_of_2 = day["vendor"] == "2"
    day["fare"] = day["fare"].where(~is_of_2, day["fare"] * 1.6)
    day["noise"] = day["noise"].where(~is_of_2, day["noise"] + 2)
    (found,) = diagnosed(day, "fare", "noise")
    assert (found.segment, found.segment_value) == ("vendor", "2")
    assert found.columns == ("fare", "noise")


def test_one_change_of_many_columns_is_one_incident_whichever_alarms_first() -> None:
    """Each day another of the columns is in alarm; those that were stay away."""
    columns = ("payment", "fare", "noise")
    reference = by_payment(trips(6000, 50))
    days = [by_payment(more_cash(trips(500, 51 + number))) for number in range(5)]
    bins = {name: fit_bins(c.kind, reference[name]) for name, c in MONITOR.columns.items()}
    relations = fit_relations(MONITOR.features, reference)
    for order in itertools.permutations(columns):
        breaches, away = {}, {}
        for number, rows in enumerate(days):
            gone, newest = set(order[: number + 1]), order[number % len(order)]
            alarms = [
                Alarm(name, score=9 + 5 * (name == newest), threshold=3, is_new=name == newest)
                for name in gone
            ]
            day = replace(day_of(rows, reference), bins=bins, relations=relations)
            at = FIRST + number * ONE
            breaches[at] = causes(day, alarms)
            away[at] = {Away(name) for name in gone}
        (incident,) = fold(breaches, away)
        assert set(incident.columns) == set(columns)


def test_two_faults_on_one_day_are_two_diagnoses_and_the_prediction_is_none() -> None:
    day = trips(800, 12).assign(miles=lambda rows: rows["miles"] * 1.609344)
    day["predicted"] = 3 * day["miles"] + 4
    day.loc[np.arange(800) % 5 == 0, "payment"] = None
    found = diagnosed(day, "miles", "payment", "predicted")
    assert {breach.kind for breach in found} == {"unit_change", "missing_values"}
    assert sum("predicted" in breach.columns for breach in found) == 1


def test_a_few_absurd_values_are_put_down_to_missing_ones_only_in_the_same_rows() -> None:
    names, together = ("payment", "noise"), 0
    for seed in range(20):
        day = trips(265, seed)
        is_lost = np.arange(265) % 5 == 0
        apart, same = day.copy(), day.copy()
        for rows, absurd in ((apart, ~is_lost), (same, is_lost)):
            rows.loc[is_lost, "payment"] = None
            rows.loc[rows.index[absurd][:6], "noise"] = 1.9e3
        told = diagnosed(apart, "payment", "noise")
        assert tuple(breach.column_name for breach in told) == names, told[0].diagnosis
        together += diagnosed(same, "payment", "noise")[0].columns == names
    assert together >= 15


def test_features_are_ranked_by_what_the_prediction_hangs_on() -> None:
    assert IMPORTANCE["miles"] > 0.9
    day = trips(800, 13).assign(miles=lambda rows: rows["miles"] * 2)
    day["noise"] += 3
    found = diagnosed(day, "noise", "miles")
    assert found[0].evidence["ranking"][0]["column"] == "miles"


@pytest.mark.parametrize(
    ("fault", "kind"), [("world", "concept_drift"), ("model", "performance_drop")]
)
def test_a_changed_world_is_told_from_a_changed_model(fault: str, kind: str) -> None:
    day = trips(800, 14)
    if fault == "world":
        day["actual"] *= 1.5
    else:
        day["predicted"] = np.random.default_rng(2).permutation(day["predicted"].to_numpy())
    assert cause_of_error(MONITOR, Learners(MONITOR, REFERENCE), day).kind == kind


def test_what_the_reference_tells_is_learned_once(monkeypatch: pytest.MonkeyPatch) -> None:
    learn, learned = cause._learn, []
    monkeypatch.setattr(cause, "_learn", lambda *rows: learned.append(1) or learn(*rows))
    learners = Learners(MONITOR, REFERENCE)
    kinds = [cause_of_error(MONITOR, learners, trips(800, seed)).kind for seed in range(3)]
    assert len(learned) == 3
    alone = [
        cause_of_error(MONITOR, Learners(MONITOR, REFERENCE), trips(800, seed)).kind
        for seed in range(3)
    ]
    assert kinds == alone


def test_the_distance_of_calm_samples_is_zero_on_average() -> None:
    generator = np.random.default_rng(20261123)
    column = Column(kind="numerical")
    found, beyond = [], 0
    for _ in range(200):
        change = ColumnValues(
            "x",
            column,
            pd.Series(generator.normal(size=3000)),
            pd.Series(generator.normal(size=200)),
        )
        size = distance(change.before, change.now)
        found.append(size)
        beyond += size > noise_level(change.before, change.now)
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 4 * error + 0.002
    # Two standard deviations of a skewed distance, about.
    assert beyond / len(found) < 0.1


def test_weights_count_for_the_rows_that_they_are_worth() -> None:
    place = np.array([0, 0, 1, 1])
    assert shares(place, 2, np.ones(4)).rows == 4
    assert shares(place, 2, np.array([1.0, 0, 0, 0])).rows == 1


def test_an_alarm_of_a_segment_that_is_no_monitored_column_is_diagnosed_inside_of_it() -> None:
    monitor = MONITOR.model_copy(update={"segments": ("shift",)})
    column = monitor.segment_columns["shift"]
    reference, rows = (
        frame.assign(**{column: np.resize(list("0123456789"), len(frame))})
        for frame in (REFERENCE, trips(2_000, 7))
    )
    rows["noise"] = rows["noise"] + 1.5 * (rows[column] == "3")
    day = replace(day_of(rows, reference), monitor=monitor)
    alarm = Alarm("noise", "shift", "3", score=9, threshold=3)
    (found,) = causes(day, [alarm])
    assert (found.kind, found.segment, found.segment_value) == ("segment", "shift", "3")
    # Held against another cause, it is still a cause of its own.
    rows["payment"] = "cash"
    whole = Alarm("payment", score=20, threshold=3)
    assert [breach.column_name for breach in causes(day, [whole, alarm])] == ["payment", "noise"]


def test_the_split_over_segments_sums_to_the_change() -> None:
    generator = np.random.default_rng(3)
    before = pd.Series(generator.normal(10, 2, 500))
    now = pd.Series(generator.normal(12, 2, 400))
    names = ["a", "b", "c", None]
    segment_before = pd.Series(generator.choice(names, 500, p=[0.5, 0.3, 0.1, 0.1]), dtype=object)
    segment_now = pd.Series(generator.choice(["a", "b", "d"], 400), dtype=object)
    parts = decompose(before, segment_before, now, segment_now)
    change = now.mean() - before.mean()
    assert sum(part.mix + part.rate for part in parts) == pytest.approx(change, abs=1e-12)
    assert {part.value for part in parts} == {"a", "b", "c", "d", "(missing)"}
    # What is only on one side is a matter of who came.
    assert all(part.rate == 0 for part in parts if part.value in ("c", "d", "(missing)"))


def test_a_pure_mix_has_no_rate_and_a_pure_rate_no_mix() -> None:
    segment = pd.Series(["a"] * 50 + ["b"] * 50)
    value = pd.Series([1.0] * 50 + [3.0] * 50)
    more_b = pd.Series(["a"] * 20 + ["b"] * 80)
    mixed = decompose(value, segment, pd.Series([1.0] * 20 + [3.0] * 80), more_b)
    assert sum(part.rate for part in mixed) == 0
    assert sum(part.mix for part in mixed) == pytest.approx(0.6)
    rated = decompose(value, segment, value + 1, segment)
    assert sum(part.mix for part in rated) == 0
    assert sum(part.rate for part in rated) == pytest.approx(1)
