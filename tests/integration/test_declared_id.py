"""The id that a monitor declares names one row a day: tested by default, in any project."""

import os

import pytest
import sqlalchemy as sa
import yaml

from tests.integration.commands import driftmeter, run
from tests.integration.test_any_columns import Project, project
from tests.programs import KEPT_DBT, run_program

__all__ = ["project"]

TEST = "declared_id_is_unique_by_day"
DOUBLED = (
    "insert into team.scores select * from team.scores"
    " where \"order\" in ('row 62', 'row 132', 'row 63')"
)
OUTCOMES = sa.text(
    "select monitor, partition_date::text, status, severity, observed from metrics.test_results"
    " where test = :test and partition_date >= '2026-03-01' order by 1, 2"
)


@pytest.fixture
def doubled(project: Project) -> Project:
    """Two monitors; of the first, two ids are twice on 4 March and one on 5 March."""
    models = project.directory / "models"
    declared = yaml.safe_load((models / "_models.yml").read_text())
    declared["models"][0]["name"] = "calm_names"
    (models / "_calm.yml").write_text(yaml.safe_dump(declared))
    (models / "calm_names.sql").write_text("select distinct * from {{ ref('odd_names') }}")
    configure(project, vars={"monitors": ["odd_names", "calm_names"]})
    with project.engine.begin() as session:
        session.execute(sa.text(DOUBLED))
    return project


def configure(project: Project, **settings: object) -> None:
    file = project.directory / "dbt_project.yml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), **settings}))


def outcomes(project: Project) -> list[tuple[object, ...]]:
    with project.engine.connect() as session:
        return [tuple(row) for row in session.execute(OUTCOMES, {"test": TEST})]


def test_a_doubled_id_is_a_warning_of_its_monitor_and_day_and_hides_no_day(
    doubled: Project,
) -> None:
    run(doubled, "--from", "2026-03-03", "--to", "2026-03-05")
    warned = [
        ("odd_names", "2026-03-03", "pass", "warn", 0),
        ("odd_names", "2026-03-04", "warn", "warn", 2),
        ("odd_names", "2026-03-05", "warn", "warn", 1),
    ]
    calm = [("calm_names", f"2026-03-0{day}", "pass", "warn", 0) for day in (3, 4, 5)]
    assert outcomes(doubled) == calm + warned
    # Which ids they are is kept, and the day is measured none the less.
    ids = f"select string_agg(row_id, ', ' order by row_id) from test_failures.{TEST}"
    assert doubled.scalar(ids) == "row 132, row 62, row 63"
    states = "select string_agg(distinct state, ',') from metrics.partitions"
    assert doubled.scalar(states) == "fresh"

    # A run of one monitor excludes what belongs to the others; this test it keeps.
    with doubled.engine.begin() as session:
        session.execute(sa.text("delete from metrics.test_results"))
    run(doubled, "--monitor", "odd_names", "--from", "2026-03-04", "--to", "2026-03-05")
    assert outcomes(doubled) == warned[1:]


def test_a_project_may_make_it_an_error(doubled: Project) -> None:
    configure(doubled, data_tests={"driftmeter": {TEST: {"+severity": "error"}}})
    ended = driftmeter(doubled, "run", "--from", "2026-03-04", "--to", "2026-03-04")
    assert ended.returncode != 0
    assert TEST in ended.stderr


def test_a_project_with_no_monitor_yet_passes(doubled: Project) -> None:
    for name in ("_models.yml", "_calm.yml"):
        (doubled.directory / "models" / name).unlink()
    configure(doubled, vars={"monitors": []})
    url = doubled.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    words = ("--no-use-colors", "test", "--select", TEST)
    environment = {**os.environ, "DRIFTMETER_DATABASE_URL": url}
    tested = run_program(KEPT_DBT, *words, directory=doubled.directory, environment=environment)
    assert tested.returncode == 0, tested.stdout
    assert "PASS=1" in tested.stdout
