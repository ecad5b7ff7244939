"""Dagster's definitions: what they hold, and that they load with no database."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_driftmeter.assets.partitions import daily_partitions
from dagster_driftmeter.runs.first_day import note_first_day
from driftmeter import settings
from tests.integration.test_arrival import monitor

# Loads the definitions in a process in which every connection is refused.
LOAD = """
import socket
def refuse(*_): raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = refuse
from dagster_driftmeter.definitions import defs
print(len(list(defs.resolve_all_asset_specs())))
"""


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from dagster_driftmeter.definitions import defs

    return defs


def test_definitions_load_with_no_network_and_no_database() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=settings.PROJECT_ROOT,
        env={**os.environ, "DRIFTMETER_DATABASE_URL": "postgresql://a:b@127.0.0.1:1/none"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 15


def test_the_module_holds_one_definitions_object_as_dagsters_pages_want() -> None:
    import dagster_driftmeter.definitions as module

    held = [name for name, value in vars(module).items() if isinstance(value, dg.Definitions)]
    assert held == ["defs"]


def test_every_asset_is_described_owned_and_in_the_group_of_its_folder(
    defs: dg.Definitions,
) -> None:
    groups = {"raw", "seeds", "staging", "features", "inference", "quality", "performance", "drift"}
    groups |= {"incidents", "dashboards"}
    sources = {dg.AssetKey(["raw", "trips"]), dg.AssetKey(["raw", "predictions"])}
    specs = list(defs.resolve_all_asset_specs())
    assert {spec.group_name for spec in specs} == groups
    for spec in specs:
        assert spec.description, spec.key
        assert spec.owners, spec.key
        assert spec.key.path[0] == spec.group_name
    assert sources <= {spec.key for spec in specs}


def partitions_of(defs: dg.Definitions) -> dg.DailyPartitionsDefinition:
    """The one partitions definition of all assets that have days."""
    graph = defs.resolve_asset_graph()
    found = {graph.get(key).partitions_def for key in graph.materializable_asset_keys} - {None}
    (partitions,) = {*found, defs.resolve_job_def("daily_chain").partitions_def}
    assert isinstance(partitions, dg.DailyPartitionsDefinition)
    return partitions


def test_every_asset_can_be_materialized_with_no_run_config(defs: dg.Definitions) -> None:
    jobs = {job.name: job for job in defs.resolve_all_job_defs()}
    dg.validate_run_config(jobs["__ASSET_JOB"], {})
    dg.validate_run_config(jobs["daily_chain"], {})
    keys = {spec.key for spec in defs.resolve_all_asset_specs()}
    assert dg.AssetKey(["raw", "challenger_models"]) not in keys, "its days are a run's config"


def test_partitions_begin_with_the_first_day_that_the_example_needs(defs: dg.Definitions) -> None:
    keys = partitions_of(defs).get_partition_keys()
    yesterday = dt.datetime.now(ZoneInfo("America/New_York")).date() - dt.timedelta(days=1)
    assert (keys[0], keys[-1]) == ("2019-01-01", yesterday.isoformat())
    assert len(keys) == (yesterday - dt.date(2019, 1, 1)).days + 1


def test_a_run_from_before_the_partitions_start_gets_partitions_that_hold_it() -> None:
    from dagster_driftmeter.definitions import definitions_from, defs

    assert definitions_from(None) is definitions_from(dt.date(2019, 1, 1)) is defs
    earlier = partitions_of(definitions_from(dt.date(2018, 12, 30)))
    assert earlier.get_first_partition_key() == "2018-12-30"


def test_the_first_measured_day_of_a_warehouse_is_a_partition(
    warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from dagster_driftmeter.definitions import all_definitions

    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "insert into metrics.partitions (monitor, partition_date, state, drift_state,"
            " row_count, config_hash, duration_seconds, computed_at)"
            " values ('trip_tip', '2018-11-05', 'stale', 'stale', 1, 'x', 0, now())"
        )
    note_first_day(warehouse)
    assert partitions_of(all_definitions()).get_first_partition_key() == "2018-11-05"


def test_partitions_end_where_a_day_has_ended_first() -> None:
    loans, other = monitor(timezone="America/New_York"), monitor("other", timezone="Asia/Tokyo")
    both = daily_partitions([loans, other])
    assert (both.timezone, both.get_first_partition_key()) == ("Asia/Tokyo", "2026-01-01")
    assert daily_partitions([loans]).timezone == "America/New_York"
    assert daily_partitions([]).get_partition_keys(), "a project that declares no monitor yet"


def test_the_lineage_runs_from_raw_trips_to_drift_and_dashboards(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    downstream = dg.AssetSelection.keys(["raw", "trips"]).downstream().resolve(graph)
    for key in (["drift", "trip_duration"], ["incidents", "trip_tip"], ["dashboards", "overview"]):
        assert dg.AssetKey(key) in downstream


def test_the_default_test_of_ids_is_an_asset_check(defs: dg.Definitions) -> None:
    checks = defs.resolve_asset_graph().asset_check_keys
    named = [key for key in checks if key.name == "declared_id_is_unique_by_day"]
    assert [key.asset_key.path for key in named] == [["quality", "column_summary"]]


def test_every_asset_check_says_what_it_asks(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    asked = {key: graph.get_check_spec(key).description for key in graph.asset_check_keys}
    assert len(asked) > 40
    assert not [key.name for key, description in asked.items() if not description]
