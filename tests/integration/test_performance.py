"""Performance in SQL against scikit-learn, and what was believed of it, on a real Postgres."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from scipy.stats import poisson
from sklearn import metrics
from sklearn.calibration import calibration_curve

from dagster_driftmeter.assets.performance_asset import partition_metadata
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.loss import of_estimate
from driftmeter.monitors.config import Monitor
from driftmeter.performance.alarms import days_of_lasting_error, estimated_alarms
from driftmeter.performance.decided import settle_days, write_decisions
from driftmeter.performance.intervals import bootstrap, draw_weights, labelled_rows, point_metrics
from driftmeter.performance.outcomes import AT_MOST_ONE
from driftmeter.performance.performance_day import ErrorBackground, load_background, measure_day
from driftmeter.performance.realised import realised
from driftmeter.performance.stored_errors import replace_day
from driftmeter.warehouse.copy import copy_in
from driftmeter.warehouse.months import make_months

FIRST = dt.date(2019, 3, 1)
REFERENCE = [FIRST + dt.timedelta(days=number) for number in range(60)]
DAY = dt.date(2019, 5, 1)


def monitor(task: str) -> Monitor:
    return Monitor.model_validate(
        {
            "name": task,
            "owner": "team",
            "task": task,
            "timestamp": "at",
            "id": "id",
            "prediction": "predicted",
            "target": "actual",
            "model_version": "version",
            "features": {
                "miles": {"kind": "numerical"},
                "payment": {"kind": "categorical"},
            },
            "segments": ["payment"],
            "reference": {"from": str(REFERENCE[0]), "to": str(REFERENCE[-1])},
            "label_delay_days": 20,
        }
    )


def rows(task: str, day: dt.date, count: int) -> pd.DataFrame:
    generator = np.random.default_rng([3, day.toordinal()])
    miles = generator.lognormal(1, 0.6, count)
    if task == "regression":
        predicted = miles * 4
        actual = np.maximum(predicted + generator.normal(0.5, 1 + miles / 4), 2)
    else:
        # Coarse, so that probabilities are tied.
        predicted = np.round(1 / (1 + np.exp(2 - miles)), 2)
        actual = generator.random(count) < predicted
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "partition_date": day,
            "version": "v1",
            "miles": miles,
            "payment": generator.choice(["1", "2"], count, p=[0.7, 0.3]),
            "predicted": predicted,
            "actual": pd.array(actual, dtype="boolean" if task != "regression" else "Float64"),
        }
    )


def fill(engine: sa.Engine, task: str, days: list[dt.date], count: int = 200) -> Monitor:
    """An inference table of these days; the last day lacks every fourth label."""
    found = monitor(task)
    frames = [rows(task, day, count) for day in days]
    frames[-1].loc[::4, "actual"] = pd.NA
    kind = "boolean" if task != "regression" else "double precision"
    with engine.begin() as session:
        session.exec_driver_sql("create schema if not exists inference")
        session.exec_driver_sql(
            f"create table inference.{task} (id bigint, partition_date date, version text,"
            f" miles double precision, payment text, predicted double precision, actual {kind})"
        )
        filled = pa.Table.from_pandas(pd.concat(frames), preserve_index=False)
        copy_in(session, f"inference.{task}", filled)
    return found


def table(engine: sa.Engine, task: str, day: dt.date) -> pd.DataFrame:
    with engine.connect() as session:
        query = sa.text(f"select * from inference.{task} where partition_date = :day order by id")
        return pd.read_sql(query, session, params={"day": day})


def by_sklearn(task: str, predicted: np.ndarray, actual: np.ndarray) -> dict[str, float]:
    if task == "regression":
        size = np.abs(predicted - actual)
        return {
            "mae": metrics.mean_absolute_error(actual, predicted),
            "rmse": metrics.root_mean_squared_error(actual, predicted),
            "mape": metrics.mean_absolute_percentage_error(actual, predicted),
            "bias": float(np.mean(predicted - actual)),
            "r2": metrics.r2_score(actual, predicted),
            "error_p50": metrics.median_absolute_error(actual, predicted),
            "error_p90": float(np.quantile(size, 0.9)),
        }
    said = predicted >= 0.5
    bins = np.searchsorted(np.linspace(0, 1, 11)[1:-1], predicted)
    share, mean = calibration_curve(actual, predicted, n_bins=10)
    return {
        "accuracy": metrics.accuracy_score(actual, said),
        "precision": metrics.precision_score(actual, said),
        "recall": metrics.recall_score(actual, said),
        "f1": metrics.f1_score(actual, said),
        "roc_auc": metrics.roc_auc_score(actual, predicted),
        "log_loss": metrics.log_loss(actual, predicted),
        "brier": metrics.brier_score_loss(actual, predicted),
        "calibration_error": float(
            np.average(
                np.abs(share - mean), weights=np.bincount(bins, minlength=10)[np.unique(bins)]
            )
        ),
    }


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_metrics_are_scikit_learns(warehouse: sa.Engine, task: str) -> None:
    found = fill(warehouse, task, [DAY], 3000)
    frame = table(warehouse, task, DAY)
    with warehouse.connect() as session:
        measured = realised(session, found, [DAY])
    assert len(measured) == 3
    for row in measured.itertuples():
        part = (
            frame
            if not isinstance(row.segment, str)
            else frame[frame["payment"] == row.segment_value]
        )
        known = part[part["actual"].notna()]
        assert (row.rows, row.labelled) == (len(part), len(known))
        expected = by_sklearn(
            task, known["predicted"].to_numpy(), known["actual"].to_numpy(dtype=float)
        )
        for name, value in expected.items():
            assert getattr(row, name) == pytest.approx(value, rel=1e-9, abs=1e-9), name
        own = point_metrics(
            task, known["predicted"].to_numpy(), known["actual"].to_numpy(dtype=float)
        )
        for name in set(own) - {"error_p50", "error_p90"}:
            assert own[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-9), name


def test_labels_that_are_none_and_numbers_that_are_none_are_left_out(warehouse: sa.Engine) -> None:
    found = fill(warehouse, "regression", [DAY])
    with warehouse.begin() as session:
        session.exec_driver_sql("update inference.regression set predicted = 'NaN' where id < 10")
        session.exec_driver_sql(
            "update inference.regression set actual = 'infinity' where id between 10 and 19"
        )
    with warehouse.connect() as session:
        measured = realised(session, found, [DAY])
        nothing = realised(session, found, [dt.date(2020, 1, 1)])
    whole = measured[measured["segment"].isna()].iloc[0]
    assert whole["rows"] == 190
    assert np.isfinite(whole["mae"])
    assert nothing.empty


def beliefs(engine: sa.Engine, moment: str) -> dict[str, tuple[float, float, str]]:
    with engine.connect() as session:
        found = session.execute(
            sa.text(
                "select metric, value, label_coverage, state from metrics.performance_as_of(:at)"
                " where partition_date = :day and kind = 'realised' and segment is null"
            ),
            {"at": moment, "day": DAY},
        )
        return {row.metric: (row.value, row.label_coverage, row.state) for row in found}


def now(engine: sa.Engine) -> str:
    with engine.connect() as session:
        return str(session.scalar(sa.text("select clock_timestamp()")))


def computed(engine: sa.Engine, found: Monitor, day: dt.date) -> None:
    with engine.begin() as session:
        session.execute(
            sa.text(
                "insert into metrics.partitions (monitor, partition_date, state, row_count,"
                " config_hash, duration_seconds) values (:monitor, :day, 'fresh', 200, 'x', 1)"
            ),
            {"monitor": found.name, "day": day},
        )


def test_labels_that_come_later_change_one_day_and_what_was_believed_stays(
    warehouse: sa.Engine,
) -> None:
    before, after = DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=1)
    found = fill(warehouse, "regression", [*REFERENCE, before, after, DAY])
    background = load_background(warehouse, found)
    for day in (before, DAY, after):
        computed(warehouse, found, day)
        measure_day(warehouse, background, day, "x")
    first, at_first = beliefs(warehouse, "infinity"), now(warehouse)
    assert first["mae"][1:] == (0.75, "provisional")
    others = history(warehouse, before, after)
    with warehouse.begin() as session:
        session.exec_driver_sql(
            f"update inference.regression set actual = predicted + 9 where partition_date = '{DAY}'"
            " and actual is null"
        )
    measure_day(warehouse, background, DAY, "x")
    second = beliefs(warehouse, "infinity")
    assert second["mae"][0] > first["mae"][0]
    assert second["mae"][1:] == (1.0, "final")
    assert beliefs(warehouse, at_first) == first
    assert history(warehouse, before, after) == others
    count = history(warehouse, DAY)
    measure_day(warehouse, background, DAY, "x")
    assert history(warehouse, DAY) == count


def test_a_figure_that_differs_in_its_last_digits_is_the_same(warehouse: sa.Engine) -> None:
    found = fill(warehouse, "regression", [*REFERENCE, DAY])
    computed(warehouse, found, DAY)
    rows = measure_day(warehouse, ErrorBackground(found, {}, None), DAY, "x")
    count = history(warehouse, DAY)

    def times(factor: float) -> int:
        changed = [replace(row, value=row.value and row.value * factor) for row in rows]
        with warehouse.begin() as session:
            replace_day(session, found, DAY, changed)
        return history(warehouse, DAY) - count

    assert times(1 + 1e-12) == 0
    assert times(1 + 1e-6) > 0


def history(engine: sa.Engine, *days: dt.date) -> int:
    query = sa.text(
        "select count(*) from metrics.performance_history where partition_date = any(:days)"
    )
    with engine.connect() as session:
        return int(session.scalar(query, {"days": list(days)}) or 0)


def test_a_day_is_final_once_its_labels_have_had_their_time(warehouse: sa.Engine) -> None:
    found = fill(warehouse, "regression", [*REFERENCE, DAY])
    background = ErrorBackground(found, {}, None)
    computed(warehouse, found, DAY)
    measure_day(warehouse, background, DAY, "x")
    assert beliefs(warehouse, "infinity")["mae"][2] == "provisional"
    later = DAY + dt.timedelta(days=20)
    computed(warehouse, found, later)
    measure_day(warehouse, background, later, "x")
    settle_days(warehouse, found, [later])
    assert beliefs(warehouse, "infinity")["mae"][1:] == (0.75, "final")


@pytest.mark.parametrize("statement", ["delete from", "truncate"])
def test_the_history_is_only_added_to(warehouse: sa.Engine, statement: str) -> None:
    with warehouse.connect() as session, pytest.raises(sa.exc.DBAPIError, match="only added to"):
        session.exec_driver_sql(f"{statement} metrics.performance_history")


def test_dagster_plots_the_error_of_a_day_and_its_estimate(warehouse: sa.Engine) -> None:
    found = fill(warehouse, "regression", [*REFERENCE, DAY])
    measured = measure_day(warehouse, load_background(warehouse, found), DAY, "x")
    shown = partition_metadata(measured, [])
    for name, kind in (("mae", "realised"), ("mae, estimated", "estimated")):
        (row,) = [
            row
            for row in measured
            if row.segment is None and (row.metric, row.kind) == ("mae", kind)
        ]
        assert shown[name] == row.value
    # A challenger's error is not called the error of the version in use.
    beside = [replace(row, model_version="v9", value=99.0) for row in measured]
    both = partition_metadata([*measured, *beside], [])
    assert both["mae"] == shown["mae"]
    assert both["mae of v9"] == both["mae, estimated of v9"] == 99.0


def test_a_day_of_few_rows_has_intervals_that_its_metrics_can_have(warehouse: sa.Engine) -> None:
    found = fill(warehouse, "classification", [*REFERENCE, DAY])
    background = load_background(warehouse, found)
    few = "delete from inference.classification where partition_date = %s and ctid not in (%s)"
    kept = f"select ctid from inference.classification where partition_date = '{DAY}' limit 8"
    with warehouse.begin() as session:
        session.exec_driver_sql(few % (f"'{DAY}'", kept))
    measured = measure_day(warehouse, background, DAY, "x")
    bounded = [
        row
        for row in measured
        if row.metric in AT_MOST_ONE and row.lower is not None and row.upper is not None
    ]
    assert {row.kind for row in bounded} == {"realised", "estimated"}
    for row in bounded:
        assert 0 <= row.lower <= row.upper <= 1, row  # type: ignore[operator]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_estimates_know_nothing_of_the_days_labels_and_hold_the_truth(
    warehouse: sa.Engine, task: str
) -> None:
    days = [DAY + dt.timedelta(days=number) for number in range(12)]
    found = fill(warehouse, task, [*REFERENCE, *days])
    background = load_background(warehouse, found)
    inside, seen = 0, 0
    for day in days:
        measured = {
            (row.metric, row.kind): row
            for row in measure_day(warehouse, background, day, "x")
            if row.segment is None
        }
        for (metric, kind), row in measured.items():
            if kind == "estimated":
                truth = measured[metric, "realised"].value
                assert row.lower is not None
                assert row.upper is not None
                inside += truth is not None and row.lower <= truth <= row.upper
                seen += 1
    assert inside / seen > 0.85
    before = [row for row in measured.values() if row.kind == "estimated"]
    with warehouse.begin() as session:
        session.exec_driver_sql(f"update inference.{task} set actual = null")
    again = measure_day(warehouse, background, days[-1], "x")
    assert [r for r in again if r.kind == "estimated" and r.segment is None] == before


def plant(engine: sa.Engine, day: dt.date, kind: str, value: float, coverage: float | None) -> None:
    state = "final" if coverage in (None, 1.0) else "provisional"
    with engine.begin() as session:
        make_months(session, "metrics.performance", [day])
        session.execute(
            sa.text(
                "insert into metrics.performance (monitor, model_version, partition_date, metric,"
                " kind, value, lower, upper, label_coverage, state, reference_value, expected,"
                " deviation, p_value) values ('regression', 'v1', :day, 'mae', :kind, :value,"
                " cast(:value as real) - 1, cast(:value as real) + 1, :coverage, :state, 4, 4, 0.3,"
                " case :kind when 'estimated' then exp(-power(cast(:value as real) - 4, 2)) end)"
            ),
            {"day": day, "kind": kind, "value": value, "coverage": coverage, "state": state},
        )


@pytest.mark.parametrize(("off", "alarms"), [(0.5, True), (3.0, False)])
def test_an_estimate_alarms_before_labels_come_if_its_record_is_good(
    warehouse: sa.Engine, off: float, alarms: bool
) -> None:
    found = monitor("regression")
    for number in range(12):
        day = FIRST + dt.timedelta(days=number)
        plant(warehouse, day, "estimated", 4.0, None)
        plant(warehouse, day, "realised", 4.0 + off, 1.0)
    for number, (value, coverage) in enumerate([(8.0, 0.1), (8.0, 0.9), (5.0, 0.1)]):
        plant(warehouse, DAY + dt.timedelta(days=number), "estimated", value, None)
        plant(warehouse, DAY + dt.timedelta(days=number), "realised", value, coverage)
    with warehouse.begin() as session:
        write_decisions(session, found, DAY, DAY + dt.timedelta(days=2))
        said = estimated_alarms(session, found)
        lasting = days_of_lasting_error(session, found)
    # Not of labels that have come, and not where the interval holds the reference.
    assert list(said) == ([DAY] if alarms else [])
    assert lasting == {*said}
    if alarms:
        alone = of_estimate(found, said[DAY], ())
        assert alone.kind == "performance_drop"
        assert alone.diagnosis == (
            "The mean absolute error is estimated at 8 (7 to 9), reference 4;"
            " its labels are still to come."
        )
        unit = Breach("unit_change", "miles is 2 times what it was.", "miles", ("miles",))
        together = of_estimate(found, said[DAY], [unit])
        assert together.diagnosis.endswith("Possible cause: miles is 2 times what it was.")


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_intervals_hold_the_truth_as_often_as_they_say(task: str) -> None:
    generator = np.random.default_rng(20261123)
    found = monitor(task)
    many = pd.concat([rows(task, DAY + dt.timedelta(days=day), 2000) for day in range(100)])
    known = labelled_rows(many, found.prediction, str(found.target), task)
    truth = point_metrics(task, known["prediction"].to_numpy(), known["target"].to_numpy())
    inside = dict.fromkeys(truth, 0)
    for _ in range(200):
        drawn = known.sample(400, random_state=int(generator.integers(2**31)))
        prediction, target = drawn["prediction"].to_numpy(), drawn["target"].to_numpy()
        value = point_metrics(task, prediction, target)
        weights = draw_weights(400, generator)
        for name, (below, above) in bootstrap(task, prediction, target, 400, weights).items():
            inside[name] += value[name] + below <= truth[name] <= value[name] + above
    for name, hits in inside.items():
        # A calibration error over few rows is above the truth: its noise counts as error.
        if name not in ("calibration_error", "accuracy", "precision", "recall"):
            assert 0.88 < hits / 200 <= 1, name


def test_replicates_have_poisson_weights() -> None:
    weights = draw_weights(5000, np.random.default_rng(7))
    times = np.arange(weights.max() + 1)
    shares = np.bincount(weights.ravel(), minlength=len(times)) / weights.size
    chances = poisson.pmf(times, 1.0)
    assert np.abs(shares - chances).max() < 5 * np.sqrt(0.25 / weights.size) + 2**-16
    # Rows are drawn apart from each other, and so are replicates.
    assert weights.sum(axis=0).var() == pytest.approx(5000, rel=0.35)
    assert weights.sum(axis=1).var() == pytest.approx(weights.shape[1], rel=0.1)


def test_a_larger_days_interval_comes_from_a_sample() -> None:
    frame = rows("regression", DAY, 4000)
    prediction, target = (frame[n].to_numpy(dtype=float) for n in ("predicted", "actual"))
    weights = draw_weights(4000, np.random.default_rng(1))
    whole = bootstrap("regression", prediction, target, 4000, weights)["mae"]
    sample = bootstrap("regression", prediction[:1000], target[:1000], 4000, weights[:1000])["mae"]
    assert sample[1] - sample[0] == pytest.approx(whole[1] - whole[0], rel=0.25)
