"""Outcomes of dbt's tests: one row a day of the window, told by that day's own failing rows."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from dagster_driftmeter.dbt.test_results import write_test_results
from driftmeter.arrival.inputs import note_tests
from driftmeter.monitors.config import Monitor
from tests.integration.pipeline import days
from tests.integration.test_arrival import change
from tests.integration.test_doctor import MONITOR

FAILING = """
create schema test_failures;
create table test_failures.not_null_risk as
select * from (values (date '2026-03-02', 1), ('2026-03-02', 2)) as rows (partition_date, id)
"""
WINDOW = [days(f"2026-03-0{number}").from_date for number in (1, 2, 3)]


def node(name: str = "not_null_by_day", attached: str = "model.bank.loans") -> dict[str, Any]:
    return {
        "resource_type": "test",
        "name": f"{name}_risk",
        "schema": "test_failures",
        "alias": "not_null_risk",
        "column_name": "risk",
        "attached_node": attached,
        "config": {"severity": "WARN"},
        "test_metadata": {"name": name},
    }


def write(
    engine: sa.Engine,
    status: str,
    nodes: dict[str, dict[str, Any]] | None = None,
    monitors: Sequence[str] = ("loans", "other"),
    message: str | None = None,
    finished: Sequence[Monitor] = (),
) -> list[tuple[object, ...]]:
    tests = nodes or {"test.a": node()}
    names = ("loans", "other", "column_summary")
    declared = {"meta": {"monitor": {"id": "loan"}}}
    models = {
        f"model.bank.{name}": {"name": name, "config": {} if "_" in name else declared}
        for name in names
    }
    results = [{"unique_id": key, "status": status, "message": message} for key in tests]
    run_results = {"results": [*results, {"unique_id": "model.gone", "status": "success"}]}
    days = dict.fromkeys(monitors, WINDOW)
    write_test_results(engine, run_results, {"nodes": {**tests, **models}}, days, finished)
    query = sa.text(
        "select monitor, extract(day from partition_date)::int, status, observed, reason"
        " from metrics.test_results where source = 'dbt' order by 1, 2"
    )
    with engine.connect() as session:
        rows = [tuple(row) for row in session.execute(query)]
    return rows


@pytest.mark.parametrize("status", ["warn", "fail"])
def test_only_the_day_whose_rows_fail_carries_the_words_of_the_window(
    warehouse: sa.Engine, status: str
) -> None:
    change(warehouse, FAILING)
    assert write(warehouse, status) == [
        ("loans", 1, "pass", 0, None),
        ("loans", 2, status, 2, None),
        ("loans", 3, "pass", 0, None),
    ]
    # Mended and run again: nothing of before stays.
    assert {row[2:4] for row in write(warehouse, "pass")} == {("pass", 0)}


def test_a_test_of_a_table_of_all_monitors_counts_for_each_of_the_run(
    warehouse: sa.Engine,
) -> None:
    shared = {"test.a": node(attached="model.bank.column_summary")}
    assert [row[:2] for row in write(warehouse, "pass", shared)] == [
        (name, day) for name in ("loans", "other") for day in (1, 2, 3)
    ]


def test_a_failing_row_that_names_a_monitor_counts_for_that_one_only(
    warehouse: sa.Engine,
) -> None:
    change(warehouse, FAILING.replace("(partition_date, id)", "(partition_date, monitor)"))
    change(warehouse, "alter table test_failures.not_null_risk alter monitor type text")
    change(
        warehouse, "update test_failures.not_null_risk set monitor = 'loans' where monitor = '1'"
    )
    singular = {**node(attached=""), "name": "declared_id_is_unique_by_day", "test_metadata": None}
    # A row that names what is no monitor says nothing of whose it is.
    assert [row[:4] for row in write(warehouse, "warn", {"test.a": singular}) if row[3]] == [
        ("loans", 2, "warn", 2),
        ("other", 2, "warn", 1),
    ]


@pytest.mark.parametrize(
    ("message", "reason"),
    [("column does not exist", "column does not exist"), (None, "an earlier model failed")],
)
def test_a_test_that_could_not_run_says_why_and_observed_nothing(
    warehouse: sa.Engine, message: str | None, reason: str
) -> None:
    rows = write(warehouse, "error", message=message)
    assert {row[2:] for row in rows} == {("error", None, reason)}


def test_a_test_without_days_and_another_runs_monitors_are_let_alone(warehouse: sa.Engine) -> None:
    write(warehouse, "pass")
    rows = write(warehouse, "pass", {"test.b": node(name="unique")}, monitors=["other"])
    assert [row[0] for row in rows] == ["loans"] * 3


def test_that_tests_are_done_is_noted_with_their_outcomes_or_not_at_all(
    warehouse: sa.Engine,
) -> None:
    done = "select count(*) from metrics.measured_inputs where step = 'tests' and fingerprint = ''"
    with warehouse.begin() as session:
        note_tests(session, MONITOR, WINDOW, is_done=False)
    # Of a test that found something the table of failing rows is not there.
    with pytest.raises(psycopg.errors.UndefinedTable):
        write(warehouse, "warn", finished=[MONITOR])
    with warehouse.connect() as session:
        assert session.scalar(sa.text(done)) == 0
    write(warehouse, "pass", finished=[MONITOR])
    with warehouse.connect() as session:
        assert session.scalar(sa.text(done)) == len(WINDOW)
