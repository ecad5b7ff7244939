"""`driftmeter doctor`: each part that may break is broken, and is named with what to do."""

import datetime as dt
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.cli.health import finding as machine
from dagster_driftmeter.cli.health import run_findings as runs
from dagster_driftmeter.cli.health.finding import Finding, examine_directory
from dagster_driftmeter.cli.health.project_findings import (
    examine_monitor,
    examine_notifications,
    examine_unfinished,
)
from dagster_driftmeter.cli.health.run_findings import examine_runs
from dagster_driftmeter.cli.health.serve_health import server
from dagster_driftmeter.cli.health.warehouse_findings import examine_warehouse, open_warehouse
from driftmeter.arrival.inputs import note_tests
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse import migrate
from tests.conftest import prepare_for
from tests.next_migration import with_next
from tests.programs import DRIFTMETER, run_program

MONITOR = Monitor(
    **{
        "name": "loans",
        "owner": "team",
        "task": "regression",
        "timestamp": "at",
        "id": "id",
        "prediction": "predicted",
        "model_version": "version",
        "features": {"income": {"kind": "numerical"}},
        "reference": {"from": "2026-01-01", "to": "2026-02-01"},
    }
)
DECLARED = """
    create schema inference;
    create table inference.loans ();
    insert into metrics.monitors values
        ('loans', 'team', 'regression', 'UTC', '2026-01-01', '2026-02-01', 1, 'x');
"""
DAY = """
    insert into metrics.partitions
        (monitor, partition_date, state, reason, row_count, config_hash, duration_seconds,
         computed_at)
    values ('loans', :day, :state, :reason, 10, 'x', 1, :at)
"""


def doctor(url: str, home: Path, **environment: str) -> tuple[int, dict[str, Finding]]:
    """Exit code, and the findings by part."""
    own = {"DRIFTMETER_DATABASE_URL": url, "DRIFTMETER_HOME": str(home)}
    seen = {**os.environ, **own, **environment}
    ended = run_program(DRIFTMETER, "doctor", "--json", environment=seen)
    assert ended.stderr == ""
    return ended.returncode, {one["part"]: Finding(**one) for one in json.loads(ended.stdout)}


def only(findings: Iterator[Finding], part: str) -> Finding:
    (one,) = (finding for finding in findings if finding.part == part)
    return one


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    return tmp_path


def test_all_is_well_after_a_run(demo: sa.Engine, demo_home: Path) -> None:
    url = demo.url.set(drivername="postgresql").render_as_string(hide_password=False)
    code, findings = doctor(url, demo_home)
    assert code == 0
    warnings = {part: one.shows for part, one in findings.items() if one.state != "ok"}
    # Green taxis' columns and fees of later years are empty in the example's reference period.
    assert all("does not judge airport_fee_usd" in shows for shows in warnings.values()), warnings
    assert {"warehouse", "metrics schema", "monitor trip_tip", "runs"} <= findings.keys()


def test_nothing_is_started_or_made(tmp_path: Path) -> None:
    code, findings = doctor("", tmp_path / "home")
    assert (code, findings["warehouse"].state) == (1, "failure")
    assert "driftmeter up" in findings["warehouse"].fix
    assert not list((tmp_path / "home").glob("postgres*"))


def test_a_warehouse_that_does_not_answer(tmp_path: Path) -> None:
    code, findings = doctor("postgresql://someone:secret@127.0.0.1:1/none", tmp_path)
    assert (code, findings["warehouse"].state) == (1, "failure")
    assert "does not answer" in findings["warehouse"].shows
    assert "secret" not in str(findings)


