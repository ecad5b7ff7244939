"""Units, colours and words of a panel's fields, as Grafana would show them."""

import html
import math
from collections.abc import Mapping, Sequence

from driftmeter.dashboards.panels import Json

COLORS = {
    "green": "#56a64b",
    "yellow": "#e0b400",
    "orange": "#f2802a",
    "red": "#e02f44",
    "blue": "#3274d9",
    "purple": "#8f5bd6",
    "text": "#6e7a89",
    "transparent": "rgba(0,0,0,0)",
}


def settings_of(panel: Json, field: str) -> Json:
    """A field's settings: the panel's defaults, and the overrides that name the field."""
    settings: Json = dict(panel["fieldConfig"]["defaults"])
    settings["custom"] = dict(settings.get("custom", {}))
    for entry in panel["fieldConfig"]["overrides"]:
        if entry["matcher"]["options"] == field:
            for item in entry["properties"]:
                where, _, key = item["id"].rpartition(".")
                (settings["custom"] if where == "custom" else settings)[key] = item["value"]
    return settings


def is_missing(value: object) -> bool:
    """Whether a cell holds nothing."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def shown(value: object, settings: Json) -> str:
    """A value with its unit, or its word, ready for HTML."""
    if is_missing(value):
        return ""
    mapped = mapping_of(value, settings)
    if mapped is not None:
        return html.escape(str(mapped["text"]))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return html.escape(str(value))
    number, decimals, unit = float(value), settings.get("decimals"), settings.get("unit")
    if unit == "percentunit":
        return f"{number:.{1 if decimals is None else decimals}%}"
    suffix = " s" if unit == "s" else ""
    if decimals is not None:
        return f"{number:,.{decimals}f}{suffix}"
    return (f"{number:,.0f}" if number == int(number) else f"{number:,.3g}") + suffix


def mapping_of(value: object, settings: Json) -> Json | None:
    """The word and colour that stand for a value."""
    key = str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
    for mapping in settings.get("mappings", []):
        if key in mapping["options"]:
            option: Json = mapping["options"][key]
            return option
    return None


def meaning_of(value: object, settings: Json) -> str:
    """What a value's colour stands for: its word, or between which thresholds it lies."""
    mapped = mapping_of(value, settings)
    if mapped is not None:
        return str(mapped["text"])
    bounds = [float(step["value"]) for step in settings["thresholds"]["steps"][1:]]
    below = [bound for bound in bounds if float(str(value)) >= bound]
    above = [bound for bound in bounds if float(str(value)) < bound]
    if not below:
        return f"below {above[0]:g}" if above else "measured"
    return f"{below[-1]:g} to {above[0]:g}" if above else f"{below[-1]:g} and above"


def color_of(value: object, settings: Json) -> str:
    """The colour of a value: of its word, or of the threshold it has reached."""
    if fixed := settings["color"].get("fixedColor"):
        return COLORS[str(fixed)]
    mapped = mapping_of(value, settings)
    if mapped is not None:
        return COLORS[str(mapped["color"])]
    steps: Sequence[Mapping[str, object]] = settings["thresholds"]["steps"]
    color = str(steps[0]["color"])
    if isinstance(value, int | float) and not is_missing(value):
        for step in steps[1:]:
            if value >= float(str(step["value"])):
                color = str(step["color"])
    return COLORS[color]
