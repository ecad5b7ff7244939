"""A kept dbt process: dbt itself, sooner."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.dbt.client import ADDRESS
from dagster_driftmeter.dbt.packages import DBT, KEPT_DBT, ensure_packages
from dagster_driftmeter.dbt.profile import profiles_dir
from dagster_driftmeter.dbt.server import depends_on_days, files_of_team, kept_dbt
from driftmeter import settings
from driftmeter.warehouse import connection
from tests.conftest import create_database

WINDOW = "select '{{ var(\"start_date\") }}' as day"
LONG_SECONDS = 60


@pytest.fixture(scope="module")
def kept(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A process that keeps dbt for a warehouse; gives a directory for what calls write."""
    ensure_packages()
    create_database(postgres, "kept_dbt", template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_DATABASE_URL", f"{postgres}/kept_dbt")
        patch.setenv("DBT_PROFILES_DIR", str(profiles_dir()))
        # Of one monitor first: calls of all and of others are as dbt's too.
        with kept_dbt("trip_tip"):
            yield tmp_path_factory.mktemp("target")


def call(target: Path, *arguments: str, dbt: Path = KEPT_DBT) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [dbt, "--no-use-colors", *arguments],
        cwd=settings.dbt_project_dir(),
        env={**os.environ, "DBT_TARGET_PATH": str(target), "DBT_LOG_PATH": str(target)},
        capture_output=True,
        text=True,
    )


def compiled(target: Path, day: str) -> "subprocess.CompletedProcess[str]":
    return call(
        target, "--quiet", "compile", "--inline", WINDOW, "--vars", f"{{start_date: {day}}}"
    )


def test_each_call_has_its_own_days(kept: Path) -> None:
    days = ("2026-01-01", "2026-01-02", "2026-01-03")
    assert [compiled(kept, day).stdout.strip() for day in days] == [
        f"select '{day}' as day" for day in days
    ]


def test_output_and_exit_code_are_those_of_dbt(kept: Path) -> None:
    for arguments in (
        ("--version",),
        ("--quiet", "ls", "--resource-type", "model"),
        ("--quiet", "compile", "--inline", "{{ ref('nobody') }}"),
        ("nothing",),
    ):
        ours, its = call(kept, *arguments), call(kept, *arguments, dbt=DBT)
        assert ours.returncode == its.returncode, arguments
        assert words(ours.stdout) == words(its.stdout), arguments


def test_a_call_of_another_warehouse_is_of_that(
    kept: Path, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    relation = ("--quiet", "compile", "--inline", "{{ ref('trip_duration') }}")
    assert '"kept_dbt"' in call(kept, *relation).stdout
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    # Each warehouse has a profile of its own, which a call brings along.
    monkeypatch.setenv("DBT_PROFILES_DIR", str(profiles_dir()))
    assert f'"{warehouse_url.rpartition("/")[2]}"' in call(kept, *relation).stdout


def test_a_call_that_is_interrupted_interrupts_its_query(kept: Path, postgres: str) -> None:
    arguments = ["show", "--inline", f"select pg_sleep({LONG_SECONDS})::text as slept"]
    process = subprocess.Popen(
        [KEPT_DBT, *arguments],
        cwd=settings.dbt_project_dir(),
        env={**os.environ, "DBT_TARGET_PATH": str(kept), "DBT_LOG_PATH": str(kept)},
    )
    wait_until(lambda: sleeping(postgres) == 1)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(LONG_SECONDS) != 0
    wait_until(lambda: sleeping(postgres) == 0)
    assert time.monotonic() - started < LONG_SECONDS / 2


def test_a_call_of_one_monitor_refers_to_that_alone(kept: Path) -> None:
    def has_test(monitor: str) -> bool:
        variables = f"{{start_date: 2026-01-01, end_date: 2026-01-02, monitor: '{monitor}'}}"
        # With a model all tests are left out that refer to it.
        arguments = ("--quiet", "ls", "--resource-type", "test", "--exclude", "trip_duration")
        return "declared_id_is_unique" in call(kept, *arguments, "--vars", variables).stdout

    assert [has_test(monitor) for monitor in ("", "trip_tip", "trip_duration")] == [
        False,
        True,
        False,
    ]


def test_without_the_process_it_is_dbt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("", str(tmp_path / "gone")):
        monkeypatch.setenv(ADDRESS, address)
        assert "core" in call(tmp_path, "--version").stdout.lower()


def test_the_process_ends_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ADDRESS, raising=False)
    with kept_dbt():
        address = Path(os.environ[ADDRESS])
        assert address.exists()
        assert address.parent.stat().st_mode & 0o077 == 0
    assert ADDRESS not in os.environ
    assert not address.parent.exists()


@pytest.mark.parametrize(
    ("name", "text", "depends"),
    [
        ("models/_a.yml", "where: \"day >= '{{ var('start_date') }}'\"", True),
        ("models/a.sql", "{{ config(enabled=var('start_date') == 'a') }} select 1", True),
        ("models/a.sql", "{% if var('start_date') %} {{ ref('a') }} {% endif %}", True),
        ("models/a.sql", "{% if is_incremental() %} {{ var('start_date') }} {% endif %}", False),
        ("models/a.sql", '{{ config(\n  alias=var( "end_date" )\n) -}} select 1', True),
        ("models/a.sql", "{{ config(alias='a') }} select '{{ var('start_date') }}'", False),
        ("models/_a.yml", "enabled: \"{{ var('with_tests') }}\"", False),
        ("models/a.md", "{{ var('start_date') }}", False),
    ],
)
def test_a_project_whose_config_has_the_days_is_parsed_for_each_run(
    tmp_path: Path, name: str, text: str, depends: bool
) -> None:
    file = tmp_path / name
    file.parent.mkdir()
    file.write_text(text)
    assert depends_on_days([file.parent, file]) is depends


def test_the_example_is_parsed_once() -> None:
    assert not depends_on_days(files_of_team())


def words(output: str) -> list[str]:
    """Words without the times, in no order: dbt's threads write."""
    return sorted(word for word in output.split() if not re.fullmatch(r"[0-9:]+", word))


def sleeping(postgres: str) -> int:
    """Queries of the test above that are on."""
    query = sa.text(
        "select count(*) from pg_stat_activity where datname = 'kept_dbt' and state = 'active'"
        " and query like '%pg_sleep%'"
    )
    engine = connection.engine(f"{postgres}/postgres")
    with engine.connect() as session:
        count = session.scalar(query)
    engine.dispose()
    return int(count or 0)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
