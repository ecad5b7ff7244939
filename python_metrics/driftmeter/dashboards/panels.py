"""Panels of Grafana's classic dashboard JSON, with one function for each kind of panel.

Every panel needs a title that asks a question, a description that says how to read the answer, the
SQL and a unit. These arguments have no default.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from driftmeter.warehouse.schema import in_warehouse

Json = dict[str, Any]

# The variable that every dashboard begins with; uids are ours alone, in anybody's Grafana.
DATASOURCE: Json = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
UID_PREFIX = "driftmeter-"
SOURCE_UID = UID_PREFIX + "warehouse"
NO_DATA = "No data for this monitor in this time range. You can change both above."

GREEN, YELLOW, ORANGE, RED, PURPLE = "green", "yellow", "orange", "red", "purple"
BLUE, GREY = "blue", "text"
# Counts in full: 1,019 rows are no 1.02 K.
COUNT, SHARE, SECONDS, PLAIN = "locale", "percentunit", "s", "none"
DAY_MS = 86_400_000
LEGEND: Json = {
    "showLegend": True,
    "displayMode": "list",
    "placement": "bottom",
    "calcs": [],
}
SHOWN = {"legend": False, "tooltip": False, "viz": False}


def target(sql: str, *, format: str, ref: str = "A") -> Json:
    """One query; `format` is ``time_series`` or ``table``."""
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "rawSql": in_warehouse(sql.strip()),
        "rawQuery": True,
        "editorMode": "code",
        "format": format,
    }


def steps(*bounds: tuple[float | None, str]) -> Json:
    """Colours from their lower bounds up; the first bound is None."""
    return {
        "mode": "absolute",
        "steps": [{"value": value, "color": color} for value, color in bounds],
    }


CALM = steps((None, GREEN))


def words(shown: Mapping[str, str] = MappingProxyType({}), /, **colors: str) -> list[Json]:
    """Colours of words, and what is shown for a word where that is another."""
    options = {
        word: {"color": color, "text": shown.get(word, word), "index": index}
        for index, (word, color) in enumerate(colors.items())
    }
    return [{"type": "value", "options": options}]


def numbered_words(*pairs: tuple[str, str]) -> list[Json]:
    """Words and colours that stand for the numbers 1, 2, ..."""
    options = {
        str(number): {"color": color, "text": word, "index": number}
        for number, (word, color) in enumerate(pairs, start=1)
    }
    return [{"type": "value", "options": options}]


def override(name: str, **properties: Any) -> Json:
    """Settings of one field; ``custom__x`` stands for ``custom.x``."""
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [
            {"id": key.replace("__", "."), "value": value} for key, value in properties.items()
        ],
    }


def link(title: str, url: str) -> Json:
    """A data link, in the same window."""
    return {"title": title, "url": url, "targetBlank": False}


def panel_link(title: str, url: str) -> Json:
    """A link in a panel's heading."""
    return {
        "type": "link",
        "title": title,
        "url": url,
        "icon": "external link",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": False,
        "targetBlank": False,
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


def _panel(
    kind: str,
    title: str,
    description: str,
    targets: Sequence[Json],
    *,
    width: int,
    height: int,
    defaults: Json,
    options: Json,
    overrides: Sequence[Json] = (),
    links: Sequence[Json] = (),
    **more: Any,
) -> Json:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": width, "h": height},
        "targets": list(targets),
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
        "links": list(links),
        **more,
    }


