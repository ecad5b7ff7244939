"""Scores and tests of one day by either engine, against the preset and SciPy; a reason for gaps."""

import numpy as np
import pandas as pd
import pytest
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
from scipy import stats
from scipy.spatial.distance import jensenshannon

from benchmarks.evidently_engine import EvidentlyEngine
from driftmeter.drift.kernel_engine import KernelEngine
from driftmeter.drift.results import ColumnDrift, TestOutcome
from driftmeter.monitors.config import Column

COLUMNS = {
    "fare": Column(kind="numerical", unit="USD", range=(0, 200)),
    "hour": Column(kind="numerical"),
    "zone": Column(kind="categorical"),
    "card": Column(kind="categorical", accepted=("true", "false")),
}


def trips(rows: int, seed: int, zones: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "fare": rng.gamma(3, 4, rows),
            "hour": rng.integers(0, 24, rows).astype(float),
            "zone": rng.integers(1, zones + 1, rows).astype(str).astype(object),
            "card": rng.choice(["true", "false"], rows).astype(object),
        }
    )


@pytest.fixture(scope="module", params=[KernelEngine, EvidentlyEngine])
def kind(request: pytest.FixtureRequest) -> type[KernelEngine]:
    return request.param


@pytest.fixture(scope="module")
def engine(kind: type[KernelEngine]) -> KernelEngine:
    return kind(trips(5000, seed=1), COLUMNS, min_rows=30)


def by_column(rows: list[ColumnDrift]) -> dict[str | None, ColumnDrift]:
    return {row.column_name: row for row in rows}


def by_test(outcomes: list[TestOutcome], column: str) -> dict[str, TestOutcome]:
    return {outcome.test: outcome for outcome in outcomes if outcome.column_name == column}


@pytest.mark.parametrize("reference_rows", [5000, 600])
def test_scores_methods_and_verdicts_are_those_of_the_preset(
    kind: type[KernelEngine], reference_rows: int
) -> None:
    reference, current = trips(reference_rows, seed=1), trips(400, seed=2)
    current["fare"] *= 1.6
    drift, _ = kind(reference, COLUMNS, 30).compare(current)
    definition = DataDefinition(
        numerical_columns=["fare", "hour"], categorical_columns=["zone", "card"]
    )
    said = Report([DataDriftPreset()], include_tests=True).run(
        Dataset.from_pandas(current, definition), Dataset.from_pandas(reference, definition)
    )
    preset = {
        metric["config"]["column"]: metric
        for metric in said.dict()["metrics"]
        if "column" in metric["config"]
    }
    verdicts = {
        test["metric_config"]["params"]["column"]: test["status"] == "FAIL"
        for test in said.dict()["tests"]
        if test["id"] == "drift"
    }
    ours = by_column(drift)
    assert set(preset) == set(COLUMNS)
    for name, theirs in preset.items():
        assert ours[name].score == pytest.approx(float(theirs["value"]))
        assert ours[name].method == theirs["config"]["method"]
        assert ours[name].threshold == theirs["config"]["threshold"]
        assert ours[name].is_drifted == verdicts[name]
    assert ours["fare"].is_drifted


def test_distances_equal_scipys(engine: KernelEngine) -> None:
    reference, current = trips(5000, seed=1), trips(400, seed=3)
    ours = by_column(engine.compare(current)[0])
    distance = stats.wasserstein_distance(reference["fare"], current["fare"])
    assert ours["fare"].score == pytest.approx(distance / np.std(reference["fare"]))
    shares = [
        frame["zone"].value_counts(normalize=True).sort_index() for frame in (reference, current)
    ]
    assert ours["zone"].score == pytest.approx(jensenshannon(*shares))
    assert ours["zone"].p_value is None


def test_a_small_reference_gives_probabilities_that_are_drift_when_low(
    kind: type[KernelEngine],
) -> None:
    reference, current = trips(600, seed=1), trips(400, seed=3)
    current["fare"] += 4
    ours = by_column(kind(reference, COLUMNS, 30).compare(current)[0])
    expected = stats.ks_2samp(reference["fare"], current["fare"]).pvalue
    assert ours["fare"].p_value == pytest.approx(expected)
    assert ours["fare"].is_drifted
    assert not ours["hour"].is_drifted
    assert ours["hour"].p_value is not None
    assert ours["hour"].p_value > 0.05


