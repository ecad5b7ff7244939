"""A team's dbt project that is no taxi, measured by `driftmeter run` and by nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.integration.test_any_columns import Project, project

__all__ = ["project"]

DRIFTMETER = str(Path(sys.executable).parent / "driftmeter")
PARTITIONS = (
    "select string_agg(partition_date::text || ' ' || state, ',' order by partition_date)"
    " from metrics.partitions"
)


@pytest.fixture
def own(project: Project) -> Project:
    """The inference model is a view: what the team's own job writes is there at once."""
    project.declare("odd_names", materialized="view", segments=["segment_1"])
    # A team's other models are the team's to build.
    (project.directory / "models" / "unrelated.sql").write_text("select 1 / 0 as impossible")
    return project


def driftmeter(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    url = project.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    return subprocess.run(
        [DRIFTMETER, *arguments],
        env={
            **os.environ,
            "DRIFTMETER_DATABASE_URL": url,
            "DRIFTMETER_DBT_PROJECT": str(project.directory),
            "DRIFTMETER_HOME": str(project.root / "home"),
        },
        capture_output=True,
        text=True,
    )


def run(project: Project, *arguments: str) -> str:
    ended = driftmeter(project, "run", *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_days_are_measured_new_ones_follow_and_a_late_row_measures_its_own_day_again(
    own: Project,
) -> None:
    shown = run(own, "--monitor", "odd_names", "--from", "2026-03-01", "--to", "2026-03-05")
    assert "after building the reference" in shown
    assert "planted" not in shown
    for table in ("drift", "performance", "test_results", "baselines", "monitors"):
        assert own.scalar(f"select count(*) from metrics.{table}"), table
    # Nobody's trips were loaded, and no model was trained.
    assert own.scalar("select to_regclass('raw.loads')") is None
    assert own.scalar("select count(*) from metrics.model_versions") == 0

    # Without days: what is new in the table.
    run(own)
    days = [f"2026-03-{number:02} fresh" for number in range(1, 12)]
    assert own.scalar(PARTITIONS) == ",".join(days)
    assert "no day is new, and none changed" in run(own)

    with own.engine.begin() as session:
        before = dict(
            session.execute(
                sa.text("select partition_date::text, computed_at from metrics.partitions")
            )
            .tuples()
            .all()
        )
        session.execute(
            sa.text(
                "insert into team.scores select day, 'late', version, \"Gross Weight\","
                ' "user\'s ""own""", bins, 1, segment_1, predicted, target from team.scores'
                " where day = '2026-03-04' limit 1"
            )
        )
    shown = run(own, "--stale")
    assert "2026-03-04 to 2026-03-04" in shown
    with own.engine.connect() as session:
        after = dict(
            session.execute(
                sa.text("select partition_date::text, computed_at from metrics.partitions")
            )
            .tuples()
            .all()
        )
    assert [day for day in after if after[day] != before[day]] == ["2026-03-04"]
    assert own.scalar("select count(*) from metrics.partitions where state <> 'fresh'") == 0


def test_the_commands_of_the_example_are_not_there(own: Project) -> None:
    shown = driftmeter(own, "--help").stdout
    assert "\n  run " in shown
    assert "\n  demo " not in shown
    unknown = driftmeter(own, "run", "--monitor", "trip_duration")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "use one of odd_names" in unknown.stderr
