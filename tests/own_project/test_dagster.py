"""The farm's own Dagster with `monitoring_definitions()` merged into it."""

import dagster as dg

from tests.own_project.farm import Farm
from tests.own_project.fortnight import LAST_DAY, changed_since


def test_a_day_is_materialized_from_the_teams_models_to_incidents(farm: Farm) -> None:
    assert farm.result is not None
    assert farm.result.success
    made = {
        event.asset_key.to_user_string()
        for event in farm.result.all_events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key
    }
    own = ("turbine_power", "bearing_failure", "bearing_watch", "turbine_power_challengers")
    quality = ("reference_bins", "column_summary")
    assert {f"farm/{name}" for name in (*own, *quality)} <= made
    assert {
        f"{step}/{monitor}"
        for step in ("drift", "performance", "incidents")
        for monitor in ("turbine_power", "bearing_watch")
    } <= made


def test_the_teams_translator_says_what_each_step_waits_for(farm: Farm) -> None:
    graph = farm.definitions.resolve_asset_graph()
    parents = graph.get(dg.AssetKey(["drift", "bearing_watch"])).parent_keys
    assert parents == {
        dg.AssetKey(["farm", name])
        for name in ("bearing_watch", "reference_bins", "column_summary")
    }


def test_checks_judge_the_day_that_ran(farm: Farm) -> None:
    assert farm.result is not None
    checks = {
        check.asset_key.to_user_string(): check
        for check in farm.result.get_asset_check_evaluations()
        if check.check_name == "days_are_calm"
    }
    assert set(checks) == {"drift/turbine_power", "drift/bearing_watch"}
    for check in checks.values():
        assert check.metadata["days"].value == 1
        assert check.metadata["not fresh"].value == "none"
    ((drifted,),) = farm.rows(
        "select count(*) from metrics.drift_scored where monitor = 'bearing_watch'"
        f" and partition_date = '{LAST_DAY}' and is_drifted"
    )
    assert checks["drift/bearing_watch"].passed == (drifted == 0)


def test_the_sensor_asks_for_just_the_days_whose_labels_landed_and_then_for_none(
    farm: Farm,
) -> None:
    (request,) = farm.requests
    assert request.tags["driftmeter/monitor"] == "bearing_watch"
    assert request.tags["dagster/asset_partition_range_start"] == "2026-04-24"
    assert request.tags["dagster/asset_partition_range_end"] == "2026-04-25"
    assert dg.AssetKey(["farm", "column_summary"]) in (request.asset_selection or [])
    last = {(monitor, LAST_DAY) for monitor in ("turbine_power", "bearing_watch")}
    landed = {("bearing_watch", "2026-04-24"), ("bearing_watch", "2026-04-25")}
    assert changed_since(farm, "late labels") == last | landed
    assert farm.requests_after == []
