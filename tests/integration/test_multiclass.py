"""Several classes: metrics against scikit-learn, estimates against what came true, and the laws."""

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sklearn import metrics

from driftmeter.arrival.inference_rows import read_rows
from driftmeter.monitors.config import Monitor
from driftmeter.performance.class_metrics import (
    intervals_of_classes,
    metrics_of,
    with_log_loss,
)
from driftmeter.performance.class_probabilities import (
    BEGINS,
    classes_of,
    probabilities_in,
    probabilities_in_sql,
)
from driftmeter.performance.intervals import draw_weights, labelled_rows
from driftmeter.performance.performance_day import load_background, measure_day
from driftmeter.performance.realised import realised
from driftmeter.performance.wrong_probabilities import wrong_probabilities
from driftmeter.warehouse.copy import copy_in
from tests.cards import CARDS, DAY, FIRST, REFERENCE, monitor, rows

LEAST = np.finfo(float).eps


def fill(
    engine: sa.Engine,
    days: list[dt.date],
    count: int = 200,
    classes: tuple[str, ...] = CARDS,
    **changes: Any,
) -> Monitor:
    """An inference table of these days; the last day lacks every fourth label."""
    frames = [rows(day, count, classes) for day in days]
    frames[-1].loc[::4, "actual"] = None
    every = pd.concat(frames, ignore_index=True)
    names = [f"p_{name}" for name in classes]
    every["scores"] = [
        json.dumps(dict(zip(classes, map(float, said), strict=True)))
        for said in every[names].to_numpy()
    ]
    with engine.begin() as session:
        session.exec_driver_sql("create schema if not exists inference")
        columns = ", ".join(f'"{name}" double precision' for name in names)
        session.exec_driver_sql(
            "create table inference.cards (id bigint, partition_date date, version text,"
            f" income double precision, channel text, predicted text, actual text, {columns},"
            " scores jsonb)"
        )
        copy_in(session, "inference.cards", pa.Table.from_pandas(every, preserve_index=False))
    return monitor(classes, **changes)


def table(engine: sa.Engine, day: dt.date = DAY) -> pd.DataFrame:
    with engine.connect() as session:
        query = sa.text("select * from inference.cards where partition_date = :day order by id")
        return pd.read_sql(query, session, params={"day": day})


def by_sklearn(known: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, float]:
    actual, predicted = known["actual"], known["predicted"]
    labels = sorted({*classes, *actual})
    said = np.column_stack(
        [known[f"p_{name}"] if name in classes else np.zeros(len(known)) for name in labels]
    )
    said = said / said.sum(axis=1, keepdims=True)
    return {
        "accuracy": metrics.accuracy_score(actual, predicted),
        "error_rate": 1 - metrics.accuracy_score(actual, predicted),
        "f1_macro": metrics.f1_score(actual, predicted, average="macro"),
        "f1_weighted": metrics.f1_score(actual, predicted, average="weighted"),
        "log_loss": metrics.log_loss(actual, said, labels=labels),
    }


def with_exact_sums(engine: sa.Engine, classes: tuple[str, ...]) -> None:
    """Probabilities that add up to 1 to the last digit: scikit-learn scales them, the table not."""
    total = " + ".join(f'"p_{name}"' for name in classes)
    scaled = ", ".join(f'"p_{name}" = "p_{name}" / ({total})' for name in classes)
    with engine.begin() as session:
        session.exec_driver_sql(f"update inference.cards set {scaled}")
        pairs = ", ".join(f"'{name}', \"p_{name}\"" for name in classes)
        session.exec_driver_sql(f"update inference.cards set scores = jsonb_build_object({pairs})")


TWENTY = tuple(f"class {number:02}" for number in range(20))