def timeseries(
    title: str,
    description: str,
    sql: str,
    *,
    unit: str,
    width: int = 12,
    height: int = 8,
    bars: bool = False,
    stacked: bool = False,
    label: str | None = None,
    label_and_field: bool = False,
    overrides: Sequence[Json] = (),
    field_links: Sequence[Json] = (),
    thresholds: Json | None = None,
    no_data: str = NO_DATA,
    lowest: float | None = None,
    highest: float | None = None,
    links: Sequence[Json] = (),
) -> Json:
    """Values by day.

    `label` names the label that tells the series apart, alone or together with the column's name.
    """
    custom: Json = {
        "drawStyle": "bars" if bars else "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 70 if bars else 0,
        "barAlignment": 0,
        "gradientMode": "none",
        # A gap is a day that was not measured: no line may hide it, whether it is a row without a
        # value or no row.
        "spanNulls": False,
        "insertNulls": DAY_MS,
        "showPoints": "never" if bars else "always",
        "pointSize": 5,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if thresholds else "off"},
        "axisPlacement": "auto",
        "axisLabel": "",
        "scaleDistribution": {"type": "linear"},
        "hideFrom": SHOWN,
    }
    defaults: Json = {
        "unit": unit,
        "color": {"mode": "palette-classic"},
        "custom": custom,
        "thresholds": thresholds or CALM,
        "noValue": no_data,
        "links": list(field_links),
        "mappings": [],
    }
    if label:
        field = ": ${__field.name}" if label_and_field else ""
        defaults["displayName"] = f"${{__field.labels.{label}}}{field}"
    if lowest is not None:
        defaults["min"] = lowest
    if highest is not None:
        defaults["max"] = highest
    elif unit == SHARE:
        # A few rows in a thousand must not fill the panel.
        custom["axisSoftMax"] = 0.05
    return _panel(
        "timeseries",
        title,
        description,
        [target(sql, format="time_series")],
        width=width,
        height=height,
        defaults=defaults,
        overrides=overrides,
        links=links,
        options={
            "legend": LEGEND,
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        interval="1d",
    )


def stat(
    title: str,
    description: str,
    sql: str,
    *,
    unit: str,
    width: int = 3,
    height: int = 4,
    trend: bool = False,
    field: str = "",
    thresholds: Json = CALM,
    mappings: Sequence[Json] = (),
    no_data: str = "none",
    decimals: int | None = None,
    url: str | None = None,
    text: str = "auto",
    overrides: Sequence[Json] = (),
) -> Json:
    """One number or word: of a trend its newest day, over a line of the days before."""
    defaults: Json = {
        "unit": unit,
        "color": {"mode": "thresholds"},
        "thresholds": thresholds,
        "mappings": list(mappings),
        "noValue": no_data,
        "links": [link("Look closer", url)] if url else [],
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    return _panel(
        "stat",
        title,
        description,
        [target(sql, format="time_series" if trend else "table")],
        width=width,
        height=height,
        defaults=defaults,
        overrides=overrides,
        options={
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": field, "values": False},
            "colorMode": "background_solid" if mappings else "value",
            "graphMode": "area" if trend else "none",
            "justifyMode": "auto",
            "textMode": text,
            "wideLayout": True,
            "showPercentChange": False,
            "percentChangeColorMode": "standard",
            "orientation": "auto",
        },
        interval="1d",
    )


def table(
    title: str,
    description: str,
    sql: str,
    *,
    width: int = 24,
    height: int = 8,
    overrides: Sequence[Json] = (),
    no_data: str = NO_DATA,
    links: Sequence[Json] = (),
) -> Json:
    """Rows as the query orders them."""
    return _panel(
        "table",
        title,
        description,
        [target(sql, format="table")],
        width=width,
        height=height,
        defaults={
            "unit": PLAIN,
            "color": {"mode": "thresholds"},
            "thresholds": CALM,
            "custom": {
                "align": "auto",
                "cellOptions": {"type": "auto"},
                "filterable": True,
                "inspect": False,
            },
            "mappings": [],
            "noValue": no_data,
        },
        overrides=overrides,
        links=links,
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "frameIndex": 0,
        },
    )


def status_history(
    title: str,
    description: str,
    sql: str,
    *,
    unit: str,
    thresholds: Json = CALM,
    height: int = 12,
    **more: Any,
) -> Json:
    """A coloured cell a day and series: the eye finds since when."""
    return _by_day(
        "status-history",
        title,
        description,
        sql,
        defaults={"unit": unit, "decimals": 2, "thresholds": thresholds},
        options={"rowHeight": 0.9, "colWidth": 0.9, "showValue": "never"},
        height=height,
        **more,
    )


def state_timeline(title: str, description: str, sql: str, *, height: int = 6, **more: Any) -> Json:
    """A bar for as long as a state lasts; states are numbers with words."""
    return _by_day(
        "state-timeline",
        title,
        description,
        sql,
        defaults={"unit": PLAIN, "thresholds": CALM},
        options={
            "rowHeight": 0.8,
            "alignValue": "left",
            "mergeValues": True,
            "showValue": "auto",
        },
        height=height,
        **more,
    )


def _by_day(
    kind: str,
    title: str,
    description: str,
    sql: str,
    *,
    defaults: Json,
    options: Json,
    label: str,
    height: int,
    width: int = 24,
    mappings: Sequence[Json] = (),
    field_links: Sequence[Json] = (),
    no_data: str = NO_DATA,
) -> Json:
    """A line of days for each value of a label."""
    return _panel(
        kind,
        title,
        description,
        [target(sql, format="time_series")],
        width=width,
        height=height,
        defaults={
            **defaults,
            "color": {"mode": "thresholds"},
            "mappings": list(mappings),
            "displayName": f"${{__field.labels.{label}}}",
            "custom": {"fillOpacity": 80, "lineWidth": 0, "hideFrom": SHOWN},
            "noValue": no_data,
            "links": list(field_links),
        },
        options={**options, "legend": LEGEND, "tooltip": {"mode": "single", "sort": "none"}},
        interval="1d",
    )


def bar_chart(
    title: str,
    description: str,
    sql: str,
    *,
    x: str,
    unit: str,
    width: int = 12,
    height: int = 8,
    horizontal: bool = False,
    overrides: Sequence[Json] = (),
    no_data: str = NO_DATA,
) -> Json:
    """Bars over categories, in the query's order."""
    return _panel(
        "barchart",
        title,
        description,
        [target(sql, format="table")],
        width=width,
        height=height,
        defaults={
            "unit": unit,
            "color": {"mode": "palette-classic"},
            "thresholds": CALM,
            "mappings": [],
            "noValue": no_data,
            "custom": {
                "fillOpacity": 70,
                "lineWidth": 1,
                "gradientMode": "none",
                "axisPlacement": "auto",
                "axisLabel": "",
                "scaleDistribution": {"type": "linear"},
                "thresholdsStyle": {"mode": "off"},
                "hideFrom": SHOWN,
            },
        },
        overrides=overrides,
        options={
            "xField": x,
            "orientation": "horizontal" if horizontal else "vertical",
            "xTickLabelRotation": -45,
            "xTickLabelMaxLength": 16,
            "xTickLabelSpacing": 0,
            "showValue": "never",
            "stacking": "none",
            "groupWidth": 0.8,
            "barWidth": 0.95,
            "barRadius": 0,
            "fullHighlight": False,
            "legend": LEGEND,
            "tooltip": {"mode": "multi", "sort": "none"},
        },
    )


def row(title: str) -> Json:
    """A heading over the panels that follow."""
    return {
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"w": 24, "h": 1},
        "panels": [],
    }
