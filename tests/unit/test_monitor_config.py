"""A monitor's YAML, right and wrong: wrong is one line that names file, field and fix."""

import copy
import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.manifest import load_monitors

BLOCK: dict[str, Any] = {
    "owner": "team-pricing",
    "task": "regression",
    "timestamp": "pickup_at",
    "timezone": "America/New_York",
    "id": "trip_id",
    "prediction": "predicted_minutes",
    "target": "duration_minutes",
    "model_version": "model_version",
    "features": {
        "trip_distance": {"kind": "numerical", "unit": "miles", "range": [0, 100]},
        "payment_type": {"kind": "categorical", "accepted": [1, 2, 3]},
    },
    "segments": ["payment_type"],
    "reference": {"from": "2019-01-01", "to": "2019-03-31"},
}
COLUMNS = [
    "trip_id",
    "pickup_at",
    "predicted_minutes",
    "duration_minutes",
    "model_version",
    "trip_distance",
    "payment_type",
]


def load(directory: Path, block: object, columns: list[str] = COLUMNS) -> Monitor:
    """The monitor as it is read back from a manifest that holds the block."""
    model = {
        "name": "trip_duration",
        "resource_type": "model",
        "schema": "inference",
        "patch_path": "driftmeter://models/inference/_inference.yml",
        "original_file_path": "models/inference/trip_duration.sql",
        "config": {"meta": {"monitor": block}},
        "columns": {name: {} for name in columns},
    }
    other = {"name": "stg_trips", "resource_type": "model", "config": {"meta": None}}
    manifest = directory / "manifest.json"
    manifest.write_text(json.dumps({"nodes": {"model.a": model, "model.b": other}}))
    return load_monitors(manifest)["trip_duration"]


def changed(path: str, value: object) -> dict[str, Any]:
    block = copy.deepcopy(BLOCK)
    *parents, last = path.split(".")
    place = block
    for parent in parents:
        place = place[parent]
    place[last] = value
    return block


def test_a_right_block_is_read_with_its_types(tmp_path: Path) -> None:
    monitor = load(tmp_path, BLOCK)
    assert (monitor.name, monitor.schema_name) == ("trip_duration", "inference")
    assert monitor.reference.from_date == dt.date(2019, 1, 1)
    assert dt.date(2019, 3, 31) in monitor.reference
    assert dt.date(2019, 4, 1) not in monitor.reference
    assert monitor.features["payment_type"].accepted == ("1", "2", "3")
    assert list(monitor.columns) == [
        "trip_distance",
        "payment_type",
        "predicted_minutes",
        "duration_minutes",
    ]
    assert monitor.columns["duration_minutes"].kind == "numerical"


def test_accepted_booleans_are_compared_as_postgres_prints_them(tmp_path: Path) -> None:
    monitor = load(tmp_path, changed("features.payment_type.accepted", [True, False]))
    assert monitor.features["payment_type"].accepted == ("true", "false")


def test_a_classifiers_prediction_is_a_number_and_its_target_a_category(tmp_path: Path) -> None:
    monitor = load(tmp_path, changed("task", "classification"))
    assert monitor.columns["predicted_minutes"].kind == "numerical"
    assert monitor.columns["duration_minutes"].kind == "categorical"


def test_the_config_hash_follows_what_decides_a_metric_and_not_the_owner(tmp_path: Path) -> None:
    original = load(tmp_path, BLOCK).config_hash
    assert load(tmp_path, changed("owner", "team-data")).config_hash == original
    assert load(tmp_path, changed("reference.to", "2019-03-30")).config_hash != original
    assert load(tmp_path, changed("features.trip_distance.range", [0, 90])).config_hash != original
    assert load(tmp_path, changed("min_rows", 31)).config_hash != original


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("alarm_budget", {"false_alarms_per_month": 0.5}),
        ("least_effect", {"shift": 0.1}),
        ("retrain", {"days": 14}),
        ("expected", [{"on": "2019-07-04", "what": "Fourth of July"}]),
        ("calendar", "US"),
        ("changes", [{"on": "2019-04-01", "columns": ["trip_distance"], "what": "new meter"}]),
    ],
)
def test_a_policy_has_a_hash_of_its_own(tmp_path: Path, path: str, value: object) -> None:
    original, other = load(tmp_path, BLOCK), load(tmp_path, changed(path, value))
    assert other.policy_hash != original.policy_hash
    assert other.config_hash == original.config_hash
    assert load(tmp_path, changed("min_rows", 31)).policy_hash == original.policy_hash
    assert load(tmp_path, changed("reference.to", "2019-03-30")).policy_hash == original.policy_hash


