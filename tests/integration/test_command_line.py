"""`driftmeter` as a person types it, in a copy of the checkout with a home of its own."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse.embedded import EmbeddedPostgres

COPIED = ("python_metrics", "orchestration", "dbt_project", "seeds", "grafana")
MADE_HERE = shutil.ignore_patterns(
    "target", "logs", "dbt_packages", "profiles.yml", "__pycache__", ".user.yml"
)

Completed = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A copy of the project: `up` writes dbt's profile, and the developer's own must stay."""
    directory = Path(tempfile.mkdtemp(prefix="driftmeter checkout "))
    for name in COPIED:
        shutil.copytree(PROJECT_ROOT / name, directory / name, ignore=MADE_HERE)
    yield directory
    EmbeddedPostgres(directory / ".driftmeter").stop()
    shutil.rmtree(directory)


def packages(checkout: Path) -> str:
    """Where the copy's own packages are, ahead of the developer's."""
    return os.pathsep.join(str(checkout / name) for name in ("python_metrics", "orchestration"))


def python(checkout: Path, code: str, *arguments: str, **settings: str) -> Completed:
    """Run Python in the copy, with no setting of ours but those given."""
    ours = ("DRIFTMETER_", "DAGSTER_", "DBT_")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return subprocess.run(
        [sys.executable, "-B", "-c", code, *arguments],
        cwd=checkout,
        env={**inherited, "PYTHONPATH": packages(checkout), **settings},
        capture_output=True,
        text=True,
    )


def driftmeter(checkout: Path, *arguments: str, **settings: str) -> Completed:
    return python(
        checkout, "from dagster_driftmeter.cli.main import main; main()", *arguments, **settings
    )


def one_line_error(result: Completed) -> str:
    """The error as the user reads it: one line, no traceback, exit code 1."""
    assert result.returncode == 1, result.stderr
    assert result.stdout == ""
    *started, error = result.stderr.splitlines()
    assert started in ([], ["Starting the warehouse, dbt and Dagster ..."]), result.stderr
    assert error.startswith("error: ")
    return error


def test_help_lists_every_command_and_where_to_start(checkout: Path) -> None:
    shown = driftmeter(checkout, "--help")
    assert shown.returncode == 0
    for command in ("up", "down", "url", "run", "demo", "status", "ui", "report", "grafana"):
        assert f"\n  {command} " in shown.stdout
    assert "To start, run `driftmeter demo`" in shown.stdout
    assert "Example:" in driftmeter(checkout, "demo", "--help").stdout


def test_an_unknown_option_or_command_exits_with_2(checkout: Path) -> None:
    assert driftmeter(checkout, "url", "--loud").returncode == 2
    assert driftmeter(checkout, "fly").returncode == 2


def test_the_command_line_loads_nothing_slow_before_it_must(checkout: Path) -> None:
    code = (
        "import sys, dagster_driftmeter.cli.main; print([name for name in sys.modules if name in "
        "('alembic', 'dagster', 'dbt', 'evidently', 'pandas', 'numpy', 'sklearn', 'pyarrow')])"
    )
    assert python(checkout, code).stdout.strip() == "[]"


def test_url_of_a_warehouse_of_ones_own_is_printed_as_it_is(checkout: Path) -> None:
    url = "postgresql://me:p%40ss@db.example.com:6543/mine?sslmode=require"
    assert driftmeter(checkout, "url", DRIFTMETER_DATABASE_URL=url).stdout == url + "\n"


