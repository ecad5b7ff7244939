"""What each command does in a directory that is no dbt project: one line, and nothing written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
import typer

from dagster_driftmeter.cli.app import app
from driftmeter import settings

# These need a project, or Driftmeter's directory in one.
REFUSED = {
    "run": (),
    "retain": ("--metrics", "3y"),
    "test": ("--monitor", "m", "--date", "2026-01-01"),
    "ui": ("--port", "39871"),
    "judge": ("--monitor", "m", "--from", "2026-01-01", "--to", "2026-01-02"),
    "power": ("--monitor", "m"),
    "slices": ("--monitor", "m", "--date", "2026-01-01"),
    "groups": ("--monitor", "m", "--date", "2026-01-01"),
    "report": ("--overview",),
    "reports": ("--port", "39872"),
    "code-server": ("--port", "39873"),
    "grafana": ("--url", "http://127.0.0.1:9", "--token", "t"),
    "doctor": (),
    "health": ("--port", "39874"),
}
# These read or write what the URL names, which is the same in every directory.
OF_THE_WAREHOUSE = {"down", "url", "backup", "restore", "status", "incidents", "notify", "versions"}
# These make what is missing, or name the example themselves.
MAKING = {"up", "init", "demo"}


def all_commands() -> set[str]:
    """Names of every command."""
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_every_command_is_of_one_kind() -> None:
    assert {*REFUSED} | OF_THE_WAREHOUSE | MAKING == all_commands()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that nothing names."""
    for name in [name for name in os.environ if name.startswith(("DRIFTMETER_", "DBT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*arguments: str) -> tuple[int, str]:
    """Exit code of a command, and what it says."""
    code = "from dagster_driftmeter.cli.main import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120
    )
    return ended.returncode, ended.stdout + ended.stderr


@pytest.mark.parametrize("command", sorted(REFUSED))
def test_a_command_that_needs_a_project_is_refused_without_one(
    command: str, elsewhere: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database without a table of Driftmeter's has none afterwards."""
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", f"{postgres}/postgres")
    code, said = called(command, *REFUSED[command])
    assert code == 1, said
    assert "error: " in said
    assert "holds no dbt project" in said.splitlines()[-1]
    assert "driftmeter init --table SCHEMA.TABLE" in said
    assert not list(elsewhere.iterdir())
    engine = sa.create_engine(f"{postgres}/postgres".replace("postgresql:", "postgresql+psycopg:"))
    made = "select count(*) from pg_namespace where nspname ~ '^(metrics|raw|dagster|inference)$'"
    with engine.connect() as session:
        assert session.scalar(sa.text(made)) == 0
    engine.dispose()


@pytest.mark.parametrize("command", ["down", "url", "status", "backup"])
def test_without_a_url_no_warehouse_is_guessed(command: str, elsewhere: Path) -> None:
    code, said = called(command, *(["file"] if command == "backup" else []))
    assert code == 1
    assert said.startswith("error: ")
    assert "holds no dbt project" in said
    assert not list(elsewhere.iterdir())


def test_a_named_directory_without_a_project_is_refused_before_anything_is_written(
    elsewhere: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", f"{postgres}/postgres")
    monkeypatch.setenv("DRIFTMETER_DBT_PROJECT", str(elsewhere / "nothing"))
    code, said = called("run")
    assert code == 1
    assert "holds no dbt project. correct DRIFTMETER_DBT_PROJECT" in said
    assert not list(elsewhere.iterdir())


def test_the_example_is_meant_in_its_own_directories_only(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not settings.is_example()
    for place in (settings.PROJECT_ROOT, settings.EXAMPLE_PROJECT):
        monkeypatch.chdir(place)
        assert settings.is_example()
        assert settings.home() == settings.PROJECT_ROOT / ".driftmeter"
    monkeypatch.chdir(settings.PROJECT_ROOT / "tests")
    assert not settings.has_project()
    settings.choose_example()
    assert settings.is_example()