@pytest.mark.parametrize("classes", [CARDS, TWENTY], ids=["three", "twenty"])
@pytest.mark.parametrize("form", ["columns", "jsonb"])
def test_metrics_are_scikit_learns(
    warehouse: sa.Engine, classes: tuple[str, ...], form: str
) -> None:
    changes = {} if form == "columns" else {"probabilities": "scores"}
    found = fill(warehouse, [DAY], 3000, classes, **changes)
    with_exact_sums(warehouse, classes)
    with warehouse.begin() as session:
        # A class that no column is of, and one that came true and was never predicted.
        session.exec_driver_sql("update inference.cards set actual = 'new' where mod(id, 97) = 1")
    frame = table(warehouse)
    with warehouse.connect() as session:
        measured = realised(session, found, [DAY])
    assert len(measured) == 3
    for row in measured.itertuples():
        is_part = isinstance(row.segment, str)
        part = frame[frame["channel"] == row.segment_value] if is_part else frame
        known = part[part["actual"].notna()]
        assert (row.rows, row.labelled) == (len(part), len(known))
        for name, value in by_sklearn(known, classes).items():
            assert getattr(row, name) == pytest.approx(value, rel=1e-12, abs=1e-12), name
        counted = pd.crosstab(known["actual"], known["predicted"]).stack()
        assert row.confusion == counted[counted > 0].to_dict()


def test_recall_and_precision_by_class_are_scikit_learns_beside_the_references(
    warehouse: sa.Engine,
) -> None:
    found = fill(warehouse, [*REFERENCE, DAY], 300)
    measure_day(warehouse, load_background(warehouse, found), DAY, "x")
    of_day = table(warehouse).dropna(subset="actual")
    usual = pd.concat([table(warehouse, day) for day in REFERENCE])
    with warehouse.connect() as session:
        query = sa.text("select * from metrics.class_performance order by class")
        by_class = pd.read_sql(query, session).set_index("class")
    assert list(by_class.index) == sorted(CARDS)
    for prefix, frame in (("", of_day), ("reference_", usual)):
        asked = frame["actual"], frame["predicted"]
        for name, score in (
            ("recall", metrics.recall_score),
            ("precision", metrics.precision_score),
        ):
            expected = score(*asked, labels=sorted(CARDS), average=None)
            assert by_class[prefix + name].to_numpy() == pytest.approx(expected, rel=1e-12)
    assert by_class["actual_count"].sum() == len(of_day)


@pytest.mark.parametrize("kind", ["text", "integer", "card"])
def test_a_class_may_be_a_text_an_integer_or_an_enum(warehouse: sa.Engine, kind: str) -> None:
    numbers = ("1", "2", "3")
    found = fill(warehouse, [DAY], 500, numbers)
    with warehouse.connect() as session:
        before = realised(session, found, [DAY])
    with warehouse.begin() as session:
        session.exec_driver_sql("create type card as enum ('1', '2', '3')")
        for name in ("predicted", "actual"):
            session.exec_driver_sql(
                f"alter table inference.cards alter {name} type {kind} using {name}::{kind}"
            )
    with warehouse.connect() as session:
        pd.testing.assert_frame_equal(realised(session, found, [DAY]), before)


def test_without_probabilities_there_is_no_log_loss_and_the_error_is_estimated_from_inputs(
    warehouse: sa.Engine,
) -> None:
    found = fill(warehouse, [*REFERENCE, DAY], probabilities=None)
    measured = measure_day(warehouse, load_background(warehouse, found), DAY, "x")
    whole = {(row.metric, row.kind): row for row in measured if row.segment is None}
    assert whole["log_loss", "realised"].value is None
    assert ("log_loss", "estimated") not in whole
    estimate, truth = (whole["error_rate", kind] for kind in ("estimated", "realised"))
    assert estimate.lower <= truth.value <= estimate.upper  # type: ignore[operator]
    assert whole["accuracy", "estimated"].value == pytest.approx(1 - (estimate.value or 0))