def test_without_a_warehouse_the_way_to_one_is_named(checkout: Path, tmp_path: Path) -> None:
    for command in ("url", "status"):
        line = one_line_error(driftmeter(checkout, command, DRIFTMETER_HOME=str(tmp_path)))
        assert "run `driftmeter up`" in line


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://me:secret@127.0.0.1:1/mine", "does not answer (connection failed"),
        ("postgresql://me:secret@127.0.0.1:port/mine", "cannot be read as a database URL"),
        ("me:secret", "cannot be read as a database URL"),
        ("mysql://me:secret@127.0.0.1/mine", "names a mysql database"),
    ],
)
def test_a_warehouse_that_cannot_be_used_is_one_line_without_the_password(
    checkout: Path, url: str, said: str
) -> None:
    for command in ("up", "status"):
        line = one_line_error(driftmeter(checkout, command, DRIFTMETER_DATABASE_URL=url))
        assert said in line
        assert "DRIFTMETER_DATABASE_URL" in line
        assert "secret" not in line


def test_debugging_shows_the_traceback(checkout: Path) -> None:
    shown = driftmeter(
        checkout,
        "status",
        DRIFTMETER_DATABASE_URL="postgresql://me@127.0.0.1:1/mine",
        DRIFTMETER_DEBUG="1",
    )
    assert shown.returncode == 1
    assert "Traceback" in shown.stderr


