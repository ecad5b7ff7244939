"""A third monitor is one model, its YAML, and its name in a list: nothing else is written."""

import shutil
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from driftmeter import settings
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.monitors.manifest import load_monitors
from tests.integration.conftest import Chain
from tests.integration.pipeline import days
from tests.programs import DBT, KEPT_DBT, run_program

MODEL = """
select
    trip_id,
    partition_date,
    pickup_at,
    'by hand'::text as model_version,
    trip_distance_miles,
    pickup_borough,
    2.5 + 2.5 * trip_distance_miles as predicted_fare_usd,
    fare_usd
from {{ ref('trip_features') }}
where {{ driftmeter.in_window() }}
"""
TYPES = {
    "trip_id": "bigint",
    "partition_date": "date",
    "pickup_at": "timestamptz",
    "model_version": "text",
    "trip_distance_miles": "double precision",
    "pickup_borough": "text",
    "predicted_fare_usd": "double precision",
    "fare_usd": "double precision",
}
MONITOR = {
    "owner": "team-fares",
    "task": "regression",
    "timestamp": "pickup_at",
    "timezone": "America/New_York",
    "id": "trip_id",
    "prediction": "predicted_fare_usd",
    "target": "fare_usd",
    "model_version": "model_version",
    "features": {
        "trip_distance_miles": {"kind": "numerical", "unit": "miles", "range": [0, 100]},
        "pickup_borough": {"kind": "categorical"},
    },
    "segments": ["pickup_borough"],
    "reference": {"from": "2019-02-01", "to": "2019-03-31"},
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project with a third monitor in it."""
    for name in ("dbt_project", "seeds"):
        ignore = shutil.ignore_patterns("target", "logs", "dbt_packages")
        shutil.copytree(settings.PROJECT_ROOT / name, tmp_path / name, ignore=ignore)
    inference = tmp_path / "dbt_project" / "models" / "inference"
    (inference / "trip_fare.sql").write_text(MODEL)
    model = {
        "name": "trip_fare",
        "config": {"meta": {"monitor": MONITOR}},
        "columns": [{"name": name, "data_type": kind} for name, kind in TYPES.items()],
    }
    (inference / "_trip_fare.yml").write_text(yaml.safe_dump({"models": [model]}))
    listed = tmp_path / "dbt_project" / "dbt_project.yml"
    text = listed.read_text()
    listed.write_text(
        text.replace("[trip_duration, trip_tip]", "[trip_duration, trip_tip, trip_fare]")
    )
    run_program(DBT, "deps", directory=tmp_path / "dbt_project").check_returncode()
    return tmp_path / "dbt_project"


def test_a_third_monitor_has_quality_and_drift_rows(chain: Chain, project: Path) -> None:
    only = ("--exclude", "resource_type:unit_test", "--vars", "{monitor: trip_fare}")
    built = run_program(KEPT_DBT, "build", *only, directory=project)
    assert built.returncode == 0, built.stdout
    monitor = load_monitors(project / "target" / "manifest.json")["trip_fare"]
    reference = load_reference(chain.engine, monitor)
    day = days("2019-04-02").from_date
    result = compute_partition(chain.engine, monitor, day, reference)
    # The whole row twice: Evidently's share of drifted columns, and the domain classifier.
    assert [row.column_name for row in result.drift] == [*monitor.columns, None, None]
    assert {row.status for row in result.drift} == {"ok"}
    with chain.engine.connect() as session:
        profiled = session.scalars(
            sa.text(
                "select distinct column_name from metrics.column_profile"
                " where monitor = 'trip_fare' and partition_date = :day"
                " and column_name is not null"
            ),
            {"day": day},
        )
        assert set(profiled) == set(monitor.columns)
        others = sa.text("select count(*) from metrics.column_profile where monitor = 'trip_tip'")
        assert session.scalar(others)
