"""Incidents of the demo's three weeks, whose faults are known: named, folded, acted upon."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from dagster_driftmeter.assets.incidents_asset import write_reports
from dagster_driftmeter.cli.app import app
from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.over_pieces import FEWEST_PIECES
from driftmeter.incidents.actions import act
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.config import Monitor
from driftmeter.reports.incident_pages import wanted_reports

INCIDENTS = (
    "select monitor, cause, kind, severity, column_name, columns, segment, segment_value,"
    " opened_on, last_seen_on, closed_on, days, reopened, diagnosis, evidence::text"
    " from metrics.incidents order by monitor, cause"
)


@pytest.fixture(scope="module")
def monitor(demo: sa.Engine) -> Monitor:
    return monitors()["trip_duration"]


@pytest.fixture
def kept(demo: sa.Engine) -> Iterator[sa.Engine]:
    """The demo's warehouse; what the test does to incidents is undone."""
    tables = ("incidents", "incident_events", "breaches")
    with demo.begin() as session:
        for table in tables:
            session.exec_driver_sql(f"create table public.{table} as table metrics.{table}")
    yield demo
    with demo.begin() as session:
        for table in tables:
            session.exec_driver_sql(f"delete from metrics.{table}")
            session.exec_driver_sql(
                f"insert into metrics.{table} overriding system value table public.{table}"
            )
            session.exec_driver_sql(f"drop table public.{table}")


def rows(engine: sa.Engine, query: str = INCIDENTS) -> list[tuple[object, ...]]:
    with engine.connect() as session:
        return [tuple(row) for row in session.exec_driver_sql(query)]


def said(engine: sa.Engine, day: str) -> set[tuple[str, str | None]]:
    query = (
        "select kind, column_name from metrics.breaches where monitor = 'trip_duration'"
        f" and partition_date = '{day}'"
    )
    return {(row[0], row[1]) for row in rows(engine, query)}  # type: ignore[misc]


def test_planted_faults_are_named(demo: sa.Engine) -> None:
    assert ("missing_values", "passenger_count") in said(demo, "2019-04-03")
    assert ("unseen_category", "payment_type") in said(demo, "2019-04-05")
    assert ("unit_change", "trip_distance_miles") in said(demo, "2019-04-07")
    assert {kind for kind, _ in said(demo, "2019-04-11")} == {"mix_shift"}
    assert ("concept_drift", "duration_minutes") in said(demo, "2019-04-15")
    assert said(demo, "2019-04-17") == {("missing_day", None)}
    assert said(demo, "2019-04-18") == {("empty_day", None)}


def test_an_incident_has_its_evidence_and_can_be_traced(demo: sa.Engine) -> None:
    query = sa.text(
        "select incidents.*, partitions.config_hash as computed_with from metrics.incidents"
        " join metrics.partitions on partitions.monitor = incidents.monitor"
        " and partition_date = opened_on where incidents.monitor = 'trip_duration'"
        " and kind = 'unit_change'"
    )
    with demo.connect() as session:
        row = session.execute(query).mappings().one()
    assert row["evidence"]["factor"] == pytest.approx(1.609, abs=0.02)
    assert row["severity"] == "error"
    assert row["config_hash"] == row["computed_with"]
    assert row["model_version"]
    parts = row["evidence"]["segments"]["pickup_borough"]
    assert {"value", "mix", "rate"} <= parts[0].keys()


def test_every_incident_of_rows_has_a_stored_report(demo: sa.Engine) -> None:
    found = rows(demo, "select family, report_url from metrics.incidents")
    assert found
    for family, url in found:
        assert (url is None) == (family in ("volume", "missing_day", "empty_day", "late_data"))


def test_computing_again_in_any_order_leaves_the_same_incidents(
    kept: sa.Engine, monitor: Monitor
) -> None:
    before = rows(kept)
    days = [dt.date(2019, 4, number) for number in range(1, 22)]
    update_incidents(kept, monitor, days)
    assert rows(kept) == before
    # From nothing: every day is diagnosed anew, and the same is said.
    with kept.begin() as session:
        session.exec_driver_sql("delete from metrics.breaches where monitor = 'trip_duration'")
        session.exec_driver_sql("delete from metrics.incidents where monitor = 'trip_duration'")
        session.exec_driver_sql("update metrics.partitions set breaches_of = null")
    for day in reversed(days):
        update_incidents(kept, monitor, [day])
    assert rows(kept) == before