@pytest.mark.parametrize(
    ("path", "value", "field", "fix"),
    [
        ("features.trip_distanse", {"kind": "numerical"}, "features.trip_distanse", "use one of"),
        ("prediction", "minutes", "prediction", "use one of duration_minutes, model_version"),
        ("segments", ["borough"], "segments.0", "use one of"),
        ("reference.from", "2019-02-30", "reference.from", "YYYY-MM-DD, not '2019-02-30'"),
        ("reference.to", "soon", "reference.to", "YYYY-MM-DD, not 'soon'"),
        (
            "reference.form",
            "2019-01-01",
            "reference.form",
            "the fields are first, from, rolling, to",
        ),
        (
            "referense",
            {},
            "referense",
            "the fields are alarm_budget, attributions, batch, calendar, challengers,",
        ),
        ("features.trip_distance.knd", 1, "features.trip_distance.knd", "kind, max_null_share"),
        ("reference.from", "2019-04-01", "reference", "from 2019-04-01 is after to 2019-03-31"),
        ("timezone", "New York", "timezone", "correct"),
        ("task", "ranking", "task", "correct 'ranking'"),
        ("features.trip_distance.kind", "number", "features.trip_distance.kind", "correct"),
        ("features.payment_type.range", [1, 3], "features.payment_type", "not `range`"),
        ("features.trip_distance.accepted", [1], "features.trip_distance", "not `accepted`"),
        ("features.trip_distance.range", [9, 1], "features.trip_distance", "[lowest, highest]"),
        ("features.trip_distance.max_null_share", 5, "max_null_share", "correct 5"),
        ("features", {}, "features", "at least 1 item"),
        ("features.duration_minutes", {"kind": "numerical"}, "`target`", "among the features"),
        ("target", "predicted_minutes", "`target` and `prediction`", "the same column"),
        ("segments", ["payment_type", "payment_type"], "`segments`", "twice"),
        ("alarm_budget", {"false_alarms_per_month": 0}, "false_alarms_per_month", "correct 0"),
        ("name", "another", "name", "remove it"),
        ("calendar", "Atlantis", "calendar", "'Atlantis' is no calendar: write a country's code"),
        ("expected", [{"on": "2019-07-04"}], "expected.0.what", "add this field"),
        ("expected", [{"what": "sale"}], "expected.0", "either `on`, or `from` and `to`"),
        ("expected", [{"from": "2019-07-04", "what": "sale"}], "expected.0", "`from` and `to`"),
        ("expected", [{"on": "July", "what": "x"}], "expected.0.on", "YYYY-MM-DD, not 'July'"),
        (
            "expected",
            [{"from": "2019-07-04", "to": "2019-07-01", "what": "sale"}],
            "expected.0",
            "from 2019-07-04 is after to 2019-07-01",
        ),
        ("expected", [{"on": "2019-07-04", "wat": "x"}], "expected.0", "add this field"),
        (
            "changes",
            [{"on": "2019-04-01", "columns": ["tolls"], "what": "toll rise"}],
            "`changes`",
            "'toll rise' of 'tolls', which is no column",
        ),
    ],
)
def test_a_wrong_field_is_one_line_that_names_file_field_and_fix(
    tmp_path: Path, path: str, value: object, field: str, fix: str
) -> None:
    with pytest.raises(DriftmeterError) as caught:
        load(tmp_path, changed(path, value))
    line = str(caught.value)
    assert line.startswith("models/inference/_inference.yml, trip_duration")
    assert field in line
    assert fix in line
    assert "\n" not in line
    assert caught.value.fix


def test_a_monitor_without_known_days_has_the_policy_hash_that_it_had(tmp_path: Path) -> None:
    """Stored days of such a monitor must not be judged again for fields that it does not have."""
    content = {
        "label_delay_days": 0,
        "alarm_budget": {"false_alarms_per_month": 1.0},
        "least_effect": {"shift": 0.05, "share": 0.01},
        "retrain": None,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    assert load(tmp_path, BLOCK).policy_hash == digest[:16]


def test_the_day_of_an_event_is_read_though_yaml_takes_on_for_true(tmp_path: Path) -> None:
    events = yaml.safe_load("[{on: 2013-07-04, what: Fourth of July}]")
    assert True in events[0]
    block = changed("expected", json.loads(json.dumps(events, default=str)))
    change = yaml.safe_load("[{on: 2019-03-31, columns: [trip_distance], what: toll rise}]")
    block["changes"] = json.loads(json.dumps(change, default=str))
    monitor = load(tmp_path, block)
    assert monitor.event_on(dt.date(2013, 7, 4)) == "Fourth of July"
    assert monitor.changes[0].on == dt.date(2019, 3, 31)


def test_a_calendar_names_holidays_and_the_days_beside_them(tmp_path: Path) -> None:
    block = changed("calendar", "US")
    block["expected"] = [{"from": "2013-12-24", "to": "2013-12-26", "what": "sale"}]
    monitor = load(tmp_path, block)
    found = {day: monitor.event_on(dt.date(2013, *day)) for day in ((7, 3), (7, 4), (7, 5), (7, 6))}
    assert found == {
        (7, 3): "day before Independence Day",
        (7, 4): "Independence Day",
        (7, 5): "day after Independence Day",
        (7, 6): None,
    }
    # What a team declares goes before; a holiday of the next year has its day before.
    assert monitor.event_on(dt.date(2013, 12, 25)) == "sale"
    assert monitor.event_on(dt.date(2013, 12, 31)) == "day before New Year's Day"
    assert load(tmp_path, BLOCK).event_on(dt.date(2013, 7, 4)) is None


@pytest.mark.parametrize("field", ["owner", "task", "timestamp", "prediction", "reference"])
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    block = {key: value for key, value in BLOCK.items() if key != field}
    with pytest.raises(DriftmeterError, match=rf"\.monitor: {field}: .*add this field"):
        load(tmp_path, block)


def test_a_block_that_is_not_one_says_so(tmp_path: Path) -> None:
    with pytest.raises(DriftmeterError, match="not a block of keys"):
        load(tmp_path, "yes")


def test_a_model_without_columns_cannot_be_checked_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(DriftmeterError, match="documents no columns"):
        load(tmp_path, BLOCK, columns=[])


def test_no_manifest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(DriftmeterError, match=r"manifest\.json: .*dbt parse"):
        load_monitors(tmp_path / "manifest.json")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("sum(fare); drop table trips", "has a semicolon"),
        ("sum(fare", "not closed"),
        ("sum(fare))", "not opened"),
        ("sum(fare) || 'EUR", "not closed"),
        ("(select sum(fare) from trips)", "has a `select`"),
        (" -- nothing", "is empty"),
    ],
)
def test_sql_of_ones_own_that_is_no_single_expression_is_one_line(
    tmp_path: Path, expression: str, said: str
) -> None:
    for path, field in (("metrics", "metrics.odd.sql"), ("value", "value.sql")):
        block = {**BLOCK, "metrics": {"odd": {"sql": expression}}}
        if path == "value":
            block = {**BLOCK, "value": {"sql": expression, "unit": "EUR"}}
        with pytest.raises(DriftmeterError, match=f"config.meta.monitor: {field}: ") as error:
            load(tmp_path, block)
        assert said in str(error.value)


