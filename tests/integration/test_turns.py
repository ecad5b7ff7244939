"""Two runs of dbt on one warehouse take turns, whichever process starts them."""

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from python_metrics.settings import PROJECT_ROOT

TAKE = """
import sys
from python_metrics.warehouse import connection
from python_metrics.warehouse.turn import turn
url, purpose = sys.argv[1:]
with turn(connection.engine(url), "dbt", purpose, lambda line: print(line, flush=True)):
    print("has it", flush=True)
    sys.stdin.readline()
print("gave it back", flush=True)
"""
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(warehouse_url: str) -> Iterator[Start]:
    """Starts a process that takes the turn, says so, and keeps it until it reads a line."""
    started = []

    def begin(purpose: str) -> "subprocess.Popen[str]":
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", TAKE, warehouse_url, purpose],
                cwd=PROJECT_ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_second_waits_says_for_whom_and_goes_on_when_the_first_is_done(start: Start) -> None:
    first = start("2026-03-01 to 2026-03-05, all")
    assert next_line(first) == "has it"
    second = start("2026-03-06 to 2026-03-06, loans")
    line = next_line(second)
    assert line.startswith("waiting for another run of dbt on this warehouse: 2026-03-01 to")
    # It has not gone on: nothing but the end of the first lets it.
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    first.communicate("\n", timeout=20)
    assert next_line(second) == "has it"


def test_a_killed_holder_leaves_the_turn_to_the_next(start: Start) -> None:
    first = start("a run that is killed")
    assert next_line(first) == "has it"
    second = start("the next")
    assert "a run that is killed" in next_line(second)
    first.kill()
    assert next_line(second) == "has it"


def test_dbts_asset_takes_the_turn(
    warehouse: sa.Engine, warehouse_url: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    import dagster as dg
    from dagster_dbt import DbtCliResource

    from orchestration.dbt_manifest import dbt_project
    from orchestration.dbt_models import dbt_models
    from orchestration.dbt_packages import DBT
    from orchestration.resources import Warehouse
    from orchestration.run_scope import range_tags
    from tests.integration.pipeline import days

    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    holder = start("somebody else's days")
    assert next_line(holder) == "has it"

    def build() -> None:
        dg.materialize(
            [dbt_models],
            resources={
                "warehouse": Warehouse(),
                "dbt": DbtCliResource(project_dir=dbt_project(), dbt_executable=str(DBT)),
            },
            tags=range_tags(days("2019-04-01")),
            raise_on_error=False,
        )

    building = threading.Thread(target=build)
    building.start()
    waits = sa.text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
    built = sa.text("select to_regclass('metrics.column_profile') is not null")
    with warehouse.connect() as session:
        while building.is_alive() and not session.scalar(waits):
            session.rollback()
        assert (session.scalar(waits), session.scalar(built)) == (1, False)
    holder.communicate("\n", timeout=20)
    building.join()
    with warehouse.connect() as session:
        assert session.scalar(built)
