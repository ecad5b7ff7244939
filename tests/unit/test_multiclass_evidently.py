"""Several classes in Evidently's page of a day, and in tests that a monitor declares."""

from pathlib import Path

import pandas as pd
import pytest
from sklearn import metrics

from driftmeter.drift.declared_tests import run_declared
from driftmeter.performance.undeclared_slices import slices_of
from driftmeter.reports.page import write_page
from tests.cards import DAY, REFERENCE, monitor, rows

REFERENCE_ROWS = pd.concat([rows(day, 50) for day in REFERENCE], ignore_index=True)
TESTS = ("accuracy", "precision", "recall", "f1")


def test_the_page_of_a_day_draws_the_errors_of_several_classes(tmp_path: Path) -> None:
    declared = monitor()
    columns = list(declared.columns)
    day = rows(DAY, 300)
    day.loc[:4, "actual"] = None
    path = tmp_path / "page.html"
    write_page(declared, REFERENCE_ROWS[columns], day[columns], {}, [], columns, path)
    text = path.read_text()
    assert "Confusion Matrix" in text
    header = text[text.index("<header") : text.index("</header>")]
    assert "5 rows without a label are left out." in header


def test_declared_tests_of_several_classes_have_scikit_learns_values() -> None:
    declared = monitor(tests=[{"test": name, "at_least": 0.2} for name in TESTS])
    day = rows(DAY, 400)
    outcomes = {each.test: each for each in run_declared(declared, REFERENCE_ROWS, day)}
    asked = day["actual"], day["predicted"]
    expected = {
        "accuracy": metrics.accuracy_score(*asked),
        "precision": metrics.precision_score(*asked, average="macro"),
        "recall": metrics.recall_score(*asked, average="macro"),
        "f1": metrics.f1_score(*asked, average="macro"),
    }
    for outcome, (name, value) in zip(outcomes.values(), expected.items(), strict=True):
        assert outcome.observed == pytest.approx(value), name
        assert outcome.status == "pass"


def test_a_slice_whose_classes_are_wrong_is_named() -> None:
    declared = monitor()
    columns = [*declared.columns]
    day = rows(DAY, 2000)
    is_store = (day["channel"] == "store") & (day["predicted"] == "highstreet")
    day["actual"] = day["actual"].mask(is_store, "upmarket")
    found = slices_of(declared, REFERENCE_ROWS[columns], day[columns])
    assert any(each.question == "loss" and "channel = 'store'" in each.where for each in found)