def test_a_project_that_dbt_cannot_read(warehouse_url: str, tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: [")
    code, findings = doctor(warehouse_url, tmp_path / "home", DRIFTMETER_DBT_PROJECT=str(tmp_path))
    assert (code, findings["dbt project"].state) == (1, "failure")


@pytest.mark.parametrize(
    ("revision", "state", "advice"),
    [
        ("9999", "failure", "install the newer version"),
        ("0020", "failure", "drop the schema metrics"),
        ("0022", "warning", "driftmeter up"),
    ],
)
def test_a_schema_of_another_version(
    warehouse: sa.Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    revision: str,
    state: str,
    advice: str,
) -> None:
    later = with_next(tmp_path)
    monkeypatch.setattr(migrate, "metrics_migrations", lambda: later)
    with warehouse.begin() as session:
        session.execute(
            sa.text("update metrics.alembic_version set version_num = :it"), {"it": revision}
        )
        schema = only(examine_warehouse(session), "metrics schema")
    assert (schema.state, revision in schema.shows) == (state, True)
    assert advice in schema.fix


def test_a_warehouse_that_takes_no_writes(warehouse: sa.Engine) -> None:
    with warehouse.connect() as session:
        session.execute(sa.text("set transaction read only"))
        assert only(examine_warehouse(session), "warehouse").state == "failure"


def test_dashboards_that_may_not_read(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        assert only(examine_warehouse(session), "dashboards' role").state == "ok"
        session.execute(sa.text("revoke usage on schema metrics from driftmeter_reader"))
        role = only(examine_warehouse(session), "dashboards' role")
        session.rollback()
    assert (role.state, "driftmeter up" in role.fix) == ("warning", True)


def test_a_disk_that_is_nearly_full(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only(examine_directory(), "directory").state == "ok"
    monkeypatch.setattr(machine, "ENOUGH_MIB", 10**12)
    assert only(examine_directory(), "directory").state == "warning"
    monkeypatch.setattr(machine, "LEAST_MIB", 10**12)
    assert only(examine_directory(), "directory").state == "failure"


def test_an_embedded_warehouse_that_was_killed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from driftmeter.warehouse.embedded import EmbeddedPostgres

    monkeypatch.delenv("DRIFTMETER_DATABASE_URL", raising=False)
    server = EmbeddedPostgres(home)
    server.start()
    try:
        assert isinstance(open_warehouse(), sa.Engine)
    finally:
        server.stop()
    stopped = open_warehouse()
    assert isinstance(stopped, Finding)
    assert (stopped.state, stopped.fix) == ("failure", "run `driftmeter up`")


def days(warehouse: sa.Engine, *rows: tuple[dt.date, str, str | None, dt.datetime]) -> Finding:
    """What the monitor's days look like to the doctor."""
    with warehouse.begin() as session:
        for statement in DECLARED.split(";"):
            session.execute(sa.text(statement)) if statement.strip() else None
        for day, state, reason, at in rows:
            values = {"day": day, "state": state, "reason": reason, "at": at}
            session.execute(sa.text(DAY), values)
        return only(examine_monitor(session, MONITOR), "monitor loans")


def now() -> dt.datetime:
    """The clock of the test, not of its file: it may have been read an hour before."""
    return dt.datetime.now(dt.timezone.utc)


def test_a_monitor_without_a_day(warehouse: sa.Engine) -> None:
    assert days(warehouse).state == "warning"


def test_a_monitor_whose_days_come(warehouse: sa.Engine) -> None:
    assert days(warehouse, (now().date(), "fresh", None, now())).state == "ok"


def test_a_monitor_that_nobody_runs_any_more(warehouse: sa.Engine) -> None:
    before = now() - dt.timedelta(hours=50)
    late = days(warehouse, (before.date(), "fresh", None, before))
    assert (late.state, "no new day for 50 hours" in late.shows) == ("failure", True)


def test_days_that_failed_and_days_that_changed(warehouse: sa.Engine) -> None:
    failed = (now().date() - dt.timedelta(days=1), "failed", "a column is gone", now())
    finding = days(warehouse, failed, (now().date(), "stale", "a row came late", now()))
    assert (finding.state, "a column is gone" in finding.shows) == ("failure", True)
    with warehouse.begin() as session:
        session.execute(sa.text("delete from metrics.partitions where state = 'failed'"))
        stale = only(examine_monitor(session, MONITOR), "monitor loans")
    assert (stale.state, "--stale" in stale.fix) == ("warning", True)


def test_what_a_run_that_was_killed_left_to_be_done(warehouse: sa.Engine) -> None:
    days(warehouse, (now().date(), "fresh", None, now()))
    incident = (
        "insert into metrics.incidents (monitor, cause, family, kind, severity, columns, opened_on,"
        " last_seen_on, days, diagnosis, evidence, computed_at)"
        " values ('loans', 'a', 'column', 'unit_change', 'error', '{income}', '2026-02-02',"
        " '2026-02-02', 1, 'in cents', '{}', now())"
    )
    with warehouse.begin() as session:
        assert list(examine_unfinished(session, MONITOR)) == []
        session.execute(sa.text(incident))
        note_tests(session, MONITOR, [MONITOR.reference.from_date], is_done=False)
        note_tests(session, MONITOR, [dt.date(2026, 2, 2)], is_done=True)
        (finding,) = examine_unfinished(session, MONITOR)
    assert finding.shows == (
        "no run has finished these yet: dbt's tests of the reference days, 1 day that an earlier"
        " run began, the page of 1 incident"
    )


def test_messages_that_nobody_got(warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFTMETER_NOTIFY_URLS", "json://127.0.0.1:1")
    with warehouse.begin() as session:
        assert only(examine_notifications(session), "notifications").state == "ok"
        session.execute(
            sa.text(
                "insert into metrics.notifications (event_id, state, attempts, reason)"
                " values (1, 'failed', 5, 'refused')"
            )
        )
        finding = only(examine_notifications(session), "notifications")
    assert (finding.state, "refused" in finding.shows) == ("warning", True)


@pytest.fixture
def dagster(warehouse_url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Dagster's own record of a sensor that is switched on, its daemon running."""
    prepare_for(monkeypatch, warehouse_url, home)
    from dagster import DagsterInstance, DefaultSensorStatus
    from dagster._core.remote_origin import (
        InProcessCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )
    from dagster._core.scheduler.instigation import (
        InstigatorState,
        InstigatorStatus,
        InstigatorType,
        SensorInstigatorData,
    )
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
    from dagster._daemon.types import DaemonHeartbeat

    assert DefaultSensorStatus.RUNNING
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="x"))
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "x"), "stale_days")
    with DagsterInstance.get() as instance:
        instance.add_instigator_state(
            InstigatorState(
                origin,
                InstigatorType.SENSOR,
                InstigatorStatus.RUNNING,
                SensorInstigatorData(min_interval=30),
            )
        )
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "1", []))
        yield instance


