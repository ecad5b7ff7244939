"""The dbt package in a database that was never prepared: a CI, or a schema of a developer."""

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.dbt.packages import DBT
from dagster_driftmeter.dbt.profile import profiles_dir
from driftmeter.warehouse import connection, migrate
from tests.conftest import create_database
from tests.integration.test_any_columns import LONG, ROWS, Project

ALONE = "`driftmeter up` prepares the database"
SUMMARIES = (
    "select md5(string_agg(stored::text, '' order by stored::text)) from metrics.column_summary"
    " as stored"
)


@pytest.fixture
def unprepared(postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    create_database(postgres, name, "template0")
    engine = connection.engine(f"{postgres}/{name}")
    with engine.begin() as session:
        session.exec_driver_sql(ROWS.replace("{long}", LONG).replace("%", "%%"))
    project = Project(tmp_path, engine)
    monkeypatch.setenv("DRIFTMETER_DBT_PROJECT", str(project.directory))
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path / "home"))
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    yield project
    engine.dispose()


def build(project: Project) -> str:
    """What `dbt build` of everything prints, where it is green."""
    ended = subprocess.run(
        [DBT, "--no-use-colors", "build", "--profiles-dir", str(profiles_dir())],
        cwd=project.directory,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_dbt_build_is_green_before_the_database_is_prepared_and_afterwards(
    unprepared: Project,
) -> None:
    assert build(unprepared).count(ALONE) == 1
    alone = unprepared.scalar(SUMMARIES)
    # Its tables are there already: a second run replaces rows, without months.
    build(unprepared)
    migrate.upgrade(unprepared.engine)
    assert ALONE not in build(unprepared)
    assert unprepared.scalar(SUMMARIES) == alone
    noted = "select count(*) from metrics.measured_inputs where step = 'quality'"
    assert unprepared.scalar(noted) == 70
    with unprepared.engine.connect() as session:
        kind = session.execute(
            sa.text("select relkind from pg_class where oid = 'metrics.column_summary'::regclass")
        ).scalar()
    assert kind in ("p", b"p")
