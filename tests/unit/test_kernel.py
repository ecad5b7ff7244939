"""The kernel against Evidently itself: scores, verdicts, tests and reasons, on awkward columns."""

import itertools
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from evidently.legacy.calculations.stattests import get_stattest
from evidently.legacy.core import ColumnType
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.evidently_engine import EvidentlyEngine
from driftmeter.drift.evidently_score import ENGINE as EVIDENTLY
from driftmeter.drift.kernel.numbers import LARGEST, NumberReference
from driftmeter.drift.kernel_engine import ENGINE, KernelEngine
from driftmeter.drift.results import ColumnDrift
from driftmeter.monitors.config import Column

Floats = npt.NDArray[np.float64]
MIN_ROWS = 30
# Round the two limits that decide: 1,000 values of the reference, and MIN_ROWS of a day.
REFERENCE_ROWS = st.sampled_from([1, 2, 5, 40, 300, 999, 1000, 1001, 1002, 3000])
DAY_ROWS = st.sampled_from([0, 29, 30, 31, 100, 100, 300, 300, 1500, 1500])
SHARES = st.sampled_from([*[0.0] * 6, 0.02, 0.3, 1.0])
SEEDS = st.integers(0, 2**32 - 1)
# The same cases each time: a tenth in `make test`, all of them in `make test-all`.
SOME, MANY = (
    settings(max_examples=number, deadline=None, derandomize=True) for number in (100, 1000)
)

NUMBERS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "skewed": lambda rng, n: rng.gamma(3, 4, n),
    "heavy tailed": lambda rng, n: rng.standard_cauchy(n),
    "of many sizes": lambda rng, n: np.exp(rng.normal(0, 8, n)),
    "far from zero": lambda rng, n: 1.7e9 + rng.normal(0, 1, n),
    "beyond whole numbers": lambda rng, n: 2.0**60 + rng.integers(0, 4096, n),
    "negative": lambda rng, n: -rng.exponential(1e6, n),
    "very small": lambda rng, n: rng.normal(0, 1e-9, n),
    "tiny": lambda rng, n: rng.normal(0, 1e-300, n),
    "very large": lambda rng, n: rng.normal(0, 1e15, n),
    "enormous": lambda rng, n: rng.normal(0, 1e90, n),
    "beyond the kernel": lambda rng, n: rng.normal(0, 1e300, n),
    "with ties": lambda rng, n: np.round(rng.normal(0, 1, n), 1),
    "hours": lambda rng, n: rng.integers(0, 24, n).astype(float),
    "six values": lambda rng, n: rng.integers(0, 6, n).astype(float),
    "five values": lambda rng, n: rng.integers(-2, 3, n).astype(float),
    "four values": lambda rng, n: rng.integers(1, 5, n) / 7,
    "three values": lambda rng, n: rng.integers(0, 3, n).astype(float),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.99, 0, rng.normal(0, 1, n)),
    "two values": lambda rng, n: (rng.random(n) < 0.3).astype(float),
    "signed zeros": lambda rng, n: rng.choice([-0.0, 0.0], n),
    "a constant": lambda rng, n: np.full(n, 3.7),
    "another constant": lambda rng, n: np.full(n, 1e6),
}
WORDS = ["", " ", "nan", "None", "-1", "10", "9", "Zürich", "zürich", "🚕", "a\nb", "true", "0.0"]


def with_gaps(
    values: "pd.Series[Any]", rng: np.random.Generator, missing: float, infinite: float = 0
) -> "pd.Series[Any]":
    """Some values taken away, as COPY leaves them: NaN for a number, None for a text."""
    values = values.copy()
    values[rng.random(len(values)) < infinite] = rng.choice([-np.inf, np.inf])
    values[rng.random(len(values)) < missing] = np.nan if values.dtype == float else None
    return values


