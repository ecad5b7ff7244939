"""Two runs of dbt on one warehouse take turns, whichever process starts them."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster_dbt import DbtCliResource

from driftmeter.settings import PROJECT_ROOT

TAKE = """
import sys
from driftmeter.warehouse import connection
from driftmeter.warehouse.turn import turn
url, purpose = sys.argv[1:]
with turn(connection.engine(url), "dbt", purpose, lambda line: print(line, flush=True)):
    print("has it", flush=True)
    sys.stdin.readline()
print("gave it back", flush=True)
"""
# Seconds between two looks at the locks: without it, looking takes a core from what is built.
PAUSE = 0.05
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


def materialize_dbt() -> dg.ExecuteInProcessResult:
    """One day through dbt's asset."""
    from dagster_driftmeter.assets.dbt_models import dbt_models
    from dagster_driftmeter.dbt.packages import DBT
    from dagster_driftmeter.dbt.project_manifest import dbt_project
    from dagster_driftmeter.runs.resources import Warehouse
    from dagster_driftmeter.runs.run_scope import range_tags
    from tests.integration.pipeline import days

    return dg.materialize(
        [dbt_models],
        resources={
            "warehouse": Warehouse(),
            "dbt": DbtCliResource(project_dir=dbt_project(), dbt_executable=str(DBT)),
        },
        tags=range_tags(days("2019-04-01")),
        raise_on_error=False,
    )


def test_dbts_asset_takes_the_turn(
    warehouse: sa.Engine, warehouse_url: str, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    holder = start("somebody else's days")
    assert next_line(holder) == "has it"

    building = threading.Thread(target=materialize_dbt)
    building.start()
    waits = sa.text("select count(*) from pg_locks where locktype = 'advisory' and not granted")
    built = sa.text("select to_regclass('metrics.reference_bins') is not null")
    with warehouse.connect() as session:
        while building.is_alive() and not session.scalar(waits):
            session.rollback()
            time.sleep(PAUSE)
        assert (session.scalar(waits), session.scalar(built)) == (1, False)
    holder.communicate("\n", timeout=20)
    building.join()
    with warehouse.connect() as session:
        assert session.scalar(built)


def test_dbts_asset_is_tried_again_when_the_warehouse_went_away_under_it(
    warehouse: sa.Engine, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    ended: list[dg.ExecuteInProcessResult] = []
    building = threading.Thread(target=lambda: ended.append(materialize_dbt()))
    building.start()
    # As a restart does to every connection: this is the one that holds the turn.
    holds = sa.text(
        "select pid from pg_locks where locktype = 'advisory' and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    with warehouse.connect() as session:
        while building.is_alive() and not (holder := session.scalar(holds)):
            session.rollback()
            time.sleep(PAUSE)
        assert session.scalar(sa.text("select pg_terminate_backend(:pid)"), {"pid": holder})
    building.join()
    kinds = [event.event_type_value for event in ended[0].all_events]
    assert kinds.count("STEP_UP_FOR_RETRY") == 1
    assert kinds.count("STEP_RESTARTED") == 1
    assert "STEP_FAILURE" not in kinds
    assert ended[0].success
