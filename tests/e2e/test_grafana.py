"""A live Grafana, asked through its HTTP API: `make grafana`, or the compose stack.

    GRAFANA_URL=http://127.0.0.1:3000 GRAFANA_PASSWORD=... pytest tests/e2e/test_grafana.py

Grafana must stand on a warehouse with the demo's days (`make demo`). The warehouse's owner is
reached as `driftmeter` itself does, or through the command in WAREHOUSE_PSQL.
"""

import datetime as dt
import os
import shlex
import subprocess
import time
from typing import Any

import pytest
import requests

from driftmeter.dashboards.macros import interpolate
from tests.dashboards.grafana_files import DASHBOARDS, PANEL_IDS, PANELS, PREFIX, rules

URL = os.environ.get("GRAFANA_URL", "")
USER = os.environ.get("GRAFANA_USER", "admin")
PASSWORD = os.environ.get("GRAFANA_PASSWORD", "admin")
# What nothing writes before labels are joined and incidents are opened.
MAY_BE_EMPTY = ("performance", "incident", "still right")


class Grafana:
    """Calls of Grafana's HTTP API."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.auth = (USER, PASSWORD)

    def get(self, path: str) -> Any:
        answer = self.session.get(f"{URL}{path}", timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def frames(self, queries: list[dict[str, Any]], first: str, last: str) -> dict[str, Any]:
        body = {"queries": queries, "from": epoch_ms(first), "to": epoch_ms(last)}
        answer = self.session.post(f"{URL}/api/ds/query", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()["results"]


def epoch_ms(text: str) -> str:
    return str(int(dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000))


@pytest.fixture(scope="module")
def grafana() -> Grafana:
    if not URL:
        pytest.skip("GRAFANA_URL is not set: no Grafana to ask")
    try:
        requests.get(f"{URL}/api/health", timeout=10).raise_for_status()
    except requests.RequestException as error:
        pytest.skip(f"no Grafana answers at GRAFANA_URL ({error})")
    return Grafana()


def execute(sql: str) -> None:
    """Run a statement as the warehouse's owner."""
    command = os.environ.get("WAREHOUSE_PSQL")
    if command:
        arguments = [*shlex.split(command), "--set", "ON_ERROR_STOP=1"]
        subprocess.run(arguments, input=sql, text=True, check=True)
        return
    from driftmeter.warehouse import connection

    with connection.engine().begin() as session:
        session.exec_driver_sql(sql)


@pytest.fixture(scope="module")
def values(grafana: Grafana) -> dict[str, Any]:
    """The variables as the dashboards open, All with every version there is."""
    board = DASHBOARDS["overview"]
    chosen = {part["name"]: part["current"]["value"] for part in board["templating"]["list"]}
    (query,) = (
        part["query"] for part in board["templating"]["list"] if part["name"] == "model_version"
    )
    target = {**PANELS[0][1]["targets"][0], "format": "table", "rawSql": interpolate(query, chosen)}
    results = grafana.frames([target], board["time"]["from"], board["time"]["to"])
    (versions,) = results["A"]["frames"][0]["data"]["values"]
    return {**chosen, "model_version": versions, "metric": "mae"}


def test_the_datasource_is_provisioned_and_healthy(grafana: Grafana) -> None:
    source = grafana.get("/api/datasources/uid/driftmeter-warehouse")
    assert source["type"] == "grafana-postgresql-datasource"
    assert source["readOnly"] is True
    assert source["user"] == "driftmeter_reader"
    assert grafana.get("/api/datasources/uid/driftmeter-warehouse/health")["status"] == "OK"


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_a_dashboard_is_provisioned_as_it_is_committed(grafana: Grafana, uid: str) -> None:
    answer = grafana.get(f"/api/dashboards/uid/{PREFIX}{uid}")
    assert answer["meta"]["provisioned"] is True
    titles = [panel["title"] for panel in answer["dashboard"]["panels"]]
    assert titles == [panel["title"] for panel in DASHBOARDS[uid]["panels"]]


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=PANEL_IDS)
def test_a_panels_query_answers_with_data(
    grafana: Grafana, values: dict[str, Any], uid: str, panel: dict[str, Any]
) -> None:
    time_range = grafana.get(f"/api/dashboards/uid/{PREFIX}{uid}")["dashboard"]["time"]
    target = dict(panel["targets"][0])
    # The browser puts variables in; macros are the plugin's.
    target["rawSql"] = interpolate(target["rawSql"], values)
    target |= {"intervalMs": 86_400_000, "maxDataPoints": 1000}
    result = grafana.frames([target], time_range["from"], time_range["to"])["A"]
    assert "error" not in result
    rows = sum(
        len(frame["data"]["values"][0]) for frame in result["frames"] if frame["data"]["values"]
    )
    text = f"{uid} {panel['title']}".lower()
    assert rows or any(word in text for word in MAY_BE_EMPTY)


def states(grafana: Grafana) -> dict[str, dict[str, Any]]:
    answer = grafana.get("/api/prometheus/grafana/api/v1/rules")
    return {rule["name"]: rule for group in answer["data"]["groups"] for rule in group["rules"]}


def wait_for(grafana: Grafana, title: str, state: str, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        rule = states(grafana).get(title, {})
        if rule.get("state") == state and rule.get("health") == "ok":
            return
        time.sleep(5)
    raise AssertionError(f"{title} is {states(grafana).get(title)}, not {state}")


def test_rules_are_loaded_and_evaluated(grafana: Grafana) -> None:
    until = time.monotonic() + 180
    wanted = {rule["title"] for rule in rules()}
    while time.monotonic() < until:
        found = {title for title, rule in states(grafana).items() if rule["health"] == "ok"}
        if wanted <= found:
            return
        time.sleep(5)
    raise AssertionError(f"not evaluated: {wanted - found}")


def test_a_planted_incident_fires_and_ends_when_it_is_closed(grafana: Grafana) -> None:
    execute(
        "insert into metrics.incidents (monitor, kind, severity, opened_on, last_seen_on,"
        " diagnosis) select monitor, 'planted_by_test', 'warn', newest_day, newest_day,"
        " 'planted by a test' from metrics.monitor_state where monitor = 'trip_duration';"
    )
    try:
        wait_for(grafana, "Open incident", "firing")
        execute(
            "update metrics.incidents set closed_on = last_seen_on where kind = 'planted_by_test';"
        )
        wait_for(grafana, "Open incident", "inactive")
    finally:
        execute("delete from metrics.incidents where kind = 'planted_by_test';")
