"""What a person types wrongly, or a machine has not: one clear line, and nothing left running."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import psutil
import psycopg
import psycopg2
import pytest
import sqlalchemy as sa
from psycopg.errors import DiskFull

from dagster_driftmeter.cli.gate import decides, verdict
from driftmeter.drift.results import TestOutcome
from driftmeter.warehouse.refusal import refusal_of

DRIFTMETER = str(Path(sys.executable).parent / "driftmeter")


@pytest.fixture
def environment(warehouse_url: str, tmp_path: Path) -> dict[str, str]:
    """Of a command on a migrated, empty warehouse."""
    return {
        **os.environ,
        "DRIFTMETER_DATABASE_URL": warehouse_url,
        "DRIFTMETER_HOME": str(tmp_path / "home"),
        "DRIFTMETER_REPORTS_URL": f"http://127.0.0.1:{free_port()}",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield int(holder.getsockname()[1])


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [DRIFTMETER, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


LOANS = """
    insert into metrics.monitors values
        ('loans', 'team', 'regression', 'UTC', '2026-01-01', '2026-02-01', 1, 'x');
    insert into metrics.partitions
        (monitor, partition_date, state, row_count, config_hash, duration_seconds)
    values ('loans', '2026-02-02', 'fresh', 10, 'x', 1)
"""


def test_incidents_of_a_monitor_that_is_none_are_no_silence(
    environment: dict[str, str], warehouse: sa.Engine
) -> None:
    assert "declare it with `driftmeter init`" in one_line(
        run(environment, "incidents", "--monitor", "nosuch")
    )
    with warehouse.begin() as session:
        session.execute(sa.text(LOANS))
    assert "use one of loans" in one_line(run(environment, "incidents", "--monitor", "nosuch"))
    listed = run(environment, "incidents", "--monitor", "loans")
    assert (listed.returncode, "no open incident" in listed.stdout) == (0, True)


def test_a_page_that_cannot_be_written_is_one_line(
    environment: dict[str, str], warehouse: sa.Engine, tmp_path: Path
) -> None:
    with warehouse.begin() as session:
        session.execute(sa.text(LOANS))
    (tmp_path / "file").write_text("no directory")
    nowhere = tmp_path / "file" / "page.html"
    line = one_line(run(environment, "report", "--overview", "--out", str(nowhere)))
    assert str(nowhere) in line
    assert "cannot be written" in line


def test_a_page_before_dbt_made_its_tables_is_one_line(
    environment: dict[str, str], warehouse: sa.Engine
) -> None:
    with warehouse.begin() as session:
        session.execute(sa.text(LOANS))
    assert "no monitor has run yet" in one_line(run(environment, "report", "--overview"))


def test_what_the_warehouse_refuses_is_its_own_words_in_one_line(
    warehouse: sa.Engine, warehouse_url: str, environment: dict[str, str]
) -> None:
    login = f"nobody_{uuid.uuid4().hex[:8]}"
    with warehouse.begin() as session:
        session.exec_driver_sql(f"create role {login} login password 'secret'")
        session.exec_driver_sql(f"grant usage on schema metrics to {login}")
    theirs = sa.make_url(warehouse_url).set(username=login, password="secret")
    url = theirs.render_as_string(hide_password=False)
    result = run({**environment, "DRIFTMETER_DATABASE_URL": url}, "status")
    line = one_line(result)
    assert line.startswith("error: warehouse: refused: permission denied for")
    assert line.endswith(
        "use the role that owns the object, or grant the right (docs/access.md); then run again."
    )
    with_debug = {**environment, "DRIFTMETER_DATABASE_URL": url, "DRIFTMETER_DEBUG": "1"}
    assert "Traceback" in run(with_debug, "status").stderr


def test_a_full_disk_says_what_to_do() -> None:
    full = DiskFull('could not extend file "base/1/2": No space left on device\nHINT: look')
    wrapped = RuntimeError("a step failed")
    wrapped.__cause__ = full
    assert str(refusal_of(wrapped)) == (
        'warehouse: refused: could not extend file "base/1/2": No space left on device.'
        " free space on the warehouse's disk; then run again."
    )
    assert refusal_of(ValueError("no word of a warehouse")) is None


@pytest.mark.parametrize("driver", [psycopg, psycopg2])
def test_a_server_that_is_gone_says_what_to_do(driver: ModuleType) -> None:
    with pytest.raises(driver.OperationalError) as error:
        driver.connect(f"postgresql://me:secret@127.0.0.1:{free_port()}/nothing")
    line = str(refusal_of(error.value))
    assert line.startswith("warehouse: refused: connection")
    assert line.endswith("check the warehouse with `driftmeter doctor`; then run again.")


@pytest.mark.parametrize("command", ["reports", "ui"])
def test_a_taken_port_is_one_line_before_anything_starts(
    environment: dict[str, str], command: str
) -> None:
    with taken_port() as port:
        line = one_line(run(environment, command, "--port", str(port)))
    assert f"127.0.0.1:{port}" in line
    assert "--port" in line


def test_a_background_ui_ends_when_it_is_told_to_and_leaves_nothing_behind(
    environment: dict[str, str],
) -> None:
    port = free_port()
    # As a shell without job control starts `driftmeter ui &`: Ctrl-C is not for it.
    started = subprocess.Popen(
        [DRIFTMETER, "ui", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        wait_for(port)
        family = psutil.Process(started.pid).children(recursive=True)
        assert family
        started.terminate()
        started.wait(60)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []
    finally:
        started.kill()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.5)
    raise AssertionError(f"nothing listens on {port}")


def outcome(status: str, severity: str) -> TestOutcome:
    return TestOutcome("fare", "missing", status, 0.2, "at most 0.1", severity=severity)


@pytest.mark.parametrize(
    ("status", "severity", "strict", "word", "does"),
    [
        ("fail", "warn", False, "warn", False),
        ("fail", "warn", True, "fail", True),
        ("fail", "error", False, "fail", True),
        ("error", "warn", False, "warn", False),
        ("pass", "error", True, "pass", False),
        ("skipped", "error", False, "skipped", False),
    ],
)
def test_what_is_called_a_failure_decides(
    status: str, severity: str, strict: bool, word: str, does: bool
) -> None:
    test = outcome(status, severity)
    assert (verdict(test, strict), decides(test, strict)) == (word, does)
