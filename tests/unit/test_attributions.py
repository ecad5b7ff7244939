"""Shares of attributions: from the YAML's field to metrics, and what an incident says of them."""

import datetime as dt
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pandas as pd
import pydantic
import pytest

from driftmeter.incidents.custom_metric import of_custom_metrics
from driftmeter.monitors.config import Monitor

PACKAGE = Path(__file__).parents[2] / "dbt_project" / "driftmeter"
DECLARED = {
    "name": "scores",
    "owner": "team",
    "task": "regression",
    "timestamp": "at",
    "id": "id",
    "prediction": "predicted",
    "model_version": "version",
    "features": {"age": {"kind": "numerical"}, "city": {"kind": "categorical"}},
    "reference": {"from": "2026-01-01", "to": "2026-02-28"},
}


def declared(**changes: object) -> Monitor:
    return Monitor.model_validate({**DECLARED, "attributions": {"prefix": "shap_"}, **changes})


def test_each_feature_has_its_share_of_all_attributions() -> None:
    monitor = declared()
    rows = pd.DataFrame({"shap_age": [1.0, -3.0, None], "shap_city": [0.5, 0.0, 1.5]})
    with sqlite3.connect(":memory:") as session:
        rows.to_sql("rows", session)
        shares = {
            name: session.execute(f"select {metric.sql} from rows").fetchone()[0]
            for name, metric in monitor.metrics.items()
        }
    sizes = rows.abs().sum()
    assert shares == pytest.approx((sizes / sizes.sum()).to_dict())
    assert [monitor.attributed(name) for name in monitor.metrics] == ["age", "city"]


@pytest.mark.parametrize("features", [(), ("age",), ("city", 'the "age"')])
def test_dbt_computes_the_same_shares(features: tuple[str, ...]) -> None:
    more = {name: {"kind": "numerical"} for name in ("age", "city", 'the "age"')}
    attributions = {"prefix": "shap_", "features": features}
    own = {"profit": {"sql": "sum(paid)"}}
    monitor = declared(attributions=attributions, features=more, metrics=own)
    file = PACKAGE / "macros" / "custom_metrics.sql"
    found: list[dict[str, dict[str, str]]] = []
    package = SimpleNamespace(
        monitor_config=lambda name: (
            {**DECLARED, "attributions": attributions, "metrics": own} | {"features": more}
        ),
        quoted=lambda name: '"' + name.replace('"', '""') + '"',
    )
    macros = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string(file.read_text())
    module = macros.make_module({"driftmeter": package, "return": found.append})
    vars(module)["metrics_of"]("scores")
    (by_dbt,) = found
    assert {name: metric["sql"] for name, metric in by_dbt.items()} == {
        name: metric.sql for name, metric in monitor.metrics.items()
    }


def test_a_monitor_that_is_read_again_is_the_same() -> None:
    monitor = declared(metrics={"profit": {"sql": "sum(paid)"}})
    again = Monitor.model_validate(monitor.model_dump(by_alias=True))
    assert again == monitor
    assert list(again.metrics) == ["profit", "shap_age", "shap_city"]
    assert monitor.attributed("profit") is None


def test_only_the_features_that_have_a_column_are_named() -> None:
    monitor = declared(attributions={"prefix": "shap_", "features": ["age"]})
    assert list(monitor.metrics) == ["shap_age"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"attributions": {"prefix": "shap_", "features": ["town"]}},
            "'town', which is no feature",
        ),
        ({"metrics": {"shap_age": {"sql": "sum(age)"}}}, "'shap_age' is a column of attributions"),
        ({"attributions": {}}, "prefix"),
    ],
)
def test_what_fits_no_feature_or_is_named_twice_is_refused(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(pydantic.ValidationError, match=says):
        declared(**changes)


def test_attributions_leave_the_hash_of_other_monitors_as_it_was() -> None:
    without = Monitor.model_validate(DECLARED)
    assert "attributions" not in without.model_dump(exclude_none=True)
    assert without.config_hash != declared().config_hash


def test_one_sentence_says_on_what_the_model_leans_more_and_less() -> None:
    day = dt.date(2026, 3, 4)
    common = {
        "partition_date": day, "segment": None, "segment_value": None, "is_alarm": True,
        "is_by_weekday": False, "window_days": 1, "window_p_value": 1e-9, "deviation": 0.01,
        "lower": 0.2, "upper": 0.3,
    }  # fmt: skip
    verdicts = pd.DataFrame([
        {**common, "metric": "shap_city", "value": 0.52, "expected": 0.75, "effect": -0.23},
        {**common, "metric": "shap_age", "value": 0.48, "expected": 0.25, "effect": 0.23},
    ])  # fmt: skip
    ((found,),) = of_custom_metrics(declared(), verdicts).values()
    assert found.diagnosis == (
        "The model leans less on city (52.0% of all attributions, usually 75.0%) and more on age"
        " (48.0% of all attributions, usually 25.0%)."
    )
    assert (found.kind, set(found.columns)) == ("metric_change", {"shap_age", "shap_city"})
    assert found.evidence["cause"]["columns"] == ["city", "age"]
