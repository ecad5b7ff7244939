"""Every panel, variable, annotation and rule, on the farm's warehouse and of each monitor."""

from typing import Any

import pytest
import sqlalchemy as sa

from driftmeter.dashboards.preview.frames import Scope
from driftmeter.dashboards.preview.static_page import write_page
from driftmeter.dashboards.write import DASHBOARDS as CODE
from driftmeter.dashboards.write import newest_opening
from driftmeter.errors import DriftmeterError
from tests.cases import over
from tests.dashboards.answers import (
    TIMESTAMPTZ,
    Answer,
    check_alerts,
    check_shape,
    firing,
    with_values,
)
from tests.dashboards.choices import check_choices
from tests.dashboards.grafana_files import (
    DASHBOARDS,
    OF_OTHERS,
    PANEL_IDS,
    PANELS,
    queries,
    rules,
    variables,
)
from tests.own_project.farm import Farm

EVERY_QUERY = dict(queries())
# Panels with nothing to show of a monitor, and the words of their own text that say why.
SILENT = {
    "turbine_power": {
        "data-quality: How much of $column is missing in each segment?": "declares no segments",
        "data-quality: Which columns have new categories?": "No new category",
    },
    "bearing_watch": {
        "data-quality: How much of $column is invalid?": "declares no range",
        "data-quality: Which columns are out of range?": "no column declares one",
        "performance: Is the challenger better?": "`challengers` in the monitor's YAML names",
    },
}


@over(("uid", "panel"), PANELS, ids=PANEL_IDS)
def test_a_panel_answers_of_each_monitor_or_says_why_not(
    farm: Farm, reader: sa.Engine, opened: Scope, uid: str, panel: dict[str, Any]
) -> None:
    answer = Answer(reader, panel["targets"][0]["rawSql"], opened)
    check_shape(panel, answer, opened)
    silent = SILENT[str(opened.values["monitor"])] | OF_OTHERS
    reason = silent.get(f"{uid}: {panel['title']}")
    text = panel["fieldConfig"]["defaults"]["noValue"]
    assert bool(answer.rows) == (reason is None), text
    assert reason is None or reason in text


def test_a_variable_lists_its_values(reader: sa.Engine, opened: Scope) -> None:
    for name, variable in variables().items():
        values = [row[0] for row in Answer(reader, variable["query"], opened).rows]
        assert values, name
        assert len(set(values)) == len(values), name
    segments = Answer(reader, variables()["segment"]["query"], opened).column("segment")
    by_site = ["site = coast", "site = north", "site = south"]
    is_split = opened.values["monitor"] == "bearing_watch"
    assert segments == ["all rows", *(by_site if is_split else [])]


@over("uid", DASHBOARDS)
def test_an_annotation_has_a_time_and_a_text(reader: sa.Engine, opened: Scope, uid: str) -> None:
    for annotation in DASHBOARDS[uid]["annotations"]["list"]:
        answer = Answer(reader, annotation["target"]["rawSql"], opened)
        assert answer.rows, annotation["name"]
        assert answer.types["time"] == TIMESTAMPTZ
        assert None not in answer.column("text")


@over("rule", rules(), ids=lambda rule: rule["uid"])
def test_a_rule_tells_both_monitors(reader: sa.Engine, opened: Scope, rule: dict[str, Any]) -> None:
    answer = Answer(reader, rule["data"][0]["model"]["rawSql"], opened)
    check_alerts(rule, answer)
    assert set(answer.column("monitor")) == {"turbine_power", "bearing_watch"}


def test_each_open_incident_fires(farm: Farm, reader: sa.Engine, opened: Scope) -> None:
    rows = farm.rows("select monitor, family from metrics.incidents where closed_on is null")
    assert rows
    assert firing(reader, opened, "open-incident") == set(rows)


@over("where", EVERY_QUERY)
def test_a_query_answers_in_any_segment_and_of_any_column(
    reader: sa.Engine, opened: Scope, where: str
) -> None:
    lists = {name: Answer(reader, v["query"], opened) for name, v in variables().items()}
    for name in ("segment", "column", "metric"):
        for value in lists[name].column(lists[name].names[0]):
            Answer(reader, EVERY_QUERY[where], with_values(opened, **{name: value}))


@over("where", EVERY_QUERY)
def test_a_query_answers_in_shape_of_any_versions_and_range(
    reader: sa.Engine, opened: Scope, where: str
) -> None:
    check_choices(reader, where, opened, [str(opened.values["monitor"])])


@pytest.mark.parametrize("board", CODE, ids=lambda board: board.uid)
def test_the_static_page_is_drawn_of_both_monitors(
    reader: sa.Engine, board: Any, tmp_path: Any
) -> None:
    page = write_page(reader, board, tmp_path / "page.html").read_text()
    assert "turbine_power" in page
    assert "trip" not in page.partition("<script")[0]


def test_the_static_page_shows_the_column_that_is_asked_for(
    reader: sa.Engine, tmp_path: Any
) -> None:
    (board,) = [board for board in CODE if board.name == "data-quality"]
    query = "select min(column_name) from metrics.monitored_columns where role = 'feature'"
    with reader.connect() as session:
        name = session.scalar(sa.text(f"{query} and monitor = 'turbine_power'"))
    asked = {"monitors": ["turbine_power"], "column": name}
    page = write_page(reader, board, tmp_path / "page.html", **asked).read_text()
    assert f"How are the values of {name} distributed?" in page
    with pytest.raises(DriftmeterError, match="turbine_power has no column 'speed of light'"):
        write_page(reader, board, tmp_path / "page.html", column="speed of light")


def test_dashboards_open_on_a_monitor_that_is_there(farm: Farm, reader: sa.Engine) -> None:
    opening = newest_opening(reader)
    columns = farm.rows(
        f"select column_name from metrics.monitored_columns where monitor = '{opening.monitor}'"
    )
    assert (opening.column,) in columns
    boards = [board.to_text(opening) for board in CODE]
    assert not any("trip_duration" in board or "fare_usd" in board for board in boards)
