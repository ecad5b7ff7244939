"""Dagster's definitions: what they hold, and that they load with no database."""

import os
import subprocess
import sys

import dagster as dg
import pytest

from python_metrics import settings

# Loads the definitions in a process in which every connection is refused.
LOAD = """
import socket
def refuse(*_): raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = refuse
from orchestration.definitions import defs
print(len(list(defs.resolve_all_asset_specs())))
"""


@pytest.fixture(scope="module")
def defs() -> dg.Definitions:
    from orchestration.definitions import defs

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
    import orchestration.definitions as module

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


def test_all_assets_with_days_share_one_partitions_definition(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    partitioned = {
        graph.get(key).partitions_def
        for key in graph.materializable_asset_keys
        if graph.get(key).partitions_def
    }
    assert len(partitioned) == 1


def test_the_lineage_runs_from_raw_trips_to_drift_and_dashboards(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    downstream = dg.AssetSelection.keys(["raw", "trips"]).downstream().resolve(graph)
    for key in (["drift", "trip_duration"], ["incidents", "trip_tip"], ["dashboards", "overview"]):
        assert dg.AssetKey(key) in downstream


def test_the_default_test_of_ids_is_an_asset_check(defs: dg.Definitions) -> None:
    checks = defs.resolve_asset_graph().asset_check_keys
    named = [key for key in checks if key.name == "declared_id_is_unique_by_day"]
    assert [key.asset_key.path for key in named] == [["quality", "column_summary"]]
