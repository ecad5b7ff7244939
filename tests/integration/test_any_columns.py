"""Quality models over a table that nobody chose for them: its names, its kinds, its windows."""

import copy
import datetime as dt
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from driftmeter import settings
from driftmeter.alarms.detect import detect
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.manifest import load_monitors
from driftmeter.performance.performance_day import load_background, measure_day
from driftmeter.warehouse import connection
from tests.cases import over
from tests.conftest import create_database, database_copy
from tests.integration.team import Warehouse
from tests.programs import KEPT_DBT, run_program

ROWS = '''
    create schema team;
    create table team.scores as
    select
        date '2026-01-01' + number % 70 as day,
        'row ' || number as "order",
        'v1' as version,
        (number % 9)::double precision as "Gross Weight",
        number % 5 as "user's ""own""",
        (number % 7)::numeric as bins,
        (number % 3)::double precision as "{long}",
        number % 4 as segment_1,
        sqrt(number) as predicted,
        sqrt(number) + number % 3 as target
    from generate_series(1, 7000) as number
'''
LONG = "a" * 63
MODEL = '''
select
    day as partition_date, "order", version, "Gross Weight", "user's ""own""", bins, "{long}",
    segment_1, predicted, target
from team.scores
'''
FEATURES = ("Gross Weight", 'user\'s "own"', "bins", LONG)
MONITOR = {
    "owner": "team-scores",
    "task": "regression",
    "timestamp": "partition_date",
    "id": "order",
    "prediction": "predicted",
    "target": "target",
    "model_version": "version",
    "features": {name: {"kind": "numerical"} for name in FEATURES},
    "segments": ["segment_1"],
    "reference": {"from": "2026-01-01", "to": "2026-02-28"},
}
QUALITY = ["reference_bins", "column_summary"]
SPAN = {"start_date": "2026-01-01", "end_date": "2026-03-12"}


# What a team has: a project of its own, with schemas as dbt makes them, and the package.
DBT_PROJECT = {
    "name": "scores",
    "version": "1.0.0",
    "profile": "driftmeter",
    "vars": {"monitors": []},
    "models": {
        "scores": {"+schema": "scoring", "+incremental_strategy": "replace_window"},
        "+full_refresh": False,
    },
}


class Project(Warehouse):
    """A dbt project with Driftmeter's package and one monitor of numbers only."""

    def __init__(self, root: Path, engine: sa.Engine) -> None:
        self.root = root
        self.engine = engine
        self.directory = root / "scores"
        (self.directory / "models").mkdir(parents=True)
        packages = {"packages": [{"local": str(settings.DBT_PACKAGE)}]}
        (self.directory / "packages.yml").write_text(yaml.safe_dump(packages))
        (self.directory / "dbt_project.yml").write_text(yaml.safe_dump(DBT_PROJECT))
        # As `dbt deps` does, whose start takes seconds: `driftmeter init` leaves that to it.
        (self.directory / "dbt_packages").mkdir()
        (self.directory / "dbt_packages" / "driftmeter").symlink_to(settings.DBT_PACKAGE)
        shutil.copytree(settings.EXAMPLE_PROJECT / "macros", self.directory / "macros")
        # A team's schemas are named by dbt's own rule.
        (self.directory / "macros" / "generate_schema_name.sql").unlink()
        self.write(MODEL.format(long=LONG))
        self.declare("odd_names")

    def copied(self, root: Path, engine: sa.Engine) -> "Project":
        """A copy of its files, home included, over another warehouse."""
        shutil.copytree(self.root, root, symlinks=True, dirs_exist_ok=True)
        other = copy.copy(self)
        other.root, other.engine, other.directory = root, engine, root / self.directory.name
        return other

    def write(self, sql: str) -> None:
        (self.directory / "models" / "odd_names.sql").write_text(sql)

    def declare(self, *listed: str, materialized: str = "incremental", **changes: object) -> None:
        named = (*FEATURES, "partition_date", "order", "version", "segment_1")
        columns = [{"name": name} for name in (*named, "predicted", "target")]
        model = {
            "name": "odd_names",
            "config": {
                "contract": {"enforced": False},
                "materialized": materialized,
                "meta": {"monitor": {**MONITOR, **changes}},
            },
            "columns": columns,
        }
        file = self.directory / "models" / "_models.yml"
        file.write_text(yaml.safe_dump({"models": [model]}))
        project = self.directory / "dbt_project.yml"
        content = yaml.safe_load(project.read_text())
        content["vars"]["monitors"] = list(listed)
        project.write_text(yaml.safe_dump(content))

    def build(self, *models: str, **variables: str) -> subprocess.CompletedProcess[str]:
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        selected = ["--select", *models] if models else []
        words = ("--no-use-colors", "run", *selected, "--vars", json.dumps(variables))
        environment = {**os.environ, "DRIFTMETER_DATABASE_URL": url}
        return run_program(KEPT_DBT, *words, directory=self.directory, environment=environment)


