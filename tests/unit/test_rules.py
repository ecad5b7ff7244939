"""The order of the rules: of a change that several apply to, the first is the diagnosis."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from driftmeter.incidents import diagnose as rules
from driftmeter.incidents.diagnose import RULES, Explanations, diagnose
from tests.unit.test_diagnosis import day_of, trips

ROWS = 1200
Fault = Callable[[pd.DataFrame], pd.DataFrame]


def where(chosen: Callable[[pd.DataFrame], object], column: str, value: object) -> Fault:
    """Another value of a column in some rows; a callable is given its old values."""

    def fault(rows: pd.DataFrame) -> pd.DataFrame:
        new = value(rows[column]) if callable(value) else value
        return rows.assign(**{column: rows[column].mask(chosen(rows), new)})

    return fault


def every(rows: pd.DataFrame) -> object:
    return np.ones(len(rows), dtype=bool)


def some(rows: pd.DataFrame) -> object:
    return np.arange(len(rows)) % 4 == 0


def of_vendor(rows: pd.DataFrame) -> object:
    return rows["vendor"] == "4"


# Column, fault, the rule that decides, and rules further down that apply as well.
TABLE: list[tuple[str, Fault, str, tuple[str, ...]]] = [
    ("payment", where(every, "payment", None), "_no_value", ("_other_categories",)),
    (
        "payment",
        where(every, "payment", lambda values: "code " + values.astype("string")),
        "_another_schema",
        ("_other_categories",),
    ),
    (
        "fare",
        where(of_vendor, "fare", np.nan),
        "_wrong_rows_of_one_segment",
        ("_wrong_rows", "_another_distribution"),
    ),
    ("fare", where(some, "fare", np.nan), "_wrong_rows", ("_another_distribution",)),
    (
        "fare",
        where(of_vendor, "fare", lambda values: values * 3),
        "_one_segment",
        ("_another_distribution",),
    ),
    (
        "miles",
        where(every, "miles", lambda values: values * 1.609344),
        "_another_unit",
        ("_another_distribution",),
    ),
    ("vendor", where(some, "vendor", "4"), "_other_categories", ("_another_distribution",)),
    ("noise", where(every, "noise", lambda v: v.abs()), "_another_distribution", ()),
]


@pytest.mark.parametrize(("column", "fault", "first", "others"), TABLE)
def test_the_first_rule_that_applies_is_the_diagnosis(
    column: str, fault: Fault, first: str, others: tuple[str, ...]
) -> None:
    day = day_of(fault(trips(ROWS, 11)))
    found = Explanations(day.changes[column], day.splitting(day.changes))
    applying = {
        rule.__name__: symptom
        for rule in RULES
        if rule.__name__ in (first, *others) and (symptom := rule(found)) is not None
    }
    assert list(applying) == [first, *others]
    assert diagnose(found.change, found.others).says == applying[first].says


def test_rules_are_in_the_order_on_record() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "_no_value",
        "_another_text",
        "_another_schema",
        "_wrong_rows_of_one_segment",
        "_wrong_rows",
        "_one_segment",
        "_another_unit",
        "_class_not_predicted",
        "_other_categories",
        "_another_mix_of_rows",
        "_another_distribution",
    ]


def test_the_last_rule_always_applies() -> None:
    day = day_of(trips(ROWS, 12))
    for change in day.changes.values():
        if change.column.kind == "numerical":
            assert rules._another_distribution(Explanations(change, {})) is not None
