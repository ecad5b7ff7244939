"""dbt's own unit tests, of the package's models and of the example's, on the tests' Postgres."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.dbt.profile import profiles_dir
from driftmeter import settings
from tests.programs import DBT, run_program

PACKAGE = settings.DBT_PACKAGE / "integration_tests"


def dbt(
    project: Path,
    engine: sa.Engine,
    target: Path,
    *arguments: str,
    results: str = "run_results.json",
) -> dict[str, str]:
    """Run dbt with its artifacts outside the project; outcomes by node."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_DATABASE_URL", url)
        patch.setenv("DRIFTMETER_HOME", str(target))
        places = ["--profiles-dir", str(profiles_dir()), "--target-path", str(target)]
    words = ("--no-use-colors", *arguments, *places, "--log-path", str(target))
    ended = run_program(DBT, *words, directory=project)
    assert ended.returncode == 0, ended.stdout
    outcomes = json.loads((target / results).read_text())["results"]
    return {outcome["unique_id"]: outcome["status"] for outcome in outcomes}


def test_the_packages_models_pass_their_unit_tests(warehouse: sa.Engine, tmp_path: Path) -> None:
    statuses = dbt(PACKAGE, warehouse, tmp_path, "build")
    tested = [name.split(".")[2] for name in statuses if name.startswith("unit_test.")]
    assert set(tested) == {"reference_bins", "column_summary"}
    assert set(statuses.values()) == {"pass", "success"}


def test_the_examples_models_pass_their_unit_tests(demo: sa.Engine, tmp_path: Path) -> None:
    arguments = ("test", "--select", "test_type:unit")
    statuses = dbt(settings.EXAMPLE_PROJECT, demo, tmp_path, *arguments)
    assert len(statuses) >= 2
    assert set(statuses.values()) == {"pass"}


def test_the_examples_sources_are_checked_for_freshness(demo: sa.Engine, tmp_path: Path) -> None:
    checked = dbt(
        settings.EXAMPLE_PROJECT, demo, tmp_path, "source", "freshness", results="sources.json"
    )
    assert checked == {"source.taxi.raw.loads": "pass"}
