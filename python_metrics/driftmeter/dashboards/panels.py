"""Panels of Grafana's classic dashboard JSON, made from what the YAML of a dashboard declares.

``kinds.yaml`` holds each kind of panel as Grafana has it, ``shared.yaml`` the clauses of SQL and
the colours of words that several panels use.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from driftmeter.incidents.next_step import NEXT_STEP
from driftmeter.warehouse.schema import in_warehouse

Json = dict[str, Any]


def read_yaml(name: str) -> Any:
    """A YAML file of this room."""
    return yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text())


KINDS: Json = read_yaml("kinds")
SHARED: Json = read_yaml("shared")
CLAUSES: dict[str, str] = {**SHARED["clauses"], "next_step": NEXT_STEP}

# The variable that every dashboard begins with; uids are ours alone, in anybody's Grafana.
DATASOURCE: Json = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
UID_PREFIX = "driftmeter-"
SOURCE_UID = UID_PREFIX + "warehouse"
NO_DATA = "No data for this monitor in this time range. You can change both above."

# The column after the time.
LABEL = re.compile(r"\{time\},\s+(?:(\w+),|.*?\bas\s+(\"?\w+\"?),)", re.DOTALL)
ORDER = re.compile(r"\s+order by ([\w, ]+)$")
# Grafana's names of units. A count is shown in full: 1,019 rows are no 1.02 K.
UNITS = {"count": "locale", "share": "percentunit", "seconds": "s", "plain": "none"}
# What a field may set that Grafana keeps under `custom`.
CUSTOM = {"width", "hideFrom", "lineWidth", "lineStyle", "showPoints", "fillBelowTo", "fillOpacity"}
CELLS: dict[str, Json] = {
    "text": {"type": "color-text"},
    "background": {"type": "color-background", "mode": "basic"},
}


@dataclass(frozen=True)
class Panel:
    """A panel as a dashboard's YAML declares it, under its kind and its title.

    Attributes
    ----------
    title : str
        The question that the panel answers.
    description : str
        How to read the answer.
    sql : str
        The query; ``{monitor}`` stands for the clause of that name.
    metric : str
        What ``{metric}`` stands for in a query that several panels share.
    unit : str, optional
        A name of `UNITS`; tables have a unit by field.
    looks : sequence of str
        What the kind's ``looks`` add.
    label : str, optional
        How a series is called: the name of a label, or Grafana's own form of it.
    lowest, highest : float, optional
        Ends of the axis.
    thresholds : mapping, optional
        Colours from a value on; below the first it is green.
    words, numbers : mapping or str
        Colours of words, or of numbers that stand for words; a string names those of ``shared``.
    fields : mapping
        What single fields of the answer set for themselves.
    field_links, links : sequence of mapping
        Links of a value, and of the panel's heading.
    x : str, optional
        The column of a bar chart's categories.
    every_monitor : bool
        Whether it shows all monitors together, whose batches may be of any length.
    """

    kind: str
    title: str
    description: str
    sql: str
    metric: str = ""
    unit: str | None = None
    width: int | None = None
    height: int | None = None
    looks: Sequence[str] = ()
    label: str | None = None
    lowest: float | None = None
    highest: float | None = None
    decimals: int | None = None
    thresholds: Mapping[float, str] = field(default_factory=dict)
    words: Mapping[str, Any] | str = field(default_factory=dict)
    numbers: Mapping[str, str] | str = field(default_factory=dict)
    fields: Mapping[str, Json] = field(default_factory=dict)
    field_links: Sequence[Json] = ()
    links: Sequence[Json] = ()
    no_data: str | None = None
    x: str | None = None
    every_monitor: bool = False

    def to_json(self, clauses: Mapping[str, str]) -> Json:
        """The panel as Grafana reads it, without its place on the grid."""
        kind = KINDS[self.kind]
        panel: Json = copy.deepcopy(kind["panel"])
        looks = [*self.looks, *(["threshold line"] if self._draws_thresholds else [])]
        for look in looks:
            lay_over(panel, kind["looks"][look])
        is_series = kind["format"] == "time_series" or "trend" in looks
        form = "time_series" if is_series else "table"
        sql = self.sql
        if self._has_gaps(panel):
            sql = with_gaps(sql)
            del panel["fieldConfig"]["defaults"]["custom"]["insertNulls"]
        lay_over(
            panel,
            {
                "title": self.title,
                "description": self.description,
                "datasource": DATASOURCE,
                "targets": [target(sql, format=form, clauses={**clauses, "metric": self.metric})],
                "fieldConfig": {"defaults": self._defaults(kind)},
                "links": [panel_link(link) for link in self.links],
            },
        )
        panel["fieldConfig"]["overrides"] = [
            override(name, settings) for name, settings in self.fields.items()
        ]
        panel["gridPos"] = {
            "w": self.width or panel["gridPos"]["w"],
            "h": self.height or panel["gridPos"]["h"],
        }
        if self.x:
            panel["options"]["xField"] = self.x
        return panel

    def _has_gaps(self, panel: Json) -> bool:
        """Whether it draws lines of one monitor's batches, which its cadence interrupts."""
        custom = panel["fieldConfig"]["defaults"].get("custom", {})
        is_line = self.kind == "timeseries" and custom["drawStyle"] == "line"
        return is_line and self.sql.startswith("select {time}") and not self.every_monitor

    @property
    def _draws_thresholds(self) -> bool:
        return self.kind == "timeseries" and bool(self.thresholds)

    def _defaults(self, kind: Json) -> Json:
        """What holds for every field of the answer."""
        defaults = settings_of_field(
            {
                "unit": self.unit,
                "min": self.lowest,
                "max": self.highest,
                "decimals": self.decimals,
                "words": self.words,
                "numbers": self.numbers,
            }
        )
        defaults["thresholds"] = steps(self.thresholds)
        defaults["noValue"] = self.no_data or kind.get("no_data", NO_DATA)
        if self.field_links:
            defaults["links"] = [data_link(link) for link in self.field_links]
        if self.label:
            is_name = self.label.isidentifier()
            defaults["displayName"] = f"${{__field.labels.{self.label}}}" if is_name else self.label
        if self.kind == "timeseries" and self.unit == "share" and self.highest is None:
            # A few rows in a thousand must not fill the panel.
            defaults["custom"] = {"axisSoftMax": 0.05}
        return defaults


