"""What is committed under `grafana/`, as Grafana reads it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from driftmeter.settings import PROJECT_ROOT

GRAFANA = PROJECT_ROOT / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))


def dashboard(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


# By the name that commands call them; their uids are ours alone in anybody's Grafana.
PREFIX = "driftmeter-"
DASHBOARDS = {file.stem.removeprefix(PREFIX): dashboard(file) for file in FILES}


def panels(uid: str) -> list[dict[str, Any]]:
    """Panels that show data."""
    return [panel for panel in DASHBOARDS[uid]["panels"] if panel["type"] != "row"]


PANELS = [(uid, panel) for uid in DASHBOARDS for panel in panels(uid)]
# Panels of what a monitor's YAML has in SQL of its own, and what they say of one that has none;
# tests/integration/test_own_metrics.py fills them.
OF_OWN_SQL = {
    "performance: What do your own metrics say?": "has no metric of its own",
    "performance: What are the predictions worth?": "does not say what its rows are worth",
    "performance: Did a metric of your own raise an alarm?": "has no metric of its own",
}
# Panels of a monitor of several classes; tests/integration/test_multiclass_chain.py fills them.
OF_CLASSES = dict.fromkeys(
    (
        "performance: How much of each class is found?",
        "performance: How well is each class predicted?",
        "performance: Which class is predicted for which?",
    ),
    "of monitors whose task is multiclass",
)
# Nor a protected column, whose panels tests/integration/test_groups.py asks.
OF_GROUPS = dict.fromkeys(
    (
        "performance: How far are groups apart?",
        "performance: Is every group selected at four fifths of the highest rate?",
        "performance: Which groups are less alike than they were?",
    ),
    "has no protected column",
)
# Panels that are of neither a regression nor of two classes, of no SQL of a team's own, of no
# protected column, or of what somebody has to ask; tests/integration/test_nothing_judged.py does.
OF_OTHERS = {
    **OF_OWN_SQL,
    **OF_CLASSES,
    **OF_GROUPS,
    "drift: What change would be found?": "Nobody has asked yet",
}
PANEL_IDS = [f"{uid}:{panel['title']}" for uid, panel in PANELS]


def provisioned(path: str) -> dict[str, Any]:
    return yaml.safe_load((GRAFANA / "provisioning" / path).read_text())


def rules() -> list[dict[str, Any]]:
    (group,) = provisioned("alerting/rules.yaml")["groups"]
    return group["rules"]


def variables() -> dict[str, dict[str, Any]]:
    """Variables whose values a query lists, of all dashboards by name."""
    return {
        variable["name"]: variable
        for board in DASHBOARDS.values()
        for variable in board["templating"]["list"]
        if variable["type"] == "query"
    }


def queries() -> Iterator[tuple[str, str]]:
    """Every query there is, with where it is from."""
    for uid, panel in PANELS:
        for target in panel["targets"]:
            yield f"{uid}: {panel['title']}", target["rawSql"]
    for uid, board in DASHBOARDS.items():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{uid}: variable {variable['name']}", variable["query"]
        for annotation in board["annotations"]["list"]:
            yield f"{uid}: annotation {annotation['name']}", annotation["target"]["rawSql"]
    for rule in rules():
        yield f"rule {rule['uid']}", rule["data"][0]["model"]["rawSql"]
