"""Tests that a monitor declares: their YAML, and every one against pandas and scikit-learn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import metrics

from driftmeter.drift.declared_tests import run_declared
from driftmeter.drift.evidently_tests import BUILD, value_by_evidently
from driftmeter.drift.kernel.declared import value_of
from driftmeter.drift.kernel_engine import KernelEngine
from driftmeter.drift.results import TestOutcome
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.declared_test import AGAINST_REFERENCE, SUBJECTS


def monitor(tests: list[dict[str, Any]], task: str = "regression") -> Monitor:
    return Monitor.model_validate(
        {
            "name": "m",
            "owner": "team",
            "task": task,
            "timestamp": "at",
            "id": "id",
            "prediction": "predicted",
            "target": "actual",
            "model_version": "version",
            "features": {
                "miles": {"kind": "numerical", "range": [0, 10]},
                "payment": {"kind": "categorical", "accepted": ["1", "2"]},
            },
            "reference": {"from": "2019-02-01", "to": "2019-03-31"},
            "tests": tests,
        }
    )


def rows(task: str = "regression", count: int = 400) -> pd.DataFrame:
    generator = np.random.default_rng(4)
    miles = generator.lognormal(1, 0.8, count)
    actual: Any = np.maximum(miles * 4 + generator.normal(0, 2, count), 1)
    predicted = miles * 4
    if task == "classification":
        predicted = generator.random(count)
        actual = np.where(generator.random(count) < predicted, "true", "false")
    return pd.DataFrame(
        {
            "miles": np.where(generator.random(count) < 0.1, np.nan, miles),
            "payment": generator.choice(["1", "2", "5"], count, p=[0.6, 0.3, 0.1]),
            "predicted": predicted,
            "actual": actual,
        }
    )


def outcome(test: dict[str, Any], task: str = "regression", dtype: str = "object") -> TestOutcome:
    declared = monitor([test], task)
    text = [name for name, column in declared.columns.items() if column.kind == "categorical"]
    reference, frame = (
        rows(task, count).astype(dict.fromkeys(text, dtype)) for count in (2000, 400)
    )
    (found,) = run_declared(declared, reference, frame)
    return found


FRAME, LABELLED = rows(), rows("classification")
POSITIVE = (LABELLED["actual"] == "true").to_numpy()
CALLED = (LABELLED["predicted"] >= 0.5).to_numpy()
MILES = FRAME["miles"]
TRUTH: dict[str, float] = {
    "missing_share": MILES.isna().mean(),
    "mean": MILES.mean(),
    "median": MILES.median(),
    "quantile": MILES.quantile(0.9),
    "std": MILES.std(),
    "min": MILES.min(),
    "max": MILES.max(),
    "out_of_range_share": (MILES > 10).sum() / MILES.notna().sum(),
    "unaccepted_share": (FRAME["payment"] == "5").mean(),
    "row_count": 400,
    "duplicated_rows": 0,
    "mae": metrics.mean_absolute_error(FRAME["actual"], FRAME["predicted"]),
    "rmse": metrics.root_mean_squared_error(FRAME["actual"], FRAME["predicted"]),
    "mape": 100 * metrics.mean_absolute_percentage_error(FRAME["actual"], FRAME["predicted"]),
    "accuracy": metrics.accuracy_score(POSITIVE, CALLED),
    "precision": metrics.precision_score(POSITIVE, CALLED),
    "recall": metrics.recall_score(POSITIVE, CALLED),
    "f1": metrics.f1_score(POSITIVE, CALLED),
    "roc_auc": metrics.roc_auc_score(POSITIVE, LABELLED["predicted"]),
    "log_loss": metrics.log_loss(POSITIVE, LABELLED["predicted"]),
}


def test_every_test_that_can_be_declared_can_be_measured() -> None:
    assert BUILD.keys() == SUBJECTS.keys()


@pytest.mark.parametrize("dtype", ["object", "category"])
@pytest.mark.parametrize("name", sorted(TRUTH))
def test_a_test_sees_what_pandas_and_scikit_learn_see(name: str, dtype: str) -> None:
    of = SUBJECTS[name]
    column = {"number": "miles", "category": "payment", "column": "miles"}.get(of)
    test: dict[str, Any] = {"test": name, "at_most": 1e9}
    test |= {"column": column} if column else {}
    test |= {"quantile": 0.9} if name == "quantile" else {}
    found = outcome(test, "classification" if of == "classification" else "regression", dtype)
    assert found.status == "pass", found.reason
    assert found.observed == pytest.approx(TRUTH[name], rel=0.02 if name == "quantile" else 1e-6)


OF_KERNEL = [
    name
    for name, of in SUBJECTS.items()
    if of != "classification" and name not in AGAINST_REFERENCE
]
NUMBERS = st.one_of(
    st.none(),
    st.sampled_from([-2.0, 0.0, 1e-16, 1.0, 3.0, 10.0, 11.0]),
    st.floats(-1e6, 1e6),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("dtype", ["object", "category"])
@pytest.mark.parametrize("name", OF_KERNEL)
def test_the_kernel_computes_what_evidently_does(name: str, dtype: str, data: Any) -> None:
    column = {"number": "miles", "category": "payment", "column": "miles"}.get(SUBJECTS[name])
    test: dict[str, Any] = {"test": name, "at_most": 1} | ({"column": column} if column else {})
    if name == "quantile":
        test["quantile"] = data.draw(st.floats(0, 1))
    declared = monitor([test])
    count = data.draw(st.integers(2, 12))
    known = st.floats(-1e6, 1e6).filter(lambda number: number == 0 or abs(number) > 1e-6)

    def drawn(values: Any) -> list[Any]:
        return data.draw(st.lists(values, min_size=count, max_size=count))

    frame = pd.DataFrame(
        {
            "miles": np.array(drawn(NUMBERS), dtype=float),
            "payment": pd.Series(drawn(st.sampled_from(["1", "2", "5", None])), dtype=dtype),
            "predicted": np.array(drawn(known)),
            "actual": np.array(drawn(known)),
        }
    )
    # A test of a column without a value is skipped before.
    assume(column is None or name == "missing_share" or frame[column].notna().any())
    # Evidently cannot measure errors where the labels' absolute values add up to nothing.
    assume(SUBJECTS[name] != "regression" or frame["actual"].any())
    ours = value_of(declared.tests[0], declared, frame)
    theirs = value_by_evidently(declared.tests[0], declared, frame, frame)
    assert ours is not None
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9, nan_ok=True)


def test_evidently_is_asked_only_for_what_the_kernel_lacks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tests = [
        {"test": "row_count", "at_least": 1},
        {"test": "max", "column": "miles", "at_most": 1e9},
        {"test": "mae", "at_most": 1e9},
    ]
    declared, frame = monitor(tests), rows()
    infinite = frame.assign(miles=frame["miles"].where(frame.index > 0, np.inf))
    asked: list[str] = []
    monkeypatch.setattr(
        "driftmeter.drift.evidently_tests.value_by_evidently",
        lambda test, *_: asked.append(test.test) or 0.0,
    )
    assert {test.status for test in run_declared(declared, rows(), frame)} == {"pass"}
    assert asked == []
    list(run_declared(declared, rows(), infinite))
    assert asked == ["max"]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"at_least": 300}, "pass"),
        ({"at_least": 401}, "fail"),
        ({"at_most": 399}, "fail"),
        ({"between": [400, 500]}, "pass"),
        ({"between": [1, 2]}, "fail"),
        ({"equals": 400}, "pass"),
        ({"equals": 4}, "fail"),
    ],
)
def test_conditions_hold_or_fail(condition: dict[str, Any], status: str) -> None:
    found = outcome({"test": "row_count", **condition, "severity": "error"})
    assert (found.status, found.severity, found.observed) == (status, "error", 400)


def test_tests_of_drift_take_the_scores_that_the_day_has() -> None:
    declared = monitor(
        [
            {"test": "drift", "column": "miles", "at_most": 0.1},
            {"test": "drift", "column": "payment", "between": [0.01, 0.5]},
            {"test": "drifted_share", "at_most": 0.3},
        ]
    )
    reference, day = rows(count=2000), rows().assign(miles=rows()["miles"] * 2)
    engine = KernelEngine(reference, declared.columns, 30)
    drift, _ = engine.compare(day)
    by_evidently = list(run_declared(declared, reference, day))
    taken = list(run_declared(declared, reference, day, drift))
    assert [test.status for test in taken] == [test.status for test in by_evidently]
    assert taken[0].status == "fail"
    for ours, theirs in zip(taken, by_evidently, strict=True):
        assert ours.observed == pytest.approx(theirs.observed, rel=1e-9)
    other = list(run_declared(declared, reference, day, [replace(row, score=0.7) for row in drift]))
    assert [test.observed for test in other] == [0.7] * 3

    # Too few values for the monitor are enough for the test.
    few = day.assign(miles=day["miles"].where(day.index < 20))
    drift, _ = engine.compare(few)
    assert drift[0].score is None
    assert next(iter(run_declared(declared, reference, few, drift))).observed is not None


@pytest.mark.parametrize("reference_rows", [600, 2000])
@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_drift_of_pandas_categories_is_that_of_their_text(reference_rows: int, kinds: int) -> None:
    declared = monitor([{"test": "drift", "column": "payment", "at_most": 0.1}])
    reference = rows(count=reference_rows)
    reference["payment"] = (np.arange(reference_rows) % kinds).astype(str)
    # A category that the reference lacks, and one of it that the day lacks.
    day = rows().assign(payment=(1 + np.arange(400) % kinds).astype(str))
    coded = [frame.astype({"payment": "category"}) for frame in (reference, day)]
    (of_text,), (of_codes,) = (
        list(run_declared(declared, *frames)) for frames in ((reference, day), coded)
    )
    assert of_codes.observed is not None
    assert of_codes.observed == pytest.approx(of_text.observed, abs=1e-9)


def test_what_cannot_be_measured_costs_no_other_test() -> None:
    tests = [
        {"test": "mean", "column": "miles", "at_most": 5},
        {"test": "mae", "at_most": 5},
        {"test": "row_count", "at_least": 1},
    ]
    frame = rows().assign(miles=np.nan, actual=np.nan)
    found = list(run_declared(monitor(tests), rows(), frame))
    assert [each.status for each in found] == ["skipped", "skipped", "pass"]
    assert found[0].reason == "0 of 400 values are known"
    assert found[1].reason == "0 rows have a label; 30 are needed"
    # Of an empty day only its size can be judged, and that fails.
    nothing = list(run_declared(monitor(tests), rows(), rows().iloc[:0]))
    assert [each.status for each in nothing] == ["skipped", "skipped", "fail"]


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ({"test": "meen", "column": "miles", "at_most": 1}, "there is no test 'meen'"),
        ({"test": "mean", "at_most": 1}, "needs a column"),
        ({"test": "row_count", "column": "miles", "at_most": 1}, "is of no single column"),
        ({"test": "mean", "column": "miles"}, "needs one of at_least"),
        ({"test": "mean", "column": "miles", "at_most": 1, "equals": 2}, "and only one"),
        ({"test": "mean", "column": "payment", "at_most": 1}, "which is not numerical"),
        ({"test": "mean", "column": "speed", "at_most": 1}, "'speed', which is no column"),
        ({"test": "accuracy", "at_least": 0.5}, "needs task classification"),
        ({"test": "quantile", "column": "miles", "at_most": 1}, "`quantile` needs quantile"),
        ({"test": "mean", "column": "miles", "between": [2, 1]}, "[lowest, highest]"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(test: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as error:
        monitor([test])
    assert says in str(error.value)


def test_asking_more_of_a_day_makes_no_day_stale() -> None:
    asked = monitor([{"test": "row_count", "at_least": 1}])
    assert asked.config_hash == monitor([]).config_hash
