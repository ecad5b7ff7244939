"""An alarm day is one thing: whoever counts them counts the same, on the demo's data."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from dagster_driftmeter.cli.app import app
from dagster_driftmeter.cli.summary import print_summary
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.chain import ChainRun
from driftmeter.incidents.breach import Kind
from driftmeter.incidents.ledger import alarms_under, stored_alarms
from tests.conftest import DEMO_DAYS
from tests.integration.pipeline import days

FIRST, LAST = (dt.date.fromisoformat(day) for day in DEMO_DAYS)
# What the state of a day says by itself: facts, which spend no budget.
FACTS: set[Kind] = {"missing_day", "empty_day", "late_data", "late_labels"}


def alarm_days(engine: sa.Engine, name: str) -> set[dt.date]:
    with engine.connect() as session:
        return set(stored_alarms(session, name, FIRST, LAST))


@pytest.mark.parametrize("name", ["trip_duration", "trip_tip"])
def test_judging_again_by_the_declared_policy_is_what_is_stored(demo: sa.Engine, name: str) -> None:
    again = alarms_under(demo, monitors()[name], FIRST, LAST)
    with demo.connect() as session:
        stored = stored_alarms(session, name, FIRST, LAST)
    assert stored
    assert {day for day, entries in again.items() if entries} == set(stored)
    for day, entries in stored.items():
        parts = {(e.budget, e.segment, e.segment_value) for e in entries}
        assert parts == {(e.budget, e.segment, e.segment_value) for e in again[day]}


@pytest.mark.parametrize("name", ["trip_duration", "trip_tip"])
def test_the_overview_the_summary_judge_and_the_breaches_count_alike(
    demo: sa.Engine, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = len(alarm_days(demo, name))
    with demo.connect() as session:
        of_month = session.scalar(
            sa.text(
                "select alarm_days_this_month from metrics.monitor_state where monitor = :name"
            ),
            {"name": name},
        )
        breached = set(
            session.scalars(
                sa.text(
                    "select partition_date from metrics.breaches where monitor = :name"
                    " and not kind = any(:facts) and evidence ->> 'state' is null"
                ),
                {"name": name, "facts": list(FACTS)},
            )
        )
        # What becomes of the label by itself is the error's to say.
        of_label = set(
            session.scalars(
                sa.text(
                    "select partition_date from metrics.alarms where monitor = :name"
                    " group by 1 having bool_and(column_name is not distinct from :target)"
                ),
                {"name": name, "target": monitors()[name].target},
            )
        )
    assert of_month == expected
    assert breached == alarm_days(demo, name) - of_label
    url = demo.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    monkeypatch.setenv("COLUMNS", "200")
    asked = ["judge", "--monitor", name, "--from", DEMO_DAYS[0], "--to", DEMO_DAYS[1]]
    said = CliRunner().invoke(app, asked).output
    assert re.search(r"(\d+) have a stored alarm, (\d+) have one", said).groups() == (
        str(expected),
        str(expected),
    )
    print_summary(ChainRun(days(*DEMO_DAYS), (name,), False, 1.0))
    assert f"{expected} with an alarm" in capsys.readouterr().out


def test_errors_and_rows_are_in_the_ledger(demo: sa.Engine) -> None:
    with demo.connect() as session:
        entries = stored_alarms(session, "trip_duration", FIRST, LAST)
    # Concept drift is planted from the 15th on; durations are a sixth longer.
    assert "error" in {entry.budget for entry in entries[dt.date(2019, 4, 15)]}
    budgets = {entry.budget for found in entries.values() for entry in found}
    assert {"columns", "error"} <= budgets


def test_another_policy_is_judged_whole(demo: sa.Engine) -> None:
    monitor = monitors()["trip_duration"]
    budget = monitor.alarm_budget.model_copy(update={"false_alarms_per_month": 1e-9})
    strict = monitor.model_copy(update={"alarm_budget": budget})
    few = alarms_under(demo, strict, FIRST, LAST)
    declared = alarm_days(demo, "trip_duration")
    assert {day for day, entries in few.items() if entries} < declared