@pytest.fixture(scope="module")
def started(checkout: Path) -> Completed:
    """`driftmeter up`, with the embedded server, as two impatient people run it."""
    code = "from dagster_driftmeter.cli.main import main; main()"
    both = [
        subprocess.Popen(
            [sys.executable, "-B", "-c", code, "up"],
            cwd=checkout,
            env={
                **{key: value for key, value in os.environ.items() if "DRIFTMETER" not in key},
                "PYTHONPATH": packages(checkout),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    printed = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    assert printed[0] == printed[1]
    return Completed([], 0, *printed[0])


def test_up_starts_a_warehouse_and_says_what_to_do_next(checkout: Path, started: Completed) -> None:
    url = driftmeter(checkout, "url").stdout.strip()
    password = url.split(":")[2].split("@")[0]
    assert "psql" in started.stdout
    assert "dbt build" in started.stdout
    assert password not in started.stdout
    with psycopg.connect(url) as connection:
        made = connection.execute("select to_regclass('metrics.drift') is not null").fetchone()
    assert made == (True,)


def test_an_empty_warehouse_has_a_status(checkout: Path, started: Completed) -> None:
    assert (
        "no day has been measured yet: run `driftmeter run`"
        in driftmeter(checkout, "status").stdout
    )
    assert json.loads(driftmeter(checkout, "status", "--json").stdout) == []


def test_dbt_reaches_the_embedded_warehouse_with_no_settings(
    checkout: Path, started: Completed
) -> None:
    """The profile is in Driftmeter's directory, and not in the project."""
    assert not (checkout / "dbt_project" / "profiles.yml").exists()
    clean = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    asked = subprocess.run(
        [str(Path(sys.executable).parent / "driftmeter-dbt"), "--no-use-colors", "debug"],
        cwd=checkout / "dbt_project",
        # The checkout's own code: its home is asked for.
        env={**clean, "PYTHONPATH": packages(checkout)},
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stdout
    assert "Connection test: [OK connection ok]" in asked.stdout
    (profile,) = (checkout / ".driftmeter" / "profiles").rglob("profiles.yml")
    assert stat.S_IMODE(profile.stat().st_mode) == 0o600


def test_dagsters_tables_are_in_their_own_schema_and_no_secret_is_in_its_settings(
    checkout: Path, started: Completed
) -> None:
    code = """
from dagster_driftmeter.runs.environment import prepare
prepare()
import dagster as dg

@dg.asset
def one(): ...

instance = dg.DagsterInstance.get()
assert dg.materialize([one], instance=instance).success
assert instance.get_latest_materialization_event(dg.AssetKey("one"))
print(instance.get_concurrency_config().pool_config.default_pool_limit, instance.telemetry_enabled)
"""
    used = python(checkout, code)
    assert used.returncode == 0, used.stderr
    assert used.stdout.split() == ["1", "False"]
    url = driftmeter(checkout, "url").stdout.strip()
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "select distinct schemaname from pg_tables where tablename in ('runs', 'event_logs')"
        ).fetchall()
    assert found == [("dagster",)]
    password = url.split(":")[2].split("@")[0]
    settings = (checkout / ".driftmeter" / "dagster" / "dagster.yaml").read_text()
    assert "DRIFTMETER_DAGSTER_URL" in settings
    assert password not in settings


LOAD_PROFILE = """
import argparse, json, os, sys
from dbt.config.runtime import load_profile
from dbt.flags import set_from_args
from dbt_common.context import set_invocation_context

from dagster_driftmeter.dbt.profile import profiles_dir

for url in json.loads(sys.argv[1]):
    os.environ["DRIFTMETER_DATABASE_URL"] = url
    set_from_args(argparse.Namespace(PROFILES_DIR=str(profiles_dir())), None)
    set_invocation_context(os.environ)
    c = load_profile("dbt_project", {}).credentials
    print(json.dumps([c.host, c.port, c.user, c.password, c.database, c.sslmode]))
"""
AWKWARD = "p@ss:/?#%\"'\\ {{é€}}"
PROFILES = {
    "postgresql://me:p%40ss%3A%2F%3F%23%25%22%27%5C%20%7B%7B%C3%A9%E2%82%AC%7D%7D@db.example.com"
    ":6543/my%20db?connect_timeout=3&sslmode=require": [
        "db.example.com", 6543, "me", AWKWARD, "my db", "require",
    ],
    "postgres://me%40work:12345@db/mine": ["db", 5432, "me@work", "12345", "mine", None],
    "postgresql+psycopg://me:true@db/007": ["db", 5432, "me", "true", "007", None],
    "postgresql://me@[::1]:6543/mine": ["::1", 6543, "me", "", "mine", None],
}  # fmt: skip


def test_dbts_profile_reads_any_url_as_it_is_meant(checkout: Path, started: Completed) -> None:
    loaded = python(checkout, LOAD_PROFILE, json.dumps(list(PROFILES)))
    assert loaded.returncode == 0, loaded.stderr
    lines = [json.loads(line) for line in loaded.stdout.splitlines() if line.startswith("[")]
    assert lines == list(PROFILES.values())


def test_a_project_parses_where_there_is_no_warehouse(checkout: Path, tmp_path: Path) -> None:
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": packages(checkout)}
    parsed = subprocess.run(
        [str(Path(sys.executable).parent / "driftmeter-dbt"), "parse"],
        cwd=checkout / "dbt_project",
        env={**clean, "DRIFTMETER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert parsed.returncode == 0, parsed.stdout


def test_the_manifest_is_the_projects_where_runs_write_elsewhere(
    checkout: Path, tmp_path: Path
) -> None:
    """A container cannot write beside the project: its runs have a DBT_TARGET_PATH."""
    manifest = checkout / "dbt_project" / "target" / "manifest.json"
    manifest.unlink(missing_ok=True)
    code = (
        "from dagster_driftmeter.dbt.project_manifest import monitors; print(*sorted(monitors()))"
    )
    listed = python(checkout, code, DBT_TARGET_PATH=str(tmp_path / "runs"))
    assert listed.stdout.split() == ["trip_duration", "trip_tip"], listed.stderr
    assert manifest.exists()


def test_a_monitor_with_an_unknown_column_is_one_line_and_nothing_is_written(
    checkout: Path, warehouse_url: str, warehouse: sa.Engine
) -> None:
    models = checkout / "dbt_project" / "models" / "inference" / "_inference.yml"
    right = models.read_text()
    assert right.count("prediction: predicted_minutes") == 1
    wrong = right.replace("prediction: predicted_minutes", "prediction: predicted_minuets")
    models.write_text(wrong)
    try:
        day = ("--from", "2019-04-01", "--to", "2019-04-01")
        line = one_line_error(
            driftmeter(checkout, "demo", *day, DRIFTMETER_DATABASE_URL=warehouse_url)
        )
    finally:
        models.write_text(right)
    assert "models/inference/_inference.yml" in line
    assert "prediction: the model has no column 'predicted_minuets'" in line
    assert "use one of" in line
    with warehouse.connect() as session:
        for table in ("raw.loads", "raw.trips", "metrics.partitions", "metrics.model_versions"):
            assert session.scalar(sa.text(f"select count(*) from {table}")) == 0


def test_a_day_that_is_none_is_one_line(checkout: Path, warehouse_url: str) -> None:
    line = one_line_error(
        driftmeter(checkout, "demo", "--from", "2019-02-30", DRIFTMETER_DATABASE_URL=warehouse_url)
    )
    assert "--from: '2019-02-30' is not a date" in line
    assert "YYYY-MM-DD" in line


STATUS_ROWS = """
insert into metrics.partitions
    (monitor, partition_date, state, row_count, config_hash, duration_seconds)
values
    ('trip_tip', '2019-04-01', 'fresh', 300, 'abc', 1),
    ('trip_tip', '2019-04-02', 'stale', 300, 'abc', 1),
    ('trip_tip', '2019-04-03', 'empty', 0, 'abc', 1),
    ('trip_tip', '2019-04-04', 'fresh', 300, 'abc', 1);
select metrics.make_months('metrics.drift', '{2019-04-01}');
insert into metrics.drift
    (monitor, partition_date, column_name, baseline, method, is_drifted, n_reference, n_current,
    status, engine)
values
    ('trip_tip', '2019-04-01', 'old', 'reference', 'day_level', true, 1, 1, 'ok', 'e'),
    ('trip_tip', '2019-04-04', 'fare_usd', 'reference', 'day_level', true, 1, 1, 'ok', 'e'),
    ('trip_tip', '2019-04-04', 'calm', 'reference', 'day_level', false, 1, 1, 'ok', 'e'),
    ('trip_tip', '2019-04-04', 'theirs', 'reference', 'distance', true, 1, 1, 'ok', 'e'),
    ('trip_tip', '2019-04-04', null, 'reference', 'domain_classifier', true, 1, 1, 'ok', 'e');
insert into metrics.baselines
    (monitor, baseline, kind, from_date, to_date, row_count, content_hash)
values ('trip_tip', 'reference', 'fixed', '2019-02-01', '2019-03-31', 9000, 'abc')
"""


def test_status_counts_days_by_state_and_names_what_drifted_on_the_last(
    checkout: Path, warehouse_url: str, warehouse: sa.Engine
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(STATUS_ROWS)
    shown = driftmeter(checkout, "status", "--json", DRIFTMETER_DATABASE_URL=warehouse_url)
    (row,) = json.loads(shown.stdout)
    states = [row[state] for state in ("days", "fresh", "stale", "empty", "missing", "failed")]
    assert states == [4, 2, 1, 1, 0, 0]
    assert (row["first_day"], row["last_fresh_day"]) == ("2019-04-01", "2019-04-04")
    assert row["drifted_on_last_day"] == ["fare_usd"]
    assert row["reference"] == {"from": "2019-02-01", "to": "2019-03-31", "rows": 9000}
    table = driftmeter(checkout, "status", DRIFTMETER_DATABASE_URL=warehouse_url).stdout
    assert "4: 2 fresh, 1 stale, 1 empty" in table
    assert "no version is recorded" in table
    password = warehouse_url.split(":")[2].split("@")[0]
    assert password not in table


def test_down_stops_the_embedded_server_and_leaves_ones_own_alone(
    checkout: Path, started: Completed
) -> None:
    url = driftmeter(checkout, "url").stdout.strip()
    own = driftmeter(checkout, "down", DRIFTMETER_DATABASE_URL="postgresql://me@db/mine")
    assert "so it is not stopped" in own.stdout
    psycopg.connect(url).close()
    assert driftmeter(checkout, "down").stdout == "the embedded warehouse is stopped\n"
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    assert driftmeter(checkout, "down").stdout == "the embedded warehouse was not running\n"
