"""A monitor's YAML with anything in it, by way of dbt's manifest."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from driftmeter.monitors.config import Column, Monitor
from driftmeter.monitors.declared_test import SUBJECTS, DeclaredTest
from driftmeter.monitors.manifest import load_monitors
from tests.fuzz.target import Target

NAMES = st.sampled_from(["fare", "minutes", "paid", "id", "version", "at", "zone"])
DAYS = st.sampled_from(["2019-01-01", "2019-03-31"]) | st.dates().map(str) | st.just("yesterday")
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.dates()
    | NAMES
    | st.just("a" * 10_000),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What belongs there, and now and then anything."""
    return st.integers(0, 59).flatmap(lambda number: ANYTHING if number == 42 else usual)


def block(fields: dict[str, st.SearchStrategy[Any]], optional: dict[str, Any]) -> Any:
    """A block of YAML, of which a field may be strange, missing or too much."""
    whole = st.fixed_dictionaries(
        {name: mostly(values) for name, values in fields.items()},
        optional={name: mostly(values) for name, values in optional.items()},
    )
    return st.tuples(whole, st.integers(0, 59), st.sampled_from([*fields, "strange"])).map(_spoilt)


def _spoilt(drawn: tuple[dict[str, Any], int, str]) -> dict[str, Any]:
    whole, number, name = drawn
    if number != 42:
        return whole
    return (
        {**whole, name: 1} if name == "strange" else {k: v for k, v in whole.items() if k != name}
    )


# Fields with numbers in them.
NUMERIC = {
    "features": {"__all__": {"range"}},
    "alarm_budget": True,
    "least_effect": True,
    "tests": True,
}
KINDS = st.sampled_from(["numerical", "categorical"])
NUMBERS = st.integers(1, 5) | st.floats(0, 1) | st.floats()
COLUMN = block(
    {"kind": KINDS},
    {
        "unit": st.text(max_size=5),
        "range": st.lists(NUMBERS, min_size=2, max_size=2),
        "accepted": st.lists(ANYTHING, max_size=3),
        "max_null_share": st.floats(0, 1),
    },
)
TEST = block(
    {"test": st.sampled_from(sorted(SUBJECTS))},
    {
        "column": NAMES,
        "at_least": NUMBERS,
        "at_most": NUMBERS,
        "between": st.lists(NUMBERS, min_size=2, max_size=2),
        "equals": NUMBERS,
        "quantile": st.floats(0, 1),
        "severity": st.sampled_from(["warn", "error"]),
    },
) | st.builds(
    lambda test, column, number: {"test": test, "column": column, "at_most": number},
    st.sampled_from(["missing_share", "drift", "mean", "max"]),
    NAMES,
    NUMBERS,
)
MONITOR = block(
    {
        "owner": st.text(max_size=9),
        "task": st.sampled_from(["regression", "classification"]),
        "timestamp": st.just("at"),
        "id": st.just("id"),
        "prediction": st.just("minutes"),
        "model_version": st.just("version"),
        "features": st.dictionaries(NAMES, COLUMN, min_size=1, max_size=3),
        "reference": block({"from": DAYS, "to": DAYS}, {}),
    },
    {
        "target": NAMES,
        "timezone": st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata", "Mars/Base"]),
        "segments": st.lists(NAMES, max_size=3),
        "protected": st.lists(NAMES, max_size=2),
        "label_delay_days": st.integers(-1, 40),
        "watch_days": st.integers(-1, 40),
        "min_rows": st.integers(-1, 40),
        "alarm_budget": block({"false_alarms_per_month": NUMBERS}, {}),
        "least_effect": block({"shift": NUMBERS, "share": NUMBERS}, {}),
        "retrain": block({"days": st.integers(0, 40)}, {"when": st.lists(st.text(max_size=5))}),
        "challengers": block({"model": st.sampled_from(["fares", "none"])}, {"id": NAMES}),
        "tests": st.lists(TEST, max_size=3),
        "default_tests": st.booleans(),
    },
)


def manifest(declared: object) -> dict[str, Any]:
    """What dbt makes of a model with the block: YAML as dbt reads it, and JSON as it writes it."""
    read = yaml.safe_load(yaml.safe_dump({"monitor": declared}, allow_unicode=True))
    columns = {name: {"name": name} for name in ("fare", "minutes", "paid", "id", "version", "at")}
    node = {
        "resource_type": "model",
        "name": "fares",
        "schema": "inference",
        "patch_path": "project://models/fares.yml",
        "original_file_path": "models/fares.sql",
        "config": {"meta": read},
        "columns": columns,
    }
    return {"metadata": {"project_name": "project"}, "nodes": {"model.project.fares": node}}


@contextlib.contextmanager
def opened() -> Iterator[Callable[[object], str]]:
    with tempfile.TemporaryDirectory(prefix="driftmeter-fuzz-") as directory:
        file = Path(directory) / "manifest.json"

        def attempt(declared: object) -> str:
            file.write_text(json.dumps(manifest(declared), default=str))
            (monitor,) = load_monitors(file).values()
            check(monitor)
            return "loaded"

        yield attempt


def check(monitor: Monitor) -> None:
    """What every step asks of a monitor."""
    assert isinstance(monitor, Monitor)
    assert len(monitor.config_hash) == len(monitor.policy_hash) == 16
    assert all(isinstance(column, Column) for column in monitor.columns.values())
    assert monitor.zone.key == monitor.timezone
    assert set(monitor.segment_columns) == set(monitor.segments)
    assert all(isinstance(test, DeclaredTest) and test.name for test in monitor.tests)
    # What is no number is compared with nothing, and is none in SQL.
    json.dumps(monitor.model_dump(include=NUMERIC), allow_nan=False)


TARGET = Target("monitors", MONITOR | ANYTHING, opened)
