"""The component: a few lines of YAML give what `monitoring_definitions()` gives."""

from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster.components.testing import create_defs_folder_sandbox

from dagster_driftmeter.component import MonitoringComponent, load_translator
from dagster_driftmeter.dbt.project_manifest import manifest_path
from driftmeter.errors import DriftmeterError

TRANSLATOR = "tests.integration.test_monitoring_definitions:TeamTranslator"
NO_TRANSLATOR = "dagster_driftmeter.component:MonitoringComponent"


def test_yaml_that_names_a_manifest_and_a_translator_gives_assets_under_the_teams_keys() -> None:
    manifest = str(manifest_path())
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(
            MonitoringComponent,
            defs_yaml_contents={
                "type": "dagster_driftmeter.component.MonitoringComponent",
                "attributes": {"manifest": manifest, "translator": TRANSLATOR},
            },
        )
        with sandbox.load_component_and_build_defs(path) as (component, defs):
            assert isinstance(component, MonitoringComponent)
            graph = defs.resolve_asset_graph()
    parents = graph.get(dg.AssetKey(["drift", "trip_duration"])).parent_keys
    assert dg.AssetKey(["team", "trip_duration"]) in parents
    assert dg.AssetKey(["incidents", "trip_tip"]) in graph.materializable_asset_keys
    assert {"incident_notifications", "stale_days"} == {each.name for each in defs.sensors or ()}


def test_a_scaffolded_component_names_the_manifest_from_where_its_yaml_is() -> None:
    given = {"manifest": str(manifest_path()), "translator": TRANSLATOR}
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(MonitoringComponent, scaffold_params=given)
        written = yaml.safe_load((path / "defs.yaml").read_text())["attributes"]
        assert not Path(written["manifest"]).is_absolute()
        assert (path / written["manifest"]).resolve() == manifest_path().resolve()
        assert written["translator"] == TRANSLATOR
        with sandbox.load_component_and_build_defs(path) as (_, defs):
            keys = defs.resolve_asset_graph().get_all_asset_keys()
    assert dg.AssetKey(["drift", "trip_duration"]) in keys


@pytest.mark.parametrize("place", ["nowhere:Class", "dagster_driftmeter.component", NO_TRANSLATOR])
def test_what_is_no_translator_is_one_clear_line(place: str) -> None:
    with pytest.raises(DriftmeterError, match=r"^translator: "):
        load_translator(place)