def fill(engine: sa.Engine) -> None:
    """Make the table of scores, with its rows."""
    with engine.begin() as session:
        session.exec_driver_sql(ROWS.replace("{long}", LONG).replace("%", "%%"))


@pytest.fixture
def project(tmp_path: Path, warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Project:
    fill(warehouse)
    made = Project(tmp_path, warehouse)
    monkeypatch.setenv("DRIFTMETER_DBT_PROJECT", str(made.directory))
    return made


@pytest.fixture(scope="module")
def built_once(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after dbt built all of its days; copied for each test."""
    engine = database_copy(postgres, template, "odd_names")
    fill(engine)
    made = Project(tmp_path_factory.mktemp("odd_names"), engine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_DBT_PROJECT", str(made.directory))
        ended = made.build(**SPAN)
    assert ended.returncode == 0, ended.stdout
    # Nobody may be connected to what is copied.
    engine.dispose()
    return made


@pytest.fixture
def built(
    built_once: Project, postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """The built project, a test's own copy of it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    create_database(postgres, name, str(built_once.engine.url.database))
    engine = connection.engine(f"{postgres}/{name}")
    made = built_once.copied(tmp_path, engine)
    monkeypatch.setenv("DRIFTMETER_DBT_PROJECT", str(made.directory))
    yield made
    engine.dispose()


def test_numbers_only_and_names_of_any_kind_are_measured(built: Project) -> None:
    project = built
    query = (
        "select string_agg(distinct column_name, '|' order by column_name)"
        " from metrics.column_profile"
    )
    columns = {*FEATURES, "predicted", "target"}
    assert set(str(project.scalar(query)).split("|")) == columns
    is_right = project.scalar(
        'select abs(value - (select avg("Gross Weight") from team.scores'
        " where day = '2026-02-02')) < 1e-12 from metrics.column_profile"
        " where column_name = 'Gross Weight' and metric = 'mean'"
        " and partition_date = '2026-02-02' and segment is null"
    )
    assert is_right
    # A whole number as a segment is written as Postgres prints it.
    values = project.scalar(
        "select string_agg(distinct segment_value, ',' order by segment_value)"
        " from metrics.column_histogram where segment = 'segment_1'"
    )
    assert values == "0,1,2,3"
    rows = project.scalar(
        "select sum(row_count) from metrics.column_histogram where column_name = 'bins'"
        " and segment is null and partition_date = '2026-02-02'"
    )
    assert rows == project.scalar("select count(*) from team.scores where day = '2026-02-02'")
    monitor = load_monitors(project.directory / "target" / "manifest.json")["odd_names"]
    assert monitor.segments == ("segment_1",)


def counts(project: Project) -> tuple[object, object]:
    return (
        project.scalar("select count(*) from public_scoring.odd_names"),
        project.scalar('select count(distinct "order") from public_scoring.odd_names'),
    )


def test_a_model_without_a_window_never_doubles_its_rows(built: Project) -> None:
    assert "in_window" not in MODEL
    project = built
    assert counts(project) == (7000, 7000)
    for start, end in (
        ("2026-01-05", "2026-01-06"),
        ("2026-01-01", "2026-03-12"),
        ("2026-01-05", "2026-01-06"),
    ):
        again = project.build(start_date=start, end_date=end)
        assert again.returncode == 0, again.stdout
        assert counts(project) == (7000, 7000)
    profiles = "select sum(value) from metrics.column_profile where metric = 'row_count'" + (
        " and segment is null"
    )
    assert project.scalar(profiles) == 7000


def test_without_a_window_days_that_the_source_lost_are_kept(built: Project) -> None:
    project = built
    with project.engine.begin() as session:
        session.execute(sa.text("delete from team.scores where day < '2026-01-20'"))
    again = project.build()
    assert again.returncode == 0, again.stdout
    told = "odd_names: no start_date and end_date, so that all 70 days are built again. One day:"
    assert told in again.stdout
    assert counts(project) == (7000, 7000)
    # Asked for, they go.
    assert project.build(start_date="2026-01-01", end_date="2026-01-20").returncode == 0
    assert counts(project)[0] == project.scalar("select count(*) from team.scores")


@over(
    ("variables", "message"),
    [
        ({"start_date": "2026-01-05"}, "vars.end_date: '' is no day. Give both or neither"),
        ({"end_date": "2026-01-05"}, "vars.start_date: '' is no day"),
        ({"start_date": "soon", "end_date": "2026-01-05"}, "'soon' is no day"),
        ({"start_date": "2026-01-05", "end_date": "2026-01-05"}, "is not before end_date"),
        (
            {"strat_date": "2026-01-05", "end_date": "2026-01-06"},
            "vars.strat_date: there is no such",
        ),
        ({"start_day": "2026-01-05", "end_day": "2026-01-06"}, "vars.start_day: there is no such"),
        ({"from": "2026-01-05", "to": "2026-01-06"}, "vars.from: there is no such variable"),
        ({"start_date": "2026-01-05", "end_date": "2026-02-30"}, "2026-02-30"),
    ],
)
def test_half_a_window_touches_nothing(
    built: Project, variables: dict[str, str], message: str
) -> None:
    refused = built.build(**variables)
    assert refused.returncode != 0
    assert message in " ".join(refused.stdout.split())
    assert counts(built) == (7000, 7000)


def test_a_table_or_a_view_of_a_windows_days_alone_is_refused(project: Project) -> None:
    project.declare("odd_names", materialized="table")
    windowed = MODEL.format(long=LONG) + "where {{ driftmeter.in_window('day') }}"
    project.write(windowed)
    # Beside the table a view, with which no monitor is made.
    view = "{{ config(materialized='view') }}\n" + windowed
    (project.directory / "models" / "odd_view.sql").write_text(view)
    assert project.build().returncode == 0
    refused = project.build(start_date="2026-01-05", end_date="2026-01-06")
    assert refused.returncode != 0
    said = " ".join(refused.stdout.split())
    assert "odd_names: in_window() in a table leaves out every day" in said
    assert "odd_view: in_window() in a view leaves out every day" in said
    assert counts(project) == (7000, 7000)
    assert project.scalar("select count(*) from public_scoring.odd_view") == 7000


def test_without_a_window_a_variable_of_another_name_loses_nothing(built: Project) -> None:
    again = built.build(first_day="2026-01-05", last_day="2026-01-06")
    assert again.returncode == 0, again.stdout
    assert counts(built) == (7000, 7000)


def test_rows_without_a_day_are_refused(built: Project) -> None:
    project = built
    with project.engine.begin() as session:
        session.execute(sa.text("update team.scores set day = null where segment_1 = 1"))
    refused = project.build(start_date="2026-01-01", end_date="2026-01-03")
    assert "odd_names: 1750 rows have no partition_date" in " ".join(refused.stdout.split())
    assert counts(project) == (7000, 7000)


@over("listed", [(), ("odd_names", "nosuch")])
def test_a_monitor_is_declared_and_listed_or_refused(
    project: Project, listed: tuple[str, ...]
) -> None:
    project.declare(*listed)
    refused = project.build(start_date="2026-01-01", end_date="2026-01-03")
    assert refused.returncode != 0
    said = " ".join(refused.stdout.split())
    name = listed[-1] if listed else "odd_names"
    assert name in said
    assert "vars.monitors" in said or "depends on a node named 'nosuch'" in said


def test_segments_that_are_no_feature_or_a_number_are_measured_to_the_end(
    project: Project,
) -> None:
    project.declare("odd_names", segments=["segment_1", "bins"])
    # Half of the labels of the last day are far off, all in one segment.
    with project.engine.begin() as session:
        session.execute(
            sa.text(
                "update team.scores set target = target + 500, predicted = predicted * 3"
                " where day = '2026-03-11' and segment_1 = 1"
            )
        )
    built = project.build(start_date="2026-01-01", end_date="2026-03-12")
    assert built.returncode == 0, built.stdout
    monitor = load_monitors(project.directory / "target" / "manifest.json")["odd_names"]
    reference = load_reference(project.engine, monitor)
    assert not [name for name in reference.classifier._names if "as text" in name]
    days = [dt.date(2026, 3, 1) + dt.timedelta(days=number) for number in range(11)]
    background = load_background(project.engine, monitor)
    for day in days:
        assert compute_partition(project.engine, monitor, day, reference).state == "fresh"
        measured = measure_day(project.engine, background, day, monitor.config_hash)
        # SQL and Python agree on what a segment's value is called.
        for kind in ("realised", "estimated"):
            values = {row.segment_value for row in measured if row.kind == kind} - {None}
            assert values <= {str(number) for number in range(7)}, values
    detect(project.engine, monitor, reference.config_hash, days)
    breaches = update_incidents(project.engine, monitor, days)
    assert breaches[days[-1]]
    split = project.scalar(
        "select count(*) from metrics.performance where kind = 'realised' and segment = 'bins'"
        " and segment_value in ('0', '6') and lower is not null"
    )
    assert isinstance(split, int)
    assert split > 0
