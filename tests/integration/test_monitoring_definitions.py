"""`monitoring_definitions()` beside a team's own Dagster, and its sensor over their own table."""

import datetime as dt
import json
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster_dbt import DagsterDbtTranslator

from dagster_driftmeter.automation.stale_days_sensor import stale_days_sensor
from dagster_driftmeter.dbt.project_manifest import manifest_path
from dagster_driftmeter.monitoring import monitoring_definitions
from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.run_scope import in_a_row
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.errors import DriftmeterError
from tests.integration.test_arrival import FIRST, LOANS, change, monitor


class TeamTranslator(DagsterDbtTranslator):
    """Keys as a team may have them."""

    def get_asset_key(self, dbt_resource_props: dict[str, object]) -> dg.AssetKey:  # type: ignore[override]
        return dg.AssetKey(["team", str(dbt_resource_props["name"])])


def test_it_merges_with_a_teams_definitions_under_the_teams_own_keys() -> None:
    @dg.asset(key=["team", "trip_duration"])
    def scored() -> None: ...

    team = dg.Definitions(assets=[scored])
    manifest = manifest_path()
    defs = dg.Definitions.merge(team, monitoring_definitions(manifest, translator=TeamTranslator()))
    graph = defs.resolve_asset_graph()
    parents = graph.get(dg.AssetKey(["drift", "trip_duration"])).parent_keys
    assert parents == {
        dg.AssetKey(["team", name])
        for name in ("trip_duration", "reference_bins", "column_summary")
    }
    downstream = dg.AssetSelection.keys(["team", "trip_duration"]).downstream().resolve(graph)
    assert dg.AssetKey(["incidents", "trip_duration"]) in downstream
    assert {sensor.name for sensor in defs.sensors or ()} == {
        "incident_notifications",
        "stale_days",
    }
    # Nothing of the example comes along.
    assert not [key for key in graph.materializable_asset_keys if key.path[0] == "raw"]


def test_it_loads_beside_no_dbt_assets_too() -> None:
    dg.Definitions.validate_loadable(monitoring_definitions(manifest_path()))


def test_a_manifest_without_the_quality_models_is_one_clear_line(tmp_path: Path) -> None:
    content = json.loads(manifest_path().read_text())
    content["nodes"] = {
        key: node for key, node in content["nodes"].items() if node["name"] != "column_summary"
    }
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(content))
    with pytest.raises(DriftmeterError, match=r"no model 'column_summary'.*packages\.yml"):
        monitoring_definitions(file)


def test_days_in_a_row_are_one_span() -> None:
    numbers = (9, 1, 2, 3, 5, 9)
    spans = in_a_row(dt.date(2026, 3, number) for number in numbers)
    assert [(span.from_date.day, span.to_date.day) for span in spans] == [(1, 3), (5, 5), (9, 9)]
    assert in_a_row([]) == []


def test_the_sensor_asks_for_just_the_days_that_changed(
    warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(warehouse, LOANS)
    loans = monitor()
    reference = load_reference(warehouse, loans)
    for number in range(8):
        compute_partition(warehouse, loans, FIRST + dt.timedelta(days=number), reference)
    url = warehouse.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    keys = [dg.AssetKey(["drift", "loans"]), dg.AssetKey(["incidents", "loans"])]

    def tick() -> list[dg.RunRequest]:
        sensor = stale_days_sensor({"loans": loans}, {"loans": keys})
        context = dg.build_sensor_context(resources={"warehouse": Warehouse()})
        return [each for each in sensor(context) if isinstance(each, dg.RunRequest)]

    assert tick() == []
    for day in ("2026-03-02", "2026-03-03", "2026-03-06"):
        change(
            warehouse,
            f"insert into bank.loans values ('late {day}', '{day}', now(), 'v1', 1, 0.5, true)",
        )
    requests = tick()
    assert [
        (each.tags["dagster/asset_partition_range_start"], each.tags["driftmeter/monitor"])
        for each in requests
    ] == [("2026-03-02", "loans"), ("2026-03-06", "loans")]
    assert requests[0].tags["dagster/asset_partition_range_end"] == "2026-03-03"
    assert requests[0].asset_selection == keys
    # The same change asks for the same run, which Dagster runs once.
    assert [each.run_key for each in tick()] == [each.run_key for each in requests]