def test_rows_without_probabilities_are_in_every_metric_but_the_log_loss(
    warehouse: sa.Engine,
) -> None:
    found = fill(warehouse, [DAY], 600)
    with warehouse.begin() as session:
        nothing = ", ".join(f"p_{name} = null" for name in CARDS)
        session.exec_driver_sql(f"update inference.cards set {nothing} where mod(id, 3) = 0")
        session.exec_driver_sql("update inference.cards set predicted = null where id < 10")
    frame = table(warehouse)
    with warehouse.connect() as session:
        whole = realised(session, found, [DAY]).iloc[0]
    assert whole["rows"] == 590
    known = frame[frame["actual"].notna() & frame["predicted"].notna()]
    assert whole["accuracy"] == pytest.approx(np.mean(known["actual"] == known["predicted"]))
    told = known[known["id"] % 3 > 0]
    said = np.select([told["actual"] == name for name in CARDS], [told[f"p_{n}"] for n in CARDS])
    assert whole["log_loss"] == pytest.approx(-np.log(np.clip(said, LEAST, 1 - LEAST)).mean())


def test_columns_and_jsonb_are_read_alike(warehouse: sa.Engine) -> None:
    of_columns = fill(warehouse, [FIRST, DAY])
    of_jsonb = monitor(probabilities="scores")
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "update inference.cards set scores = null, p_highstreet = null, p_prepaid = null,"
            " p_upmarket = null where id = 5"
        )
    frames = []
    for found in (of_columns, of_jsonb):
        with warehouse.connect() as session:
            assert classes_of(session, found) == CARDS
            beside = probabilities_in_sql(found, CARDS)
            frames.append(read_rows(session, found, [DAY], beside=beside))
    (names, values), (again, same) = map(probabilities_in, frames)
    assert names == again == CARDS
    np.testing.assert_array_equal(values, same)
    assert np.isnan(values[np.isnan(values).any(axis=1)]).all()
    assert np.isnan(values).sum() == len(CARDS)


WRONG = [
    ("", []),
    ("p_prepaid = p_prepaid / 2", ["they add up to", "not to 1, in"]),
    ("p_prepaid = p_prepaid - 1", ["have one below 0 or above 1"]),
    ("p_prepaid = null", ["have those of some classes and not of others"]),
    ("predicted = 'crypto'", ["the model predicts crypto on the newest day, of which no prob"]),
    ("p_prepaid = null, p_highstreet = null, p_upmarket = null", []),
]


@pytest.mark.parametrize(("change", "says"), WRONG)
def test_probabilities_that_are_none_are_told_in_a_line(
    warehouse: sa.Engine, change: str, says: list[str]
) -> None:
    found = fill(warehouse, [FIRST, DAY])
    if change:
        with warehouse.begin() as session:
            session.exec_driver_sql(f"update inference.cards set {change} where id > 20")
    with warehouse.connect() as session:
        wrong = [str(error) for error in wrong_probabilities(session, found)]
    assert len(wrong) == len(says[:1])
    assert all(part in wrong[0] for part in says)
    assert all("\n" not in line and line.startswith("cards, probabilities: ") for line in wrong)


def test_a_column_that_is_no_jsonb_by_class_or_not_there_is_told(warehouse: sa.Engine) -> None:
    fill(warehouse, [FIRST, DAY])
    for column, says in {
        "nosuch": 'column "nosuch" does not exist',
        "version": "invalid input syntax for type json",
    }.items():
        with warehouse.connect() as session:
            (error,) = wrong_probabilities(session, monitor(probabilities=column))
        assert says in str(error)
    with warehouse.begin() as session:
        session.exec_driver_sql("update inference.cards set scores = '[0.2, 0.8]'")
    with warehouse.connect() as session:
        (error,) = wrong_probabilities(session, monitor(probabilities="scores"))
    assert "no row of the reference period has an object of jsonb" in str(error)