def test_calm_is_silent_at_2000_rows_and_a_planted_shift_is_found(engine: KernelEngine) -> None:
    calm = trips(2000, seed=4)
    drift, tests = engine.compare(calm)
    assert not any(row.is_drifted for row in drift)
    assert {outcome.status for outcome in tests} == {"pass"}
    shifted = calm.assign(fare=calm["fare"] * 1.5)
    drifted = [row.column_name for row in engine.compare(shifted)[0] if row.is_drifted]
    assert drifted == ["fare"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([np.nan] * 400, "0 of 400 values are known"),
        ([np.inf] * 400, "0 of 400 values are known"),
        ([1.0] * 12 + [np.nan] * 388, "12 known values, fewer than 30"),
    ],
)
def test_a_column_that_cannot_be_compared_has_a_reason_and_costs_no_other(
    engine: KernelEngine, values: list[float], reason: str
) -> None:
    current = trips(400, seed=5).assign(fare=values)
    drift, tests = engine.compare(current)
    ours = by_column(drift)
    assert (ours["fare"].status, ours["fare"].reason) == ("skipped", reason)
    assert ours["fare"].is_drifted is None
    assert [ours[name].status for name in ("hour", "zone", "card", None)] == ["ok"] * 4
    assert by_test(tests, "fare")["drift"].status == "skipped"


@pytest.mark.parametrize(("known", "status"), [(29, "skipped"), (30, "ok")])
def test_as_many_known_values_as_the_monitor_asks_for_are_compared(
    engine: KernelEngine, known: int, status: str
) -> None:
    current = trips(400, seed=2)
    current.loc[known:, "fare"] = np.nan
    assert by_column(engine.compare(current)[0])["fare"].status == status


def test_a_constant_day_and_stray_infinities_are_compared(engine: KernelEngine) -> None:
    current = trips(400, seed=6).assign(hour=12.0, zone="3")
    current.loc[:9, "fare"] = np.inf
    ours = by_column(engine.compare(current)[0])
    assert {row.status for row in ours.values()} == {"ok"}
    assert ours["fare"].n_current == 390
    assert ours["hour"].is_drifted
    assert ours["zone"].is_drifted


def test_a_column_that_the_reference_lacks_is_skipped_with_its_reason(
    kind: type[KernelEngine],
) -> None:
    reference = trips(2000, seed=1).assign(zone=None)
    ours = by_column(kind(reference, COLUMNS, 30).compare(trips(400, seed=2))[0])
    assert ours["zone"].reason == "0 of the reference's 2000 values are known"


def test_an_empty_day_has_a_row_for_each_column(engine: KernelEngine) -> None:
    drift, tests = engine.compare(trips(400, seed=2).iloc[:0])
    assert [row.column_name for row in drift] == [*COLUMNS, None]
    assert {row.status for row in drift} == {"skipped"}
    assert {test.status for test in tests} == {"skipped"}


def test_three_hundred_categories_are_compared(kind: type[KernelEngine]) -> None:
    engine = kind(trips(5000, seed=1, zones=300), COLUMNS, 30)
    ours = by_column(engine.compare(trips(400, seed=2, zones=300))[0])
    assert ours["zone"].status == "ok"


def test_missing_values_ranges_and_new_categories_are_tested(engine: KernelEngine) -> None:
    current = trips(400, seed=2)
    current.loc[:99, "fare"] = np.nan
    current.loc[100:109, "fare"] = 5000.0
    current.loc[:39, "zone"] = "99"
    tests = engine.compare(current)[1]
    fare, zone = by_test(tests, "fare"), by_test(tests, "zone")
    assert (fare["missing_values"].status, fare["missing_values"].observed) == ("fail", 0.25)
    assert fare["value_range"].status == "fail"
    assert fare["value_range"].expected == "at most 1% outside the declared range 0 to 200"
    assert (zone["new_categories"].status, zone["new_categories"].observed) == ("fail", 0.1)
    assert {test.status for test in by_test(tests, "card").values()} == {"pass"}


def test_the_share_of_drifted_columns_is_drift_from_one_half_on(engine: KernelEngine) -> None:
    current = trips(400, seed=2)
    one = current.assign(fare=current["fare"] * 2)
    two = one.assign(hour=3.0)
    shares = [by_column(engine.compare(frame)[0])[None] for frame in (one, two)]
    assert [row.score for row in shares] == [0.25, 0.5]
    assert [row.is_drifted for row in shares] == [False, True]
