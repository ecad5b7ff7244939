"""Days that the example's models are trained on."""

import datetime as dt
import json

from dagster_driftmeter.dbt.project_manifest import manifest_path
from dagster_taxi import source_choice
from driftmeter.monitors.config import Days
from taxi.models.baseline_models import MODELS


def trained_days(monitor: str) -> Days:
    """Days that a monitor's baseline model is trained on: declared, or of downloaded months."""
    if own := source_choice.chosen().own_days:
        return own.trained
    nodes = json.loads(manifest_path().read_text())["nodes"].values()
    node = next(node for node in nodes if node["name"] == monitor)
    return Days(**node["config"]["meta"]["baseline_model"]["trained"])


def first_trained_day() -> dt.date:
    """The first day that any baseline model is trained on."""
    return min(trained_days(name).from_date for name in MODELS)