@pytest.mark.parametrize("probabilities", ["columns", None])
def test_estimates_know_nothing_of_the_days_labels_and_hold_the_truth(
    warehouse: sa.Engine, probabilities: str | None
) -> None:
    days = [DAY + dt.timedelta(days=number) for number in range(12)]
    changes = {} if probabilities else {"probabilities": None}
    found = fill(warehouse, [*REFERENCE, *days], **changes)
    background = load_background(warehouse, found)
    inside = []
    for day in days:
        measured = measure_day(warehouse, background, day, "x")
        by_metric = {(row.metric, row.kind): row for row in measured if row.segment is None}
        for (metric, kind), row in by_metric.items():
            if kind == "estimated":
                truth = by_metric[metric, "realised"].value
                inside.append(row.lower <= truth <= row.upper)  # type: ignore[operator]
    assert {metric for metric, kind in by_metric if kind == "estimated"} == (
        {"accuracy", "error_rate", "f1_macro", "f1_weighted", "log_loss"}
        if probabilities
        else {"accuracy", "error_rate"}
    )
    assert np.mean(inside) > 0.85
    before = [row for row in measured if row.kind == "estimated"]
    with warehouse.begin() as session:
        session.exec_driver_sql("update inference.cards set actual = null")
    again = measure_day(warehouse, background, days[-1], "x")
    assert [row for row in again if row.kind == "estimated"] == before


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = np.random.default_rng(20261129)
    many = pd.concat([rows(DAY + dt.timedelta(days=day), 1000) for day in range(60)])
    many = many.rename(columns={f"p_{name}": BEGINS + name for name in CARDS})
    known = with_log_loss(labelled_rows(many, "predicted", "actual", "multiclass"))
    truth = {name: float(values[0]) for name, values in metrics_of(known).items()}
    inside = dict.fromkeys(truth, 0)
    for _ in range(150):
        drawn = known.sample(400, random_state=int(generator.integers(2**31)))
        once = {name: float(values[0]) for name, values in metrics_of(drawn).items()}
        reach = intervals_of_classes(drawn, 400, draw_weights(400, generator))
        for name, (below, above) in reach.items():
            inside[name] += once[name] + below <= truth[name] <= once[name] + above
    assert {name: 0.88 < hits / 150 <= 1 for name, hits in inside.items()} == dict.fromkeys(
        truth, True
    )


ROWS_OF = "select (to_jsonb(t) - 'computed_at')::text from metrics.{} as t order by 1"


def stored(engine: sa.Engine) -> list[str]:
    tables = ("performance", "confusion")
    with engine.connect() as session:
        return [line for of in tables for line in session.scalars(sa.text(ROWS_OF.format(of)))]


def test_a_day_is_the_same_again_in_any_order_and_late_labels_change_their_day(
    warehouse: sa.Engine,
) -> None:
    days = [DAY - dt.timedelta(days=1), DAY]
    found = fill(warehouse, [*REFERENCE, *days], 300)
    background = load_background(warehouse, found)
    for day in days:
        measure_day(warehouse, background, day, "x")
    before = stored(warehouse)
    # The rows lie in another order then, and the days are measured in another one.
    with warehouse.begin() as session:
        session.exec_driver_sql("create table again as select * from inference.cards")
        session.exec_driver_sql("truncate inference.cards")
        session.exec_driver_sql("insert into inference.cards select * from again order by income")
    for day in reversed(days):
        measure_day(warehouse, background, day, "x")
    assert stored(warehouse) == before
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "update inference.cards set actual = 'prepaid' where actual is null"
        )
    measure_day(warehouse, background, DAY, "x")
    after = stored(warehouse)
    changed = {line for line in {*before} ^ {*after}}
    assert changed
    assert all(f'"partition_date": "{DAY}"' in line for line in changed)
    assert not any('"kind": "estimated"' in line and '"excess' not in line for line in changed)
    # What vanished from the table vanishes here too.
    with warehouse.begin() as session:
        session.exec_driver_sql(f"delete from inference.cards where partition_date = '{DAY}'")
    measure_day(warehouse, background, DAY, "x")
    assert not any(f'"partition_date": "{DAY}"' in line for line in stored(warehouse))
