"""The committed JSON: the code's own, and within the rules of Grafana's dashboard linter."""

import re
from typing import Any

from driftmeter.dashboards.write import DASHBOARDS as CODE
from tests.cases import over
from tests.dashboards.grafana_files import (
    DASHBOARDS,
    FILES,
    PANEL_IDS,
    PANELS,
    PREFIX,
    queries,
    rules,
)

UNITS = {"locale", "percentunit", "s", "none", "dateTimeAsIso"}
BUILT_IN = {"__all", "__field", "__data", "__value", "__url_time_range", "__timeFrom", "__timeTo"}
EVERY_QUERY = dict(queries())


def test_code_and_files_agree_and_no_file_is_left_over() -> None:
    assert {file.name for file in FILES} == {f"{board.uid}.json" for board in CODE}
    for board in CODE:
        (file,) = [file for file in FILES if file.stem == board.uid]
        assert file.read_text() == board.to_text(), f"{file.name}: run `make dashboards`"


@over("uid", DASHBOARDS)
def test_a_dashboard_has_what_the_linter_asks(uid: str) -> None:
    board = DASHBOARDS[uid]
    assert board["uid"] == PREFIX + uid
    assert re.fullmatch(r"[a-z-]{1,40}", board["uid"])
    assert board["title"]
    assert board["description"]
    assert "id" not in board
    assert "__inputs" not in board
    assert board["timezone"] == "utc"
    assert board["schemaVersion"] in (41, 42)
    assert board["editable"] is False


@over("uid", DASHBOARDS)
def test_panels_have_ids_of_their_own_and_do_not_overlap(uid: str) -> None:
    panels = DASHBOARDS[uid]["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        grid = panel["gridPos"]
        assert grid["x"] + grid["w"] <= 24
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not taken & cells, panel["title"]
        taken |= cells


@over(("uid", "panel"), PANELS, ids=PANEL_IDS)
def test_a_panel_asks_a_question_and_says_how_to_read_the_answer(
    uid: str, panel: dict[str, Any]
) -> None:
    assert panel["title"].endswith("?")
    assert len(panel["description"]) > 20
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] in UNITS
    assert defaults["noValue"]
    source = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
    assert panel["datasource"] == source
    for target in panel["targets"]:
        assert target["refId"]
        assert target["rawSql"]
        assert target["rawQuery"] is True
        assert target["format"] in ("table", "time_series")
        assert target["datasource"] == panel["datasource"]
    if panel["type"] in ("timeseries", "status-history", "state-timeline"):
        # Grafana's own interval is the screen's; a day is the least there is.
        assert panel["interval"] == "1d"
        assert not defaults["custom"].get("spanNulls")
    if panel["type"] == "timeseries":
        # Batches that were not measured have no row: a line over them would hide it.
        has_gaps = "metrics.gap_after('$monitor'" in panel["targets"][0]["rawSql"]
        assert has_gaps is not (defaults["custom"].get("insertNulls") == 86_400_000)
        if defaults["unit"] == "percentunit":
            assert "max" in defaults or defaults["custom"]["axisSoftMax"]


# Of the 17 rules of grafana/dashboard-linter, June 2026, seven are about any data source:
# template-datasource, template-on-time-change-reload, panel-datasource, panel-title-description,
# panel-units, panel-no-targets, uneditable-dashboard. They are held here and in the tests around,
# over panels of every kind where the linter looks at some. The other ten read PromQL and LogQL or
# ask for Prometheus' own labels, and there is neither: template-job, template-instance,
# template-label-promql, target-promql, target-logql, target-logql-auto, target-rate-interval,
# target-job, target-instance, target-counter-agg.
@over("uid", DASHBOARDS)
def test_whatever_asks_the_warehouse_does_so_through_the_one_variable(uid: str) -> None:
    board = DASHBOARDS[uid]
    variables = board["templating"]["list"]
    assert [part["name"] for part in variables if part["type"] == "datasource"] == ["datasource"]
    assert len({part["name"] for part in variables}) == len(variables)
    asking = [
        *(part for part in variables if part["type"] == "query"),
        *board["annotations"]["list"],
        *(part["target"] for part in board["annotations"]["list"]),
    ]
    assert len(asking) > 4
    assert {part["datasource"]["uid"] for part in asking} == {"${datasource}"}
    # No variable is shown by its bare name.
    assert all(part["label"] and part["description"] for part in variables)


