"""HTML of Grafana's stat and table panels."""

import html
import re
from pathlib import Path

import pandas as pd

from driftmeter.dashboards.panels import Json
from driftmeter.dashboards.preview.formats import color_of, is_missing, settings_of, shown
from driftmeter.reports.report_address import link_in_page

# A page does not scroll a table: it has as many rows as three to a line of Grafana's grid.
ROWS_A_LINE = 3
# Longer texts go on in the next line, or a wide table would be cut on paper.
LONGEST_PHRASE, SENTENCE, LONGEST_WORD = 12, 24, 28


def stat(panel: Json, frame: pd.DataFrame) -> str:
    """The newest value of each field, over a line of the days before."""
    wanted = panel["options"]["reduceOptions"]["fields"].strip("/")
    fields = [
        name
        for name in frame.columns
        if name != "time"
        and (re.fullmatch(wanted, name) if wanted else not frame[name].map(type).eq(str).any())
    ]
    is_named = panel["options"]["textMode"] == "value_and_name"
    parts = []
    for name in fields:
        known = [value for value in frame[name] if not is_missing(value)]
        if known:
            settings = settings_of(panel, name)
            color, text = color_of(known[-1], settings), shown(known[-1], settings)
            label = f"<small>{html.escape(name)}</small>" if is_named else ""
            parts.append(f'<span style="color:{color}">{text}{label}</span>')
            if panel["options"]["graphMode"] == "area":
                parts.append(sparkline([float(value) for value in known], color))
    if not parts:
        return f'<p class="none">{html.escape(panel["fieldConfig"]["defaults"]["noValue"])}</p>'
    return f'<div class="stat">{"".join(parts)}</div>'


def sparkline(values: list[float], color: str) -> str:
    """A line of the values, without axes."""
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    span = (high - low) or 1
    points = " ".join(
        f"{100 * place / (len(values) - 1):.1f},{28 - 26 * (value - low) / span:.1f}"
        for place, value in enumerate(values)
    )
    return (
        '<svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none">'
        f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.5" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )


def _wrapped(value: object) -> str:
    if not isinstance(value, str):
        return ""
    if " " in value and len(value) > SENTENCE:
        return ' class="sentence"'
    longest = LONGEST_PHRASE if " " in value else LONGEST_WORD
    return ' class="text"' if len(value) > longest else ""


def _linked(value: object, content: str, page: Path) -> str:
    """An address as something to open, anything else as it is."""
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return f'<a href="{html.escape(link_in_page(value, page))}">open</a>'
    return content


def table(panel: Json, frame: pd.DataFrame, page: Path) -> str:
    """Rows as a table, the first ones of them, for a page that is to lie there."""
    most = max(ROWS_A_LINE * panel["gridPos"]["h"], 12)
    settings = {name: settings_of(panel, name) for name in frame.columns}
    hidden = {name for name in frame if settings[name]["custom"].get("hideFrom", {}).get("viz")}
    names = [name for name in frame.columns if name not in hidden]
    head = "".join(f"<th>{html.escape(name.replace('_', ' '))}</th>" for name in names)
    body = []
    for values in frame.head(most)[names].itertuples(index=False):
        cells = []
        for name, value in zip(names, values, strict=True):
            kind = settings[name]["custom"]["cellOptions"]["type"]
            color = color_of(value, settings[name]) if kind != "auto" else ""
            style = {
                "color-background": f' style="background:{color};color:#fff"',
                "color-text": f' style="color:{color}"',
            }.get(kind, "")
            text = f"<td{_wrapped(value)}{style}>"
            cells.append(f"{text}{_linked(value, shown(value, settings[name]), page)}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    more = len(frame) - most
    note = f'<p class="none">and {more} more</p>' if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>{note}"