def dagster_findings(warehouse: sa.Engine) -> list[Finding]:
    with warehouse.connect() as session:
        return list(examine_runs(session))


def test_a_daemon_that_died(
    dagster: object, warehouse: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {finding.state for finding in dagster_findings(warehouse)} == {"ok"}
    monkeypatch.setattr(runs, "OLDEST_HEARTBEAT_SECONDS", -1)
    dead = dagster_findings(warehouse)[0]
    assert (dead.state, "stale_days cannot run" in dead.shows) == ("failure", True)
    assert "driftmeter ui" in dead.fix


def test_a_sensor_that_failed(dagster: object, warehouse: sa.Engine) -> None:
    from dagster._core.scheduler.instigation import TickData, TickStatus
    from dagster._utils.error import SerializableErrorInfo

    (state,) = dagster.all_instigator_state()  # type: ignore[attr-defined]
    error = SerializableErrorInfo("ValueError: it is so\nTraceback", [], None)
    dagster.create_tick(  # type: ignore[attr-defined]
        TickData(
            state.instigator_origin_id,
            "stale_days",
            state.instigator_type,
            TickStatus.FAILURE,
            time.time(),
            error=error,
            selector_id=state.selector_id,
        )
    )
    failed = [one for one in dagster_findings(warehouse) if one.state == "failure"]
    assert ["ValueError: it is so" in one.shows for one in failed] == [True]


def test_a_supervisor_is_told(
    warehouse_url: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    assert ask("/health") == (200, "ok")
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", "postgresql://a:b@127.0.0.1:1/none")
    assert ask("/health") == (503, "failure")
    assert ask("/alive") == (200, "ok")
    assert ask("/other")[0] == 404


def ask(path: str) -> tuple[int, str]:
    running = server("127.0.0.1", 0)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    with running:
        address = f"http://127.0.0.1:{running.server_port}{path}"
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        running.shutdown()
    assert b"127.0.0.1" not in body
    return status, json.loads(body)["state"] if status != 404 else ""