def numbers(seed: int, kind: str, rows: int, missing: float, infinite: float) -> "pd.Series[Any]":
    rng = np.random.default_rng(seed)
    return with_gaps(pd.Series(NUMBERS[kind](rng, rows), dtype=float), rng, missing, infinite)


def categories(seed: int, first: int, kinds: int, rows: int, missing: float) -> "pd.Series[Any]":
    rng = np.random.default_rng(seed)
    names = [WORDS[n] if n < len(WORDS) else f"zone {n}" for n in range(first, first + kinds)]
    weights = rng.dirichlet(np.full(kinds, 0.7))
    values = pd.Series(rng.choice(np.array(names, dtype=object), rows, p=weights), dtype=object)
    return with_gaps(values, rng, missing)


def is_beyond(values: "pd.Series[Any]") -> bool:
    """Whether the kernel leaves such numbers to Evidently."""
    if values.dtype != float:
        return False
    return bool(values[np.isfinite(values)].abs().max() > LARGEST)


def assert_same(reference: "pd.Series[Any]", day: "pd.Series[Any]", column: Column) -> ColumnDrift:
    """The kernel's row, which is Evidently's but for the engine and the ninth digit."""
    frames = [pd.DataFrame({"column": values}) for values in (reference, day)]
    columns = {"column": column}
    (ours, our_share), our_tests = KernelEngine(frames[0], columns, MIN_ROWS).compare(frames[1])
    (theirs, share), tests = EvidentlyEngine(frames[0], columns, MIN_ROWS).compare(frames[1])
    assert our_share.engine == ENGINE
    assert ours.engine == ENGINE or is_beyond(reference) or is_beyond(day)
    if ours.engine == ENGINE and theirs.status == "error":
        # Evidently's drawing failed, not its score.
        assert_score_of_the_test_alone(ours, reference, day, column)
        return ours
    assert without_digits(ours) == without_digits(theirs)
    assert without_digits(our_share) == without_digits(share)
    assert ours.score == near(theirs.score)
    assert ours.score is None or ours.score >= 0
    assert ours.p_value == near(theirs.p_value)
    assert [replace(test, observed=None) for test in our_tests] == [
        replace(test, observed=None) for test in tests
    ]
    assert [test.observed for test in our_tests] == [near(test.observed) for test in tests]
    return ours


def without_digits(row: ColumnDrift) -> ColumnDrift:
    return replace(row, engine="", score=None, p_value=None)


def near(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)


def assert_score_of_the_test_alone(
    row: ColumnDrift, reference: "pd.Series[Any]", day: "pd.Series[Any]", column: Column
) -> None:
    kind = ColumnType.Numerical if column.kind == "numerical" else ColumnType.Categorical
    sides = [values.replace([-np.inf, np.inf], np.nan).dropna() for values in (reference, day)]
    test = get_stattest(*sides, kind, None)
    result = test(*sides, kind, None)
    assert (row.method, row.threshold) == (test.display_name, result.actual_threshold)
    assert (row.score, row.is_drifted) == (near(result.drift_score), result.drifted)


RANGES = st.sampled_from([None, (0, 1), (-1e9, 1e9), (0, sys.float_info.max)])
NULL_SHARES = st.sampled_from([0.0, 0.1, 1.0])


NUMBER_CASES = given(
    st.data(),
    SEEDS,
    st.sampled_from(list(NUMBERS)),
    st.sampled_from(["the same", "another", "a part", "all of it"]),
)


def numbers_are_scored_and_tested_as_evidently_does(
    data: st.DataObject, seed: int, kind: str, day_is: str
) -> None:
    gaps = st.tuples(SHARES, SHARES)
    reference = numbers(seed, kind, data.draw(REFERENCE_ROWS), *data.draw(gaps))
    other = data.draw(st.sampled_from(list(NUMBERS))) if day_is == "another" else kind
    day = numbers(seed + 1, other, data.draw(DAY_ROWS), *data.draw(gaps))
    if day_is == "a part" and len(reference):
        day = reference.sample(len(day), replace=True, random_state=1, ignore_index=True)
    elif day_is == "all of it":
        day = reference.sample(frac=1, random_state=1, ignore_index=True)
    column = Column(
        kind="numerical", range=data.draw(RANGES), max_null_share=data.draw(NULL_SHARES)
    )
    with warnings.catch_warnings():
        # Evidently's, of what it draws of so large numbers.
        warnings.simplefilter("ignore", RuntimeWarning)
        assert_same(reference, day, column)


