"""One dashboard: its variables, annotations, links and panels, laid out on Grafana's grid."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from driftmeter.dashboards.clauses import DAYS, EVERY_VERSION, IN_RANGE, MONITOR
from driftmeter.dashboards.panels import DATASOURCE, SOURCE_UID, UID_PREFIX, Json, target
from driftmeter.warehouse.schema import in_warehouse

# Days of `make demo`: what a dashboard shows when it is opened for the first time.
FIRST_SHOWN = "2019-04-01T00:00:00.000Z"
LAST_SHOWN = "2019-04-21T23:59:59.999Z"
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
        What commands call it.
    uses : sequence of str
        Variables that its panels read.
    """

    name: str
    title: str
    description: str
    uses: Sequence[str]
    panels: Sequence[Json]
    more_variables: Sequence[Json] = ()

    @property
    def uid(self) -> str:
        """Its address in Grafana, and the name of its file."""
        return UID_PREFIX + self.name

    def to_json(self, opening: Opening = DEMO) -> Json:
        """The classic JSON model that Grafana provisions from a file."""
        standing = {"monitor": chosen(opening.monitor), "column": chosen(opening.column)}
        of_demo = [{"display": "The demo's three weeks", "from": DEMO.first, "to": DEMO.last}]
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
            "annotations": {"list": [VERSIONS, INCIDENTS]},
            "templating": {
                "list": [
                    SOURCE,
                    *(
                        {
                            **variable,
                            "current": standing.get(variable["name"], variable["current"]),
                            "hide": 0 if variable["name"] in self.uses else 2,
                        }
                        for variable in VARIABLES
                    ),
                    *self.more_variables,
                ]
            },
            "panels": lay_out(self.panels),
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


def variable(
    name: str, label: str, description: str, sql: str, current: Json, **more: bool | str
) -> Json:
    """A variable whose values a query lists, asked again when the time range changes."""
    return {
        "name": name,
        "type": "query",
        "label": label,
        "description": description,
        "datasource": DATASOURCE,
        "query": in_warehouse(sql),
        "refresh": 2,
        "sort": 0,
        "regex": "",
        "multi": False,
        "includeAll": False,
        "options": [],
        "current": current,
        "hide": 0,
        **more,
    }


def chosen(value: str) -> Json:
    """A value that is selected from the start: an empty selection would break the SQL."""
    return {"selected": True, "text": value, "value": value}


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
VARIABLES = (
    variable(
        "monitor",
        "Monitor",
        "The monitor to show.",
        "select monitor from metrics.monitors order by monitor",
        chosen(MONITOR_SHOWN),
    ),
    variable(
        "model_version",
        "Model version",
        "Model versions to show. Several are drawn together.",
        f"select model_version from metrics.model_version_starts where {MONITOR}"
        " order by first_day desc",
        {"selected": True, "text": ["All"], "value": ["$__all"]},
        multi=True,
        includeAll=True,
        # Not the list of versions, which is empty before the first run: `in ()` is no SQL.
        allValue=EVERY_VERSION,
    ),
    variable(
        "segment",
        "Segment",
        "All rows, or the rows of one segment.",
        "select metrics.segment_label(segment, segment_value) as segment"
        f" from metrics.column_profile where {MONITOR} and metric = 'row_count' and {DAYS}"
        " group by segment, segment_value order by segment is not null, 1",
        chosen("all rows"),
    ),
    variable(
        "column",
        "Column",
        "The column to show.",
        f"select column_name from metrics.monitored_columns where {MONITOR} order by column_name",
        chosen(COLUMN_SHOWN),
    ),
)
VERSIONS: Json = {
    "name": "Model versions",
    "enable": True,
    "iconColor": "blue",
    "datasource": DATASOURCE,
    "target": target(
        'select metrics.chart_time(first_day) as "time",'
        " 'first day of ' || model_version as text, 'model version' as tags"
        " from metrics.model_version_starts"
        f" where {MONITOR} and first_day between $__timeFrom()::date and $__timeTo()::date"
        " order by 1",
        format="table",
        ref="Versions",
    ),
}
INCIDENTS: Json = {
    "name": "Incidents",
    "enable": True,
    "iconColor": "red",
    "datasource": DATASOURCE,
    "target": target(
        'select metrics.chart_time(opened_on) as "time",'
        " metrics.chart_time(coalesce(closed_on, $__timeTo()::date)) as timeend,"
        " diagnosis as text, concat_ws(',', kind, severity) as tags from metrics.incidents"
        f" where {MONITOR} and {IN_RANGE} order by 1, incident_id",
        format="table",
        ref="Incidents",
    ),
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