def test_an_incident_stays_while_its_day_waits_for_labels_that_landed(
    kept: sa.Engine, monitor: Monitor
) -> None:
    before = rows(kept)
    acknowledge = "update metrics.incidents set acknowledged_by = 'ann' where kind = 'unit_change'"
    numbers = "select incident_id, cause, acknowledged_by from metrics.incidents order by 1"
    with kept.begin() as session:
        session.exec_driver_sql(acknowledge)
    named = rows(kept, numbers)
    waits = (
        "update metrics.partitions set drift_state = '{}', drift_reason = {}"
        " where monitor = 'trip_duration' and partition_date = '2019-04-07'"
    )
    for state, reason in (
        ("stale", "'3 labels came after the day was measured'"),
        ("fresh", "null"),
    ):
        with kept.begin() as session:
            session.exec_driver_sql(waits.format(state, reason))
        update_incidents(kept, monitor, [])
        assert rows(kept) == before
        assert rows(kept, numbers) == named


def test_a_day_that_is_mended_withdraws_its_incident_and_says_so(
    kept: sa.Engine, monitor: Monitor
) -> None:
    before = rows(kept)
    verdicts = (
        "update metrics.drift set is_drifted = {to} where partition_date = '2019-04-05'"
        " and monitor = 'trip_duration' and method = 'day_level' and is_drifted = {was}"
        " and column_name = 'payment_type'"
    )
    with kept.begin() as session:
        session.exec_driver_sql("create table public.verdicts as table metrics.drift")
        session.exec_driver_sql(verdicts.format(to="false", was="true"))
    update_incidents(kept, monitor, [])
    gone = "select count(*) from metrics.incidents where kind = 'unseen_category'"
    gone += " and monitor = 'trip_duration'"
    assert rows(kept, gone) == [(0,)]
    history = "select count(*) from metrics.incident_events where event = 'withdrawn'"
    assert rows(kept, history) == [(1,)]
    with kept.begin() as session:
        session.exec_driver_sql("delete from metrics.drift")
        session.exec_driver_sql("insert into metrics.drift table public.verdicts")
        session.exec_driver_sql("drop table public.verdicts")
    update_incidents(kept, monitor, [])
    assert rows(kept) == before


def test_what_people_do_is_kept_with_author_and_time(kept: sa.Engine) -> None:
    number = rows(kept, "select min(incident_id) from metrics.incidents where closed_on is null")[
        0
    ][0]
    assert isinstance(number, int)
    for _ in range(2):
        act(kept, number, "ack", "ada", "looking")
        act(kept, number, "close", "ada", None)
    query = (
        "select event, author, note, at is not null from metrics.incident_events"
        f" where incident_id = {number} and author = 'ada' order by event_id"
    )
    # Doing it twice is doing it once.
    assert rows(kept, query) == [
        ("acknowledged", "ada", "looking", True),
        ("closed_by_hand", "ada", None, True),
    ]
    state = rows(kept, f"select * from metrics.incidents where incident_id = {number}")
    update_incidents(kept, monitors()["trip_duration"], [])
    update_incidents(kept, monitors()["trip_tip"], [])
    assert rows(kept, f"select * from metrics.incidents where incident_id = {number}") == state


