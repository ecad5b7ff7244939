"""Performance of days that are too large to be put in order: from counts by step."""

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from driftmeter.monitors.config import Monitor
from driftmeter.performance import steps
from driftmeter.performance.daily_error import usual_errors
from driftmeter.performance.outcomes import COUNTS, KEYS, METRICS
from driftmeter.performance.realised import realised
from driftmeter.performance.steps import quantiles
from tests.integration.test_performance import DAY, REFERENCE, fill

# A step is so wide, and ties within one move the area of a part of some hundred rows by less.
STEP, AREA = 1 / 64, 5e-4
ODD_ROWS = {
    "regression": (
        "update {table} set predicted = 'NaN' where id < 10",
        "update {table} set actual = 'infinity' where id between 10 and 19",
        # No error at all, an error of a target of 0, and errors of many sizes.
        "update {table} set predicted = actual where id between 20 and 60",
        "update {table} set actual = 0 where id between 61 and 80",
        "update {table} set predicted = predicted * exp(mod(id, 40)) where id between 81 and 400",
    ),
    "classification": (
        # As many chances as rows, some next to 0 and 1, and these.
        "update {table} set predicted = 1 / (1 + exp(2 - miles - id * 1e-9))",
        "update {table} set predicted = predicted * exp(-30.0 * (mod(id, 7))) where id < 100",
        "update {table} set predicted = mod(id, 2) where id between 100 and 120",
        "update {table} set predicted = 0.5 where id between 121 and 140",
        "update {table} set predicted = 5 * (id - 142) where id between 141 and 143",
    ),
}
FOR_ALL = (
    "update {table} set payment = null where mod(id, 50) = 3",
    "update {table} set version = null where mod(id, 60) = 5",
    "update {table} set version = 'v2' where mod(id, 9) = 4",
)


@pytest.fixture(params=["regression", "classification"])
def odd(request: pytest.FixtureRequest, warehouse: sa.Engine) -> Monitor:
    """A day of 30,000 rows with what may go wrong in them."""
    monitor = fill(warehouse, request.param, [DAY], 30_000)
    with warehouse.begin() as session:
        for statement in (*ODD_ROWS[monitor.task], *FOR_ALL):
            session.exec_driver_sql(statement.format(table=f"inference.{monitor.task}"))
    return monitor


def in_order(metrics: pd.DataFrame) -> pd.DataFrame:
    keys = metrics[list(KEYS)].astype(object).where(metrics[list(KEYS)].notna(), None)
    named = metrics.assign(**keys).set_index(list(KEYS))
    assert named.index.is_unique
    return named.loc[sorted(named.index, key=str)]


def limit_of(metric: str) -> dict[str, float]:
    if metric.startswith("error_p"):
        return {"rel": STEP, "abs": 1e-300}
    return {"abs": AREA} if metric == "roc_auc" else {"rel": 1e-11, "abs": 1e-12}


@pytest.mark.parametrize("as_one", [False, True])
def test_metrics_are_those_of_the_rows_in_order(
    odd: Monitor, warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch, as_one: bool
) -> None:
    with warehouse.connect() as session:
        exact = in_order(realised(session, odd, [DAY], as_one=as_one))
        monkeypatch.setattr(steps, "MOST_ROWS", 29_000)
        by_steps = in_order(realised(session, odd, [DAY], as_one=as_one))
    assert list(by_steps.index) == list(exact.index)
    assert len(exact) == (3 if as_one else 9)
    counts = COUNTS if odd.task == "classification" else ()
    assert (
        by_steps[["rows", "labelled", *counts]]
        .astype(int)
        .equals(exact[["rows", "labelled", *counts]].astype(int))
    )
    for metric in METRICS[odd.task]:
        expected = exact[metric].to_numpy()
        assert np.isfinite(expected).all()
        assert by_steps[metric].to_numpy() == pytest.approx(expected, **limit_of(metric)), metric
    stepped = "error_p90" if odd.task == "regression" else "roc_auc"
    assert (by_steps[stepped] != exact[stepped]).any()


def test_targets_far_from_zero_lose_no_digits(
    warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = fill(warehouse, "regression", [DAY], 2000)
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "update inference.regression set predicted = predicted + 2e9, actual = actual + 2e9"
        )
    with warehouse.connect() as session:
        exact = in_order(realised(session, monitor, [DAY]))
        monkeypatch.setattr(steps, "MOST_ROWS", 0)
        by_steps = in_order(realised(session, monitor, [DAY]))
    assert 0.5 < exact["r2"].iloc[0] < 1
    assert by_steps["r2"].to_numpy() == pytest.approx(exact["r2"].to_numpy(), rel=1e-9)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_no_rows_and_no_labels(
    warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    monitor = fill(warehouse, task, [DAY])
    monkeypatch.setattr(steps, "MOST_ROWS", -1)
    with warehouse.begin() as session:
        assert realised(session, monitor, [REFERENCE[0]]).empty
        session.exec_driver_sql(f"update inference.{task} set actual = null")
        measured = realised(session, monitor, [DAY])
    assert measured["rows"].max() == 200
    assert set(measured["labelled"]) == {0}
    assert measured[list(METRICS[task])].isna().all(axis=None)


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_where_losses_are_cut_off(
    warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    monitor = fill(warehouse, task, REFERENCE, 1000)
    with warehouse.connect() as session:
        exact = usual_errors(session, monitor)
        monkeypatch.setattr(steps, "MOST_REFERENCE_ROWS", 10_000)
        by_steps = usual_errors(session, monitor)
    assert exact
    assert by_steps
    assert by_steps.cap == pytest.approx(exact.cap, rel=STEP)
    # Chances to the hundredth are alone in their steps.
    assert (by_steps.cap == exact.cap) == (task == "classification")


@given(
    st.lists(st.floats(0, 1e9), min_size=1, max_size=200),
    st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_quantiles_are_numpys_within_a_step(numbers: list[float], levels: list[float]) -> None:
    frame = pd.DataFrame({"number": numbers})
    step = np.floor(64 * np.log(np.maximum(frame["number"], 1e-300)))
    cells = frame.groupby(step)["number"].agg(["count", "min", "max"])
    measured = quantiles(*(cells[name].to_numpy() for name in ("count", "min", "max")), *levels)
    expected = np.quantile(numbers, levels)
    assert measured == pytest.approx(expected, rel=STEP, abs=1e-290)


def test_no_number_has_no_quantile() -> None:
    nothing = np.array([])
    assert np.isnan(quantiles(nothing.astype(np.int64), nothing, nothing, 0.5)).all()