@pytest.mark.parametrize(
    "expression",
    [
        "sum(case when note = 'paid; in cash' then fare end) -- a semicolon; in a text",
        'count(*) filter (where "select" > 0)',
        "max($$(;$$) /* ( ; */",
        "sum(fare) / nullif(count(*), 0)",
    ],
)
def test_texts_names_and_comments_may_hold_anything(tmp_path: Path, expression: str) -> None:
    monitor = load(tmp_path, {**BLOCK, "metrics": {"odd": {"sql": expression}}})
    assert monitor.expressions == (expression,)


def test_only_what_decides_a_metric_changes_what_is_measured_or_judged(tmp_path: Path) -> None:
    def hashes(**field: object) -> tuple[str, str]:
        metric = {"sql": "sum(fare)", **field}
        monitor = load(tmp_path, {**BLOCK, "metrics": {"income": metric}})
        return monitor.config_hash, monitor.policy_hash

    measured, judged = hashes()
    assert load(tmp_path, BLOCK).config_hash != measured
    assert hashes(unit="EUR") == (measured, judged)
    assert hashes(sql="avg(fare)")[0] != measured
    assert hashes(segments=True)[0] != measured
    assert hashes(worse="down")[0] == measured
    assert hashes(worse="down")[1] != judged
    assert hashes(least_change=3)[1] != judged


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": {"true_positive": 4, "unit": "EUR"}}, "of a regression needs `sql`"),
        ({"value": {"unit": "EUR"}}, "needs either `sql`, or what"),
        ({"target": None, "value": {"sql": "1", "unit": "EUR"}}, "needs a target"),
        ({"metrics": {"trip_distance": {"sql": "sum(1)"}}}, "is a column too"),
    ],
)
def test_a_value_or_a_metric_that_cannot_be_is_one_line(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(DriftmeterError, match=said):
        load(tmp_path, {**BLOCK, **changes})


@pytest.mark.parametrize(
    ("protected", "said"),
    [
        (["gender", "gender"], "`protected` names 'gender' twice"),
        ([BLOCK["prediction"]], f"`protected` names '{BLOCK['prediction']}', the prediction"),
        ([BLOCK["target"]], f"`protected` names '{BLOCK['target']}', the target"),
        (["gnder"], "protected.0: the model has no column 'gnder'"),
        ("gender", "protected"),
    ],
)
def test_a_protected_column_that_cannot_be_is_one_line(
    tmp_path: Path, protected: object, said: str
) -> None:
    with pytest.raises(DriftmeterError, match=said) as refused:
        load(tmp_path, {**BLOCK, "protected": protected})
    assert "\n" not in str(refused.value)


def test_protected_columns_are_measured_and_are_no_features(tmp_path: Path) -> None:
    plain = load(tmp_path, BLOCK)
    column = next(iter(BLOCK["features"]))
    monitor = load(tmp_path, {**BLOCK, "protected": [column]})
    assert monitor.config_hash != plain.config_hash
    assert monitor.policy_hash == plain.policy_hash
    assert monitor.columns == plain.columns
    # Its values are hashed with the others, so that a changed one makes its day stale.
    assert monitor.expressions == (f'"{column}"',)