CATEGORY_CASES = given(
    st.data(), SEEDS, st.sampled_from([1, 2, 3, 6, 20, 300]), st.sampled_from([0, 0, 1, 2, 400])
)


def categories_are_scored_and_tested_as_evidently_does(
    data: st.DataObject, seed: int, kinds: int, first: int
) -> None:
    reference = categories(seed, 0, kinds, data.draw(REFERENCE_ROWS), data.draw(SHARES))
    day = categories(seed + 1, first, kinds, data.draw(DAY_ROWS), data.draw(SHARES))
    accepted = data.draw(st.sampled_from([None, ("", "9", "never seen"), tuple(WORDS)]))
    null_share = data.draw(NULL_SHARES)
    column = Column(kind="categorical", accepted=accepted, max_null_share=null_share)
    assert_same(reference, day, column)


test_some_numbers_are_scored_as_evidently_does = SOME(
    NUMBER_CASES(numbers_are_scored_and_tested_as_evidently_does)
)
test_some_categories_are_scored_as_evidently_does = SOME(
    CATEGORY_CASES(categories_are_scored_and_tested_as_evidently_does)
)


@pytest.mark.campaign
def test_many_columns_are_scored_as_evidently_does() -> None:
    MANY(NUMBER_CASES(numbers_are_scored_and_tested_as_evidently_does))()
    MANY(CATEGORY_CASES(categories_are_scored_and_tested_as_evidently_does))()


@pytest.mark.parametrize("dtype", ["int8", "int64", "uint64", "bool"])
def test_numbers_of_any_type_are_scored_as_floats_are(dtype: str) -> None:
    reference, day = (numbers(seed, "hours", 1500, 0, 0).astype(dtype) for seed in (1, 2))
    columns = {"column": Column(kind="numerical")}
    said = [
        KernelEngine(pd.DataFrame({"column": known}), columns, MIN_ROWS).compare(
            pd.DataFrame({"column": values})
        )
        for known, values in ((reference, day), (reference.astype(float), day.astype(float)))
    ]
    assert said[0] == said[1]


@pytest.mark.parametrize("rows", [1000, 3000])
@pytest.mark.parametrize("kinds", [1, 2, 20])
def test_categories_of_pandas_are_scored_and_tested_as_their_text(rows: int, kinds: int) -> None:
    reference, day = (categories(seed, 0, kinds, rows, 0.1) for seed in (1, 2))
    # As one model version of a day has them: some of the day's categories are another's.
    coded = pd.concat([day, pd.Series(["of another version"])]).astype("category")[: len(day)]
    columns = {"column": Column(kind="categorical")}
    for kind in (KernelEngine, EvidentlyEngine):
        said = [
            kind(pd.DataFrame({"column": known}), columns, MIN_ROWS).compare(
                pd.DataFrame({"column": values})
            )
            for known, values in ((reference, day), (reference.astype("category"), coded))
        ]
        assert said[0] == said[1]


@pytest.mark.parametrize("kind", NUMBERS)
def test_every_kind_of_number_against_every_other(kind: str) -> None:
    for of_day, rows in itertools.product(NUMBERS, (1000, 1001)):
        print(f"{rows} values {kind}, against a day {of_day}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            row = assert_same(
                numbers(1, kind, rows, 0, 0),
                numbers(2, of_day, 200, 0, 0),
                Column(kind="numerical"),
            )
        beyond = "beyond the kernel" in (kind, of_day)
        assert row.engine == (EVIDENTLY if beyond else ENGINE)