def test_the_command_lists_shows_and_refuses(
    kept: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = kept.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    monkeypatch.setenv("COLUMNS", "200")
    runner = CliRunner()
    listed = runner.invoke(app, ["incidents", "--all", "--monitor", "trip_duration"])
    assert listed.exit_code == 0
    assert "unit_change" in listed.output
    number = rows(kept, "select min(incident_id) from metrics.incidents")[0][0]
    shown = runner.invoke(app, ["incidents", "show", str(number)])
    assert "opened on" in shown.output
    assert json.loads(shown.output[shown.output.index("{") : shown.output.rindex("}") + 1])
    refused = runner.invoke(app, ["incidents", "ack", "99999"])
    assert "there is no incident 99999" in str(refused.exception)


def test_the_command_accepts_what_is_away_and_refuses_what_is_not(
    kept: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = kept.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    monkeypatch.setenv("COLUMNS", "200")
    query = "select incident_id from metrics.incidents where monitor = 'trip_duration' and kind = "
    number = str(rows(kept, query + "'unseen_category'")[0][0])
    asked = ["incidents", "accept", number, "--author", "ada", "--note", "a new way to pay"]
    refused = CliRunner().invoke(app, asked)
    assert "is still shifted" in str(refused.exception)
    of_errors = rows(kept, "select incident_id from metrics.incidents where family = 'performance'")
    refused = CliRunner().invoke(app, ["incidents", "accept", str(of_errors[0][0])])
    assert "is of the model's error, which cannot be accepted" in str(refused.exception)
    with kept.begin() as session:
        session.exec_driver_sql("create table public.verdicts as table metrics.drift")
        session.exec_driver_sql(
            "update metrics.drift set is_slow = true where monitor = 'trip_duration' and method ="
            " 'day_level' and partition_date = '2019-04-21' and column_name = 'payment_type'"
        )
    try:
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 0
        assert "are normal for payment_type; days from 2019-04-22" in done.output
        accepted = (
            "select column_name, author, note, in_force_on::text from metrics.accepted_normals"
        )
        row = ("payment_type", "ada", "a new way to pay", "2019-04-22")
        assert rows(kept, accepted) == [row]
        # Twice is once.
        assert CliRunner().invoke(app, asked).output == done.output
        assert rows(kept, accepted) == [row]
        shown = CliRunner().invoke(app, ["incidents", "show", number]).output
        assert "accepted on 2019-04-21 by ada  a new way to pay" in shown
    finally:
        with kept.begin() as session:
            session.exec_driver_sql("delete from metrics.accepted_normals")
            session.exec_driver_sql("delete from metrics.drift")
            session.exec_driver_sql("insert into metrics.drift table public.verdicts")
            session.exec_driver_sql("drop table public.verdicts")


def test_a_report_is_written_once(demo: sa.Engine, monitor: Monitor, tmp_path: Path) -> None:
    assert wanted_reports(demo, monitor) == []
    assert write_reports(demo, monitor, tmp_path, processes=2) == {}
    assert not list(tmp_path.iterdir())


def test_pages_that_cannot_be_drawn_end_nothing_and_are_drawn_later(
    kept: sa.Engine, monitor: Monitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process and in workers; a file lies where the folder of pages belongs."""
    url = kept.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    with kept.begin() as session:
        session.exec_driver_sql("update metrics.incidents set report_url = null")
    no_folder, told = tmp_path / "file", []
    no_folder.write_text("")
    wanted = len(wanted_reports(kept, monitor))
    assert wanted >= FEWEST_PIECES
    assert write_reports(kept, monitor, no_folder, 2, told.append) == {}
    state = "select distinct report_state, report_reason from metrics.incidents"
    (failed,) = rows(kept, f"{state} where monitor = 'trip_duration' and report_state <> 'due'")
    assert failed[0] == "failed"
    assert "FileExistsError" in str(failed[1])
    assert len(told) == wanted
    assert "was not drawn (FileExistsError" in told[0]
    assert "the next run tries again" in told[0]
    with kept.begin() as session:
        session.exec_driver_sql(
            "update metrics.incidents set report_url = 'x' where kind <> 'unit_change'"
        )
    assert write_reports(kept, monitor, no_folder, 1, told.append) == {}
    drawn = write_reports(kept, monitor, tmp_path / "pages", 1, told.append)
    assert drawn
    assert len(told) == wanted + len(drawn)
    assert rows(kept, f"{state} where kind = 'unit_change'") == [("drawn", None)]


def test_a_warehouse_that_went_away_is_no_page_that_failed(
    demo: sa.Engine, monitor: Monitor, tmp_path: Path
) -> None:
    gone = sa.create_engine("postgresql+psycopg://127.0.0.1:1/none")
    with pytest.raises(sa.exc.OperationalError):
        write_reports(gone, monitor, tmp_path, processes=1)
