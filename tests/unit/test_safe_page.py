"""Values of rows that are markup are text on every page, and no element of it."""

import base64
import hashlib
import json
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
import plotly.io
import pytest

from driftmeter.dashboards.preview import cells
from driftmeter.dashboards.preview.frames import Scope
from driftmeter.dashboards.preview.static_page import _titled
from driftmeter.dashboards.write import DASHBOARDS
from driftmeter.monitors.config import Monitor
from driftmeter.reports import page
from driftmeter.reports.safe_page import for_script, with_policy
from tests.unit.test_declared_tests import rows

HOSTILE = (
    "</script><svg/onload=alert(4)>",
    "<!--<script>",
    "<img/src=x onerror=alert(1)>",
    "\u2028'\"&lt;\u2029",
)
OWN = {"html", "head", "meta", "style", "script", "body", "header", "div", "b"}


class Page(HTMLParser):
    """Elements of a page, and the texts of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.scripts: list[str] = []
        self.shown = ""
        self._is_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += attrs
        self._is_script = tag == "script"
        if self._is_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts[-1] += data
        self.shown += data


@pytest.fixture(scope="module")
def evidentlys(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A page whose categories, column, monitor, version and segment are markup."""
    column = f"{HOSTILE[0]} {HOSTILE[1]}"
    declared = Monitor.model_validate(
        {
            "name": "m",
            "owner": "team",
            "task": "regression",
            "timestamp": "at",
            "id": "id",
            "prediction": "predicted",
            "model_version": "version",
            "features": {"payment": {"kind": "categorical"}, column: {"kind": "categorical"}},
            "reference": {"from": "2019-02-01", "to": "2019-03-31"},
        }
    )
    reference, day = (
        frame.assign(
            payment=frame["payment"].replace({"1": HOSTILE[0], "2": HOSTILE[2], "5": HOSTILE[3]}),
            **{column: frame["payment"].replace({"1": HOSTILE[1]})},
        )
        for frame in (rows(count=300), rows(count=200))
    )
    path = tmp_path_factory.mktemp("pages") / "page.html"
    facts = {"Monitor": HOSTILE[0], "Day": HOSTILE[1], "Segment": HOSTILE[2]}
    names = list(declared.columns)
    page.write_page(declared, reference, day, facts, [HOSTILE[0]], names, path)
    return Page(path.read_text(encoding="utf-8"))


def test_a_page_of_hostile_values_has_its_own_elements_only(evidentlys: Page) -> None:
    assert set(evidentlys.elements) == OWN
    # The values; a word on globals; Evidently's library; the call that draws.
    assert evidentlys.elements["script"] == 4
    assert not [name for name, _ in evidentlys.attributes if name.startswith("on")]
    assert all(value in evidentlys.shown for value in HOSTILE[:3])


def test_the_values_in_its_script_are_the_same_and_no_markup(evidentlys: Page) -> None:
    (values,) = [text for text in evidentlys.scripts if "var additional_graphs_" in text]
    assert not re.search("[<\u2028\u2029]", values)
    found = []
    for start in re.finditer(r"var \w+ = ", values):
        read, _ = json.JSONDecoder().raw_decode(values, start.end())
        found.append(json.dumps(read, ensure_ascii=False))
    assert len(found) == 2
    for value in HOSTILE:
        assert any(json.dumps(value, ensure_ascii=False)[1:-1] in text for text in found)


def test_a_browser_may_run_the_pages_own_scripts_and_connect_to_nobody(evidentlys: Page) -> None:
    (policy,) = [value for name, value in evidentlys.attributes if value and "default-src" in value]
    assert policy.startswith("default-src 'none'; script-src 'self' file: 'sha256-")
    # The library's script is a file, and has no text.
    assert evidentlys.scripts.count("") == 1
    for text in filter(None, evidentlys.scripts):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    scripts = policy.partition("script-src")[2].partition(";")[0]
    assert "unsafe" not in scripts
    assert "http" not in policy


@pytest.mark.parametrize("value", HOSTILE)
def test_json_for_a_script_reads_as_the_same_value(value: str) -> None:
    written = for_script(json.dumps({value: [value]}, ensure_ascii=False))
    assert not re.search("[<\u2028\u2029]", written)
    assert json.loads(written) == {value: [value]}


@pytest.mark.parametrize("value", HOSTILE)
def test_cells_titles_and_charts_of_the_overview_show_values_as_text(value: str) -> None:
    """Monitors, versions, segments and sentences of incidents come to the page as these do."""
    panels = DASHBOARDS[0].to_json()["panels"]
    table = next(panel for panel in panels if panel["type"] == "table")
    stat = next(panel for panel in panels if panel["type"] == "stat")
    frame = pd.DataFrame({"monitor": [value], "diagnosis": [f"{value} rose"], value: [value]})
    now = pd.Timestamp("2026-01-01", tz="UTC")
    scope = Scope(first=now, last=now, values={"monitor": value, "column": value})
    drawn = [
        cells.table(table, frame, Path("page.html")),
        cells.stat(stat, pd.DataFrame({value: [1.0, 2.0]})),
        _titled({"title": "What of $monitor and $column?"}, scope),
        plotly.io.to_html(
            go.Figure(go.Bar(x=[value], y=[1], name=value)), full_html=False, include_plotlyjs=False
        ),
    ]
    text = with_policy(f"<html><head></head><body>{''.join(drawn)}</body></html>")
    read = Page(text)
    known = {"html", "head", "meta", "body", "table", "thead", "tbody", "tr", "th", "td", "div"}
    known |= {"span", "small", "svg", "polyline", "script", "p"}
    assert set(read.elements) <= known
    # Plotly's own, of its settings and of the figure.
    assert all("<" not in script for script in read.scripts)
    assert not [name for name, _ in read.attributes if name.startswith("on")]
    assert value in read.shown