@pytest.mark.parametrize("kind", ["numerical", "categorical"])
@pytest.mark.parametrize("rows", [1, 2, 7, 999, 1000, 1001, 5000])
def test_the_method_and_its_threshold_are_those_that_evidently_chooses(
    kind: Literal["numerical", "categorical"], rows: int
) -> None:
    column_type = ColumnType.Numerical if kind == "numerical" else ColumnType.Categorical
    for distinct, more in itertools.product(range(1, 9), range(8)):
        reference, day = (
            pd.Series(np.arange(size) % distinct + first).astype(float)
            for size, first in ((rows, 0), (100, more))
        )
        if kind == "categorical":
            reference, day = reference.astype(str), day.astype(str)
        chosen = get_stattest(reference, day, column_type, None)
        engine = KernelEngine(pd.DataFrame({"x": reference}), {"x": Column(kind=kind)}, 1)
        row = engine.compare(pd.DataFrame({"x": day}))[0][0]
        assert (row.engine, row.method) == (ENGINE, chosen.display_name)
        assert row.threshold == chosen.default_threshold


def test_each_default_method_is_met() -> None:
    cases = {
        "Wasserstein distance (normed)": (numbers(1, "skewed", 1001, 0, 0), "numerical"),
        "Jensen-Shannon distance": (numbers(1, "five values", 1001, 0, 0), "numerical"),
        "K-S p_value": (numbers(1, "skewed", 1000, 0, 0), "numerical"),
        "chi-square p_value": (categories(1, 0, 3, 1000, 0), "categorical"),
        "Z-test p_value": (categories(1, 0, 2, 1000, 0), "categorical"),
    }
    for method, (values, kind) in cases.items():
        day = values.sample(200, random_state=3, ignore_index=True)
        assert assert_same(values, day, Column(kind=kind)).method == method


def test_large_days_and_references_are_scored_as_evidently_does() -> None:
    for rows, of_day in ((200_000, 20_000), (1000, 30_000)):
        for kind in ("skewed", "heavy tailed", "hours", "far from zero", "two values"):
            assert_same(
                numbers(3, kind, rows, 0.1, 0.01),
                numbers(4, kind, of_day, 0.2, 0.01),
                Column(kind="numerical"),
            )
        assert_same(
            categories(3, 0, 250, rows, 0.1),
            categories(4, 20, 250, of_day, 0.1),
            Column(kind="categorical"),
        )


def test_what_the_kernel_lacks_in_one_column_is_evidentlys_and_costs_no_other() -> None:
    reference = pd.DataFrame({"fare": numbers(1, "skewed", 2000, 0, 0)})
    reference["large"] = reference["fare"] * 1e120
    columns = {name: Column(kind="numerical") for name in reference}
    drift, tests = KernelEngine(reference, columns, MIN_ROWS).compare(reference[:300])
    assert [(row.column_name, row.engine) for row in drift] == [
        ("fare", ENGINE),
        ("large", EVIDENTLY),
        (None, ENGINE),
    ]
    assert {row.status for row in drift} == {"ok"}
    assert {test.status for test in tests} == {"pass"}


def test_a_score_that_the_kernel_fails_to_compute_is_evidentlys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise FloatingPointError("planted")

    monkeypatch.setattr(NumberReference, "score", fail)
    reference = pd.DataFrame({"fare": numbers(1, "skewed", 2000, 0, 0)})
    columns = {"fare": Column(kind="numerical")}
    (ours, _), tests = KernelEngine(reference, columns, MIN_ROWS).compare(reference[:300])
    (theirs, _), their_tests = EvidentlyEngine(reference, columns, MIN_ROWS).compare(
        reference[:300]
    )
    assert (ours, tests) == (theirs, their_tests)
    assert ours.engine == EVIDENTLY
