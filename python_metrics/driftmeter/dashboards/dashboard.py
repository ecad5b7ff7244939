"""One dashboard: its variables, annotations, links and panels, laid out on Grafana's grid.

Each is a YAML file beside this one, with a panel an entry: `overview.yaml` and its neighbours.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from driftmeter.dashboards.panels import (
    DATASOURCE,
    SHARED,
    SOURCE_UID,
    UID_PREFIX,
    Json,
    completed,
    panel_of,
    read_yaml,
    target,
)

# Days of `make demo`: what a dashboard shows when it is opened for the first time.
FIRST_SHOWN = "2019-04-01T00:00:00.000Z"
LAST_SHOWN = "2019-04-30T23:59:59.999Z"
MONITOR_SHOWN = "trip_duration"
COLUMN_SHOWN = "fare_usd"


@dataclass(frozen=True)
class Opening:
    """What a dashboard shows when somebody opens it.

    Attributes
    ----------
    first, last : str
        Time range as Grafana writes it: an instant, or ``now-30d`` and ``now``.
    monitor, column : str
        What the variables stand at.
    """

    first: str
    last: str
    monitor: str
    column: str


DEMO = Opening(FIRST_SHOWN, LAST_SHOWN, MONITOR_SHOWN, COLUMN_SHOWN)
GRID = 24
TAG = "driftmeter"
# schemaVersion of Grafana 13's classic dashboards; older ones are migrated when they are loaded.
SCHEMA_VERSION = 42


@dataclass(frozen=True)
class Dashboard:
    """A dashboard; the variables that it does not use are hidden, and kept for its links.

    Attributes
    ----------
    name : str
        What commands call it, and the name of its YAML file.
    uses : sequence of str
        Variables that its panels read.
    panels : sequence of mapping
        Its panels as declared, from left to right and from top to bottom.
    variables : sequence of str
        Variables that only this dashboard has.
    clauses : mapping
        Clauses of SQL that several of its panels share.
    """

    name: str
    title: str
    description: str
    uses: Sequence[str]
    panels: Sequence[Json]
    variables: Sequence[str] = ()
    clauses: Mapping[str, str] = field(default_factory=dict)

    @property
    def uid(self) -> str:
        """Its address in Grafana, and the name of its file."""
        return UID_PREFIX + self.name

    def to_json(self, opening: Opening = DEMO) -> Json:
        """The classic JSON model that Grafana provisions from a file."""
        standing = {"monitor": chosen(opening.monitor), "column": chosen(opening.column)}
        of_demo = [{"display": "The demo's April", "from": DEMO.first, "to": DEMO.last}]
        ranges = [*(of_demo if opening.monitor == DEMO.monitor else []), *QUICK_RANGES]
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": False,
            # One crosshair over every panel: what moved on the same day?
            "graphTooltip": 1,
            "timezone": "utc",
            "weekStart": "monday",
            "fiscalYearStartMonth": 0,
            "time": {"from": opening.first, "to": opening.last},
            "timepicker": {"quick_ranges": ranges},
            "refresh": "1m",
            "links": [LINK],
            "annotations": {"list": [annotation(each) for each in SHARED["annotations"]]},
            "templating": {
                "list": [
                    SOURCE,
                    *(
                        {
                            **variable(name),
                            **({"current": standing[name]} if name in standing else {}),
                            "hide": 0 if name in self.uses else 2,
                        }
                        for name in ("monitor", "model_version", "segment", "column")
                    ),
                    *(DAGSTER if name == "dagster" else variable(name) for name in self.variables),
                ]
            },
            "panels": lay_out([panel_of(each, self.clauses) for each in self.panels]),
        }

    def to_text(self, opening: Opening = DEMO) -> str:
        """The JSON as it is kept in git."""
        return json.dumps(self.to_json(opening), indent=2) + "\n"


def lay_out(panels: Sequence[Json]) -> list[Json]:
    """Number the panels and place them from left to right; a full line starts the next."""
    placed: list[Json] = []
    x = y = line_height = 0
    for number, panel in enumerate(panels, start=1):
        width, height = panel["gridPos"]["w"], panel["gridPos"]["h"]
        if x + width > GRID:
            x, y, line_height = 0, y + line_height, 0
        grid = {"x": x, "y": y, "w": width, "h": height}
        placed.append({"id": number, **panel, "gridPos": grid})
        x, line_height = x + width, max(line_height, height)
    return placed


def variable(name: str) -> Json:
    """A variable whose values a query lists, asked again when the time range changes."""
    declared = dict(SHARED["variables"][name])
    every = {"selected": True, "text": ["All"], "value": ["$__all"]}
    made = {
        "name": name,
        "type": "query",
        "datasource": DATASOURCE,
        "query": completed(declared.pop("sql")),
        "refresh": 2,
        "sort": 0,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "options": [],
        "current": chosen(declared.pop("value")) if "value" in declared else every,
        "hide": 0,
    }
    return {**made, **declared}


def annotation(declared: Json) -> Json:
    """What is marked in every chart, such as the first day of a version."""
    return {
        "name": declared["name"],
        "enable": True,
        "iconColor": declared["iconColor"],
        "datasource": DATASOURCE,
        "target": target(declared["sql"], format="table", ref=declared["ref"]),
    }


def chosen(value: str) -> Json:
    """A value that is selected from the start: an empty selection would break the SQL."""
    return {"selected": True, "text": value, "value": value}


def read_dashboard(name: str) -> Dashboard:
    """The dashboard of a YAML file in this folder."""
    return Dashboard(name=name, **read_yaml(name))


SOURCE: Json = {
    "name": "datasource",
    "type": "datasource",
    "label": "Data source",
    "description": "The warehouse. Dashboards read only its metrics schema.",
    "query": DATASOURCE["type"],
    "refresh": 1,
    "regex": "",
    "multi": False,
    "includeAll": False,
    "options": [],
    "current": {"selected": True, "text": "Driftmeter warehouse", "value": SOURCE_UID},
    "hide": 0,
}
DAGSTER: Json = {
    "name": "dagster",
    "type": "textbox",
    "label": "Dagster",
    "description": "Address of Dagster's UI, used by links to a day.",
    "query": "http://127.0.0.1:3001",
    "options": [],
    "current": {
        "selected": True,
        "text": "http://127.0.0.1:3001",
        "value": "http://127.0.0.1:3001",
    },
    "hide": 0,
}
LINK: Json = {
    "type": "dashboards",
    "title": "Driftmeter",
    "tags": [TAG],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
    "targetBlank": False,
    "icon": "external link",
    "tooltip": "",
    "url": "",
}
QUICK_RANGES = [
    {"display": "Last 30 days", "from": "now-30d", "to": "now"},
    {"display": "Last 90 days", "from": "now-90d", "to": "now"},
    {"display": "Last year", "from": "now-1y", "to": "now"},
]