def panel_of(declared: Json, clauses: Mapping[str, str]) -> Json:
    """A panel, or a heading over those that follow, from an entry of a dashboard's YAML."""
    kind, title = next(iter(declared.items()))
    if kind == "row":
        place = {"w": 24, "h": 1}
        return {"type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
    rest = {name: value for name, value in declared.items() if name != kind}
    return Panel(kind, title, **rest).to_json(clauses)


def lay_over(base: Json, change: Json) -> None:
    """Put one tree of settings over another, which it changes."""
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(base.get(name), dict):
            lay_over(base[name], value)
        else:
            base[name] = value


def completed(sql: str, clauses: Mapping[str, str] = MappingProxyType({})) -> str:
    """A query with every dashboard's clauses put in and its own, over this warehouse's schema."""
    own = {name: clause.format(**CLAUSES) for name, clause in clauses.items()}
    return in_warehouse(sql.strip().format(**CLAUSES, **own))


def with_gaps(sql: str) -> str:
    """A query of lines, with a row without values where the next batch is missing.

    Grafana breaks a line at such a row. Its own rule for rows that are missing knows one length of
    a gap for all monitors. A query of labelled series has its label second, and orders by it.
    """
    rows, ordered = sql.strip(), ORDER.search(sql.strip())
    if ordered is None:
        raise ValueError(f"lines must be in the order of time: {sql}")
    order, keys, of_gap = ordered[1], '"time"', ""
    if order != "1" and (label := LABEL.match(rows, len("select "))):
        name = label[1] or label[2]
        keys, of_gap = f'"time", {name}', f", min({name}) as {name}"
    rows = rows[: ordered.start()]
    return (
        f"with shown as ({rows})\n"
        "select * from shown full join (select metrics.gap_after('$monitor', \"time\","
        ' lead("time") over (order by "time")) as "time"'
        f'{of_gap}\n    from shown group by "time") as gaps using ({keys})'
        f' where "time" is not null order by {order}'
    )


def target(
    sql: str,
    *,
    format: str,
    ref: str = "A",
    clauses: Mapping[str, str] = MappingProxyType({}),
) -> Json:
    """One query; `format` is ``time_series`` or ``table``."""
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "rawSql": completed(sql, clauses),
        "rawQuery": True,
        "editorMode": "code",
        "format": format,
    }


def settings_of_field(declared: Json) -> Json:
    """Settings of a field in Grafana's words; what is None or empty is left out."""
    settings: Json = {}
    for name, value in declared.items():
        if value is None or value in ({}, ""):
            continue
        if name == "unit":
            settings["unit"] = UNITS.get(value, value)
        elif name == "color":
            settings["color"] = {"mode": "fixed", "fixedColor": value}
        elif name == "thresholds":
            settings["thresholds"] = steps(value)
        elif name in ("words", "numbers"):
            settings["mappings"] = mappings(name, value)
        elif name == "cell":
            settings["custom.cellOptions"] = CELLS[value]
        elif name == "links":
            settings["links"] = [data_link(link) for link in value]
        else:
            settings[f"custom.{name}" if name in CUSTOM else name] = value
    return settings


def override(name: str, declared: Json) -> Json:
    """What one field of the answer has of its own."""
    settings = settings_of_field(declared)
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in settings.items()],
    }


def steps(thresholds: Mapping[float, str]) -> Json:
    """Colours from their lower bounds up; below the first it is green."""
    bounds = [(None, "green"), *thresholds.items()]
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": color} for value, color in bounds],
    }


def mappings(what: str, declared: Mapping[str, Any] | str) -> list[Json]:
    """Colours of words, or of the numbers from 1 on that stand for words."""
    given = SHARED[what][declared] if isinstance(declared, str) else declared
    options: Json = {}
    for index, (word, shown) in enumerate(given.items(), start=what == "numbers"):
        color, text = shown if isinstance(shown, list) else (shown, word)
        key = str(index) if what == "numbers" else word
        options[key] = {"color": color, "text": text, "index": index}
    return [{"type": "value", "options": options}]


def data_link(declared: Json) -> Json:
    """A link of a value, opened in the same window; ``to`` names a dashboard of ours."""
    given = dict(declared)
    title = given.pop("title")
    url = to_dashboard(given.pop("to"), **given) if "to" in given else given["url"]
    return {"title": title, "url": url, "targetBlank": False}


def panel_link(declared: Json) -> Json:
    """A link in a panel's heading."""
    return {
        "type": "link",
        **data_link(declared),
        "icon": "external link",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
    }


def to_dashboard(uid: str, **variables: str) -> str:
    """Address of a dashboard that keeps the time range and every variable not given here."""
    kept = [
        f"${{{name}:queryparam}}"
        for name in ("monitor", "model_version", "segment", "column")
        if name not in variables
    ]
    given = [f"var-{name}={value}" for name, value in variables.items()]
    return f"/d/{UID_PREFIX}{uid}?" + "&".join([*given, *kept, "${__url_time_range}"])
