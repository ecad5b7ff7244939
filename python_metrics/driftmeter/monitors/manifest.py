"""Reads the monitors out of dbt's manifest and checks them against their models."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import AlarmBudget, Column, Monitor, ReferenceDays
from driftmeter.monitors.declared_sql import CustomMetric, RowValue
from driftmeter.monitors.known_events import DeclaredChange, KnownEvent


def load_monitors(manifest: Path) -> dict[str, Monitor]:
    """Every declared monitor by name, in order of name.

    Parameters
    ----------
    manifest : Path
        dbt's ``manifest.json``.

    Raises
    ------
    DriftmeterError
        If a monitor's YAML is wrong: names the file, the field and the fix. If there is no
        manifest.
    """
    try:
        content = json.loads(manifest.read_text())
        nodes: Mapping[str, Any] = content["nodes"]
    except (OSError, ValueError, KeyError) as error:
        raise DriftmeterError(
            "is not a manifest of dbt", where=str(manifest), fix="run `dbt parse` in dbt_project"
        ) from error
    declared = [
        node
        for node in nodes.values()
        if node["resource_type"] == "model" and "monitor" in (node["config"].get("meta") or {})
    ]
    models = {node["name"]: node for node in nodes.values() if node["resource_type"] == "model"}
    names = {str(node["name"]) for node in declared}
    return {
        node["name"]: _monitor(node, models, names).model_copy(
            update={"project": _project(content)}
        )
        for node in sorted(declared, key=lambda n: str(n["name"]))
    }


def project_name(manifest: Path) -> str:
    """Name of the dbt project whose manifest this is."""
    return _project(json.loads(manifest.read_text()))


def quality_schema(manifest: Path) -> str | None:
    """Schema in which dbt has the quality models; None where the project has none."""
    nodes = json.loads(manifest.read_text())["nodes"].values()
    schemas = (
        str(node["schema"])
        for node in nodes
        if node["resource_type"] == "model" and node["name"] == "column_summary"
    )
    return next(schemas, None)


def _project(content: Mapping[str, Any]) -> str:
    return str((content.get("metadata") or {}).get("project_name") or "")


def _monitor(
    node: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]], names: Collection[str]
) -> Monitor:
    where = str(node.get("patch_path") or node["original_file_path"]).split("://")[-1]
    place = f"{where}, {node['name']}.config.meta.monitor"
    block = node["config"]["meta"]["monitor"]
    if not isinstance(block, dict):
        raise DriftmeterError(
            "is not a block of keys",
            where=place,
            fix="write its fields below it",
        )
    for given in sorted({"name", "schema_name", "project"} & set(block)):
        raise DriftmeterError(
            f"{given}: comes from dbt", where=place, fix="remove it; the model has it"
        )
    block = {**block, **_challengers(block, models, place)}
    try:
        monitor = Monitor(**{**block, "name": node["name"], "schema_name": node["schema"]})
    except ValidationError as error:
        first = error.errors()[0]
        field = "".join(f"{part}: " for part in [".".join(map(str, first["loc"]))] if part)
        raise DriftmeterError(
            f"{field}{first['msg'].removeprefix('Value error, ')}",
            where=place,
            fix=_fix(first),
        ) from error
    if monitor.was in names:
        raise DriftmeterError(
            f"was: {monitor.was} is declared too, and keeps its own history",
            where=place,
            fix="name a monitor that is declared no longer, or remove `was`",
        )
    _check_columns(monitor, node, place)
    return monitor


def _challengers(
    block: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]], place: str
) -> dict[str, Any]:
    """The block's challengers with the table that dbt makes of their model."""
    declared = block.get("challengers")
    if not isinstance(declared, dict) or "model" not in declared:
        return {}
    model = models.get(str(declared["model"]))
    if model is None:
        raise DriftmeterError(
            f"challengers.model: there is no model {declared['model']!r}",
            where=place,
            fix="name a dbt model of this project",
        )
    table = model.get("alias") or model["name"]
    return {"challengers": {**declared, "schema_name": model["schema"], "table": table}}


def _fix(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return f"remove it; the fields are {', '.join(_fields(error['loc']))}"
    if error["type"] == "missing":
        return "add this field"
    if error["type"].startswith("date"):
        return f"write a date as YYYY-MM-DD, not {error['input']!r}"
    if error["type"] == "value_error":
        return "correct that"
    return f"correct {error['input']!r}"


def _fields(place: tuple[int | str, ...]) -> list[str]:
    """Fields of the block that an unknown key stands in."""
    inner: dict[object, type[BaseModel]] = {
        "features": Column,
        "reference": ReferenceDays,
        "alarm_budget": AlarmBudget,
        "metrics": CustomMetric,
        "value": RowValue,
        "expected": KnownEvent,
        "changes": DeclaredChange,
    }
    block = inner.get(place[0], Monitor) if len(place) > 1 else Monitor
    named = {field.alias or name for name, field in block.model_fields.items()}
    return sorted(named - {"name", "schema_name", "project", "of", "measure"})


def _probabilities(monitor: Monitor) -> dict[str, str]:
    """Columns of probabilities, by the field that names each."""
    if isinstance(monitor.probabilities, dict):
        return {f"probabilities.{name}": column for name, column in monitor.probabilities.items()}
    return {"probabilities": monitor.probabilities} if monitor.probabilities else {}


def _check_columns(monitor: Monitor, node: Mapping[str, Any], place: str) -> None:
    """A column that the YAML names must be one the model documents: found before a run."""
    known = set(node["columns"])
    if not known:
        raise DriftmeterError(
            "the model documents no columns", where=place, fix="list its columns in the same file"
        )
    named = {
        "timestamp": monitor.timestamp,
        "id": monitor.id,
        "prediction": monitor.prediction,
        "target": monitor.target,
        "model_version": monitor.model_version,
        **_probabilities(monitor),
        **{f"features.{name}": name for name in monitor.declared_features},
        **{f"segments.{number}": name for number, name in enumerate(monitor.segments)},
        **{f"protected.{number}": name for number, name in enumerate(monitor.protected)},
        **{
            f"attributions of {monitor.attributed(name)}": name
            for name in monitor.metrics
            if monitor.attributed(name)
        },
    }
    for field, name in named.items():
        if name is not None and name not in known:
            raise DriftmeterError(
                f"{field}: the model has no column {name!r}",
                where=place,
                fix=f"use one of {', '.join(sorted(known))}",
            )