@over(("uid", "panel"), PANELS, ids=PANEL_IDS)
def test_a_panel_asks_something_and_its_exceptions_have_units_that_grafana_knows(
    uid: str, panel: dict[str, Any]
) -> None:
    references = [target["refId"] for target in panel["targets"]]
    assert references
    assert len(set(references)) == len(references)
    for exception in panel["fieldConfig"]["overrides"]:
        for part in exception["properties"]:
            assert part["id"] != "unit" or part["value"] in UNITS, exception["matcher"]


def test_the_titles_of_a_dashboard_differ() -> None:
    assert len(set(PANEL_IDS)) == len(PANEL_IDS)


def test_every_variable_that_is_used_is_defined_and_shown() -> None:
    for uid, board in DASHBOARDS.items():
        known = {variable["name"]: variable for variable in board["templating"]["list"]}
        names = ["datasource", "monitor", "model_version", "segment", "column"]
        assert list(known)[:5] == names
        # As the linter has it: a datasource by variable, which every panel and query takes.
        assert known["datasource"]["type"] == "datasource"
        assert known["datasource"]["label"] == "Data source"
        text = str(board["panels"]) + str(board["templating"])
        used = set(re.findall(r"\$\{?([A-Za-z_]+)", text)) - BUILT_IN
        assert used <= set(known), uid
        in_sql = " ".join(
            target["rawSql"] for panel in board["panels"] for target in panel.get("targets", [])
        )
        for name, variable in known.items():
            if variable["type"] != "query":
                continue
            is_used = re.search(rf"\${name}\b", in_sql) is not None
            assert (variable["hide"] == 0) == is_used, (uid, name)


def test_a_variable_is_never_empty_and_follows_the_time_range() -> None:
    for board in DASHBOARDS.values():
        for variable in board["templating"]["list"]:
            assert variable["current"]["value"]
            if variable["type"] == "query":
                assert variable["refresh"] == 2
            if variable.get("includeAll"):
                # Without it All is the list of values, and `in ()` before the first run.
                assert variable["allValue"] == "'every version'"


def test_every_link_leads_to_a_dashboard_that_is_there_and_keeps_the_range() -> None:
    found = 0
    for uid, board in DASHBOARDS.items():
        (bar,) = board["links"]
        assert bar["keepTime"]
        assert bar["includeVars"]
        assert set(bar["tags"]) <= set(board["tags"])
        for url in re.findall(r"'(/d/[^']+)'", str(board)):
            found += 1
            target, _, arguments = url.removeprefix(f"/d/{PREFIX}").partition("?")
            assert target in DASHBOARDS, uid
            assert "${__url_time_range}" in arguments or "&from=" in arguments
            names = {part["name"] for part in DASHBOARDS[target]["templating"]["list"]}
            assert set(re.findall(r"var-(\w+)=", arguments)) <= names
            assert set(re.findall(r"\$\{(\w+):queryparam\}", arguments)) <= names
    assert found > 20


@over("where", EVERY_QUERY)
def test_a_query_reads_the_metrics_schema_and_stays_short(where: str) -> None:
    sql = EVERY_QUERY[where]
    sources = set(re.findall(r"\b(?:from|join)\s+([a-z_]+(?:\.[a-z_]+)?)", sql))
    named = set(re.findall(r"\bwith\s+([a-z_]+)\s+as", sql))
    # `extract(epoch from day)` is no table.
    sources -= {"newest_day", *named, "lateral"}
    assert sources
    assert all(source.startswith("metrics.") for source in sources), sources
    assert len(sql.strip().splitlines()) <= 11
    for inside in re.findall(r"\$__\w+\(([^)]*)\)", sql):
        assert "(" not in inside
    assert not re.search(r"\$\{\w+:|\bcsv\b|::raw\b", sql)
    assert not re.search(r"group by time\b", sql)


def test_rules_point_at_panels_that_are_there() -> None:
    uids = [rule["uid"] for rule in rules()]
    assert len(set(uids)) == len(uids)
    assert all(uid.startswith(PREFIX) for uid in uids)
    for rule in rules():
        board = DASHBOARDS[rule["dashboardUid"].removeprefix(PREFIX)]
        panels = {panel["id"]: panel for panel in board["panels"]}
        assert panels[rule["panelId"]]["type"] in ("state-timeline", "status-history")


def test_exposures_name_every_dashboard() -> None:
    import yaml

    from driftmeter.settings import PROJECT_ROOT

    file = PROJECT_ROOT / "dbt_project" / "models" / "_exposures.yml"
    urls = {entry["url"] for entry in yaml.safe_load(file.read_text())["exposures"]}
    assert urls == {f"http://localhost:3000/d/{PREFIX}{uid}" for uid in DASHBOARDS}
