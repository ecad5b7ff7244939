"""Slices that nobody declared: planted ones are named, and calm days name few."""

import numpy as np
import pandas as pd
import pytest

from driftmeter.monitors.config import Monitor
from driftmeter.performance.undeclared_slices import Condition, slices_of

BOOKINGS = Monitor.model_validate(
    {
        "name": "bookings",
        "owner": "team",
        "task": "regression",
        "timestamp": "at",
        "id": "id",
        "prediction": "predicted",
        "target": "paid",
        "model_version": "version",
        "features": {
            "lead_time": {"kind": "numerical"},
            "nights": {"kind": "numerical"},
            "deposit": {"kind": "categorical"},
            "country": {"kind": "categorical"},
        },
        "reference": {"from": "2026-01-01", "to": "2026-01-31"},
    }
)


def bookings(rows: int, generator: np.random.Generator) -> pd.DataFrame:
    country = generator.choice(["PT", "DE", "FR", "GB"], rows).astype(object)
    country[generator.random(rows) < 0.05] = None
    predicted = generator.gamma(4, 25, rows)
    return pd.DataFrame(
        {
            "lead_time": generator.exponential(60, rows),
            "nights": generator.poisson(3, rows).astype(float),
            "deposit": generator.choice(["none", "full"], rows, p=[0.8, 0.2]).astype(object),
            "country": country,
            "predicted": predicted,
            "paid": predicted + generator.normal(0, 10, rows),
        }
    )


def test_rows_that_are_new_are_named_by_two_conditions() -> None:
    generator = np.random.default_rng(1)
    reference, day = bookings(8000, generator), bookings(2000, generator)
    group = bookings(300, generator).assign(lead_time=lambda rows: rows["lead_time"] + 180)
    group["deposit"] = "full"
    (found,) = slices_of(BOOKINGS, reference, pd.concat([day, group], ignore_index=True))
    assert found.question == "rows"
    assert {(each.column, each.operator) for each in found.conditions} == {
        ("lead_time", ">"),
        ("deposit", "="),
    }
    # 300 of 2,300 rows, beside few of the others.
    assert found.share == pytest.approx(300 / 2300, abs=0.03)
    assert found.reference_share < 0.03
    assert found.where.endswith("deposit = 'full'") or found.where.startswith("deposit = 'full'")


def test_a_large_loss_is_named_by_where_it_is() -> None:
    generator = np.random.default_rng(2)
    reference, day = bookings(8000, generator), bookings(2000, generator)
    is_hit = (day["lead_time"] > 100) & (day["country"] == "PT")
    day["paid"] += np.where(is_hit, 150.0, 0.0)
    (found,) = slices_of(BOOKINGS, reference, day)
    assert found.question == "loss"
    assert {each.column for each in found.conditions} == {"lead_time", "country"}
    loss = (day["paid"] - day["predicted"]).abs()
    assert found.loss_share == pytest.approx(loss[is_hit].sum() / loss.sum(), abs=0.1)
    assert found.share == pytest.approx(is_hit.mean(), abs=0.03)
    assert found.reference_loss_share == pytest.approx(found.reference_share, abs=0.05)


def test_rows_that_are_hard_on_every_day_are_not_named() -> None:
    generator = np.random.default_rng(6)
    reference, day = bookings(8000, generator), bookings(2000, generator)
    for rows in (reference, day):
        noise = generator.normal(0, 80, len(rows))
        rows["paid"] += np.where(rows["lead_time"] > 120, noise, 0.0)
    assert slices_of(BOOKINGS, reference, day) == []


def test_missing_values_are_a_condition() -> None:
    generator = np.random.default_rng(3)
    reference, day = bookings(6000, generator), bookings(2000, generator)
    day.loc[day.index[:500], "nights"] = np.nan
    reference.loc[reference.index[:30], "nights"] = np.nan
    (found,) = slices_of(BOOKINGS, reference, day)
    assert Condition("nights", "is missing") in found.conditions


def test_missing_labels_are_named_by_where_they_are() -> None:
    generator = np.random.default_rng(8)
    reference, day = bookings(8000, generator), bookings(2000, generator)
    reference.loc[generator.random(8000) < 0.03, "paid"] = np.nan
    is_hit = (day["nights"] > 5) & (generator.random(2000) < 0.9)
    day.loc[is_hit, "paid"] = np.nan
    (found,) = slices_of(BOOKINGS, reference, day)
    assert (found.question, found.where) == ("labels", "nights > 5")
    chosen, lacks = day["nights"] > 5, day["paid"].isna()
    assert found.share == pytest.approx(chosen.mean(), abs=0.03)
    assert found.missing_share == pytest.approx(lacks[chosen].mean(), abs=0.06)
    assert found.other_missing_share == pytest.approx(lacks[~chosen].mean(), abs=0.04)
    usual = reference.loc[reference["nights"] > 5, "paid"].isna().mean()
    assert found.reference_missing_share == pytest.approx(usual)
    assert slices_of(BOOKINGS, reference, day, is_due=False) == []


def test_labels_that_some_rows_never_have_are_not_named() -> None:
    generator = np.random.default_rng(9)
    reference, day = bookings(8000, generator), bookings(2000, generator)
    for rows in (reference, day):
        rows.loc[(rows["deposit"] == "full") & (generator.random(len(rows)) < 0.9), "paid"] = np.nan
    assert slices_of(BOOKINGS, reference, day) == []


def test_calm_days_name_few_slices() -> None:
    named = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        reference, day = bookings(3000, generator), bookings(600, generator)
        for rows in (reference, day):
            rows.loc[generator.random(len(rows)) < 0.15, "paid"] = np.nan
        named += bool(slices_of(BOOKINGS, reference, day))
    # At most one day in seven, by a level of 5% for each of three questions; 24 are beyond chance.
    assert named <= 24


def test_the_order_of_rows_and_days_without_labels_change_nothing() -> None:
    generator = np.random.default_rng(5)
    reference, day = bookings(4000, generator), bookings(1000, generator)
    day["paid"] += np.where(day["lead_time"] > 100, 80.0, 0.0)
    found = slices_of(BOOKINGS, reference, day)
    shuffled = day.sample(frac=1, random_state=1).reset_index(drop=True)
    assert [each.where for each in slices_of(BOOKINGS, reference, shuffled)] == [
        each.where for each in found
    ]
    assert slices_of(BOOKINGS, reference, day.assign(paid=np.nan).iloc[:5]) == []


def test_a_limit_is_told_once() -> None:
    rows = pd.DataFrame({"x": [1.0, 5.0, np.nan], "name": ["a", None, "b"]})
    assert Condition("x", "<=", 2.0).holds(rows).tolist() == [True, False, False]
    assert Condition("x", ">", 2.0).holds(rows).tolist() == [False, True, False]
    assert Condition("name", "<>", "a").holds(rows).tolist() == [False, False, True]
    assert Condition("name", "is known").holds(rows).tolist() == [True, False, True]
    assert str(Condition("x", ">", 1500.0)) == "x > 1,500"
