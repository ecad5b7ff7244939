"""A monitor of several classes in YAML: what is read, and what is refused in one line."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from tests.unit.test_monitor_config import BLOCK, COLUMNS, load

CLASSES = {"prepaid": "p_prepaid", "highstreet": "p_highstreet", "upmarket": "p_upmarket"}


def block(**changes: Any) -> dict[str, Any]:
    return {
        **BLOCK, "task": "multiclass", "prediction": "predicted_card", "target": "card", **changes
    }  # fmt: skip


def test_prediction_and_target_are_categories_and_probabilities_are_no_columns_of_their_own(
    tmp_path: Path,
) -> None:
    named = [*COLUMNS, "predicted_card", "card", *CLASSES.values(), "scores"]
    monitor = load(tmp_path, block(probabilities=CLASSES), named)
    assert {monitor.columns[name].kind for name in ("predicted_card", "card")} == {"categorical"}
    assert monitor.probability_columns == tuple(CLASSES.values())
    assert not {*monitor.columns} & {*CLASSES.values()}
    assert load(tmp_path, block(probabilities="scores"), named).probability_columns == ("scores",)
    assert load(tmp_path, block(), named).probability_columns == ()


def test_classes_that_are_numbers_or_booleans_in_yaml_are_text() -> None:
    of_numbers = Monitor(name="m", **block(probabilities={1: "p_1", 2: "p_2"}))
    assert of_numbers.probabilities == {"1": "p_1", "2": "p_2"}
    of_booleans = Monitor(name="m", **block(probabilities={True: "p_yes", False: "p_no"}))
    assert of_booleans.probabilities == {"true": "p_yes", "false": "p_no"}


def test_other_probabilities_are_another_configuration_and_none_leave_the_hash_of_before() -> None:
    plain = Monitor(name="m", **block())
    assert Monitor(name="m", **block(probabilities=None)).config_hash == plain.config_hash
    assert Monitor(name="m", **block(probabilities=CLASSES)).config_hash != plain.config_hash


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"task": "regression", "probabilities": CLASSES}, "goes with task multiclass"),
        ({"task": "classification", "probabilities": "scores"}, "prediction is the probability"),
        ({"probabilities": {"prepaid": "p_prepaid"}}, "names 1 class; name the column of each"),
        ({"probabilities": {"a": "p", "b": "p"}}, "names the column 'p' for two classes"),
        ({"probabilities": {"a": "p_a", "b": "trip_distance"}}, "'trip_distance', which is the"),
        ({"probabilities": {"a": "p_a", "b": "card"}}, "'card', which is the prediction, the"),
        ({"protected": ["region"]}, "`protected` goes with task regression or classification"),
        ({"value": {"true_positive": 1, "unit": "EUR"}}, "`value` of a multiclass needs `sql`"),
        ({"tests": [{"test": "roc_auc", "at_least": 0.5}]}, "roc_auc needs task classification"),
        (
            {"tests": [{"test": "mean", "column": "predicted_card", "at_least": 1}]},
            "which is not numerical",
        ),
    ],
)
def test_what_no_monitor_of_classes_can_be_is_one_line(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Monitor(name="m", **block(**changes))
    assert says in str(refused.value)


def test_a_column_that_the_model_lacks_is_named_with_its_class(tmp_path: Path) -> None:
    named = [*COLUMNS, "predicted_card", "card", "p_prepaid", "p_upmarket"]
    with pytest.raises(DriftmeterError, match=r"probabilities\.highstreet: the model has no col"):
        load(tmp_path, block(probabilities=CLASSES), named)
    with pytest.raises(DriftmeterError, match="probabilities: the model has no column 'scores'"):
        load(tmp_path, block(probabilities="scores"), named)
    with pytest.raises(DriftmeterError, match="target: the model has no column 'card'"):
        load(tmp_path, block(), [*COLUMNS, "predicted_card"])
