"""A run that is ended by SIGTERM or Ctrl-C: at any moment, in one line, with nothing left of it."""

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest
import sqlalchemy as sa

from dagster_driftmeter.runs.cut_off_runs import KILLED
from driftmeter import settings
from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.test_init import LOANS

DRIFTMETER = str(Path(sys.executable).parent / "driftmeter")
DAYS = ("--from", "2026-02-05", "--to", "2026-02-24", "--workers", "2")
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}
# More of them: DRIFTMETER_ENDED_RUNS=20. A run of these days takes some 25 seconds.
SEED, RUNS = 7, int(os.environ.get("DRIFTMETER_ENDED_RUNS", "4"))
LONGEST_START, PATIENCE, MARK = 20, 10, "DRIFTMETER_TEST_MARK"
ADVISORY = (
    "select count(*) from pg_locks join pg_stat_activity using (pid)"
    " where locktype = 'advisory' and datname = current_database()"
)


@dataclass(frozen=True)
class Trial:
    """A project in a warehouse, and a directory for the temporary files of its runs."""

    directory: Path
    url: str
    temporary: Path

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        environment = {
            **os.environ,
            "DRIFTMETER_DATABASE_URL": self.url,
            "TMPDIR": str(self.temporary),
            MARK: str(self.directory),
        }
        for name in (settings.HOME, settings.PROJECT):
            environment.pop(name, None)
        return subprocess.Popen(
            [DRIFTMETER, *words],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # A job in the background, as these tests may be, ignores it.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )

    def value(self, query: str) -> object:
        with connection.engine(self.url).connect() as session:
            return session.scalar(sa.text(query))

    def processes(self) -> list[str]:
        """Commands of processes that a run of this project started."""
        found = []
        for process in psutil.process_iter():
            try:
                is_ours = process.environ().get(MARK) == str(self.directory)
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
            except psutil.Error:
                continue
        return found


@pytest.fixture(scope="module")
def trial(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trial]:
    name = f"ended_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    url = f"{postgres}/{name}"
    with connection.engine(url).begin() as session:
        session.exec_driver_sql(LOANS.replace("%", "%%"))
    trial = Trial(tmp_path_factory.mktemp("team"), url, tmp_path_factory.mktemp("temporary"))
    made = trial.begin("init", "--table", "public.loan_scores", "--yes")
    assert made.wait(60) == 0, made.communicate()
    made.communicate()
    yield trial
    assert trial.processes() == []


def end(run: "subprocess.Popen[str]", number: signal.Signals) -> str:
    """Send SIGTERM as a supervisor does, Ctrl-C as a terminal does; what is printed after it."""
    os.killpg(run.pid, number) if number == signal.SIGINT else run.send_signal(number)
    return run.communicate(timeout=PATIENCE)[0]


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_ended_run_says_one_line_and_leaves_nothing(trial: Trial) -> None:
    draw = random.Random(SEED)
    for at in range(RUNS):
        number = tuple(CODES)[at % 2]
        seconds = draw.uniform(0.2, LONGEST_START)
        run = trial.begin("run", *DAYS)
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(seconds)
        sent = time.monotonic()
        printed = end(run, number)
        about = f"{NAMES[number]} after {seconds:.1f} s, seed {SEED}: {printed}"
        assert run.returncode == CODES[number], about
        assert time.monotonic() - sent < PATIENCE, about
        assert f"ended by {NAMES[number]}: " in printed.splitlines()[-1], about
        assert "Traceback" not in printed, about
        assert trial.processes() == [], about
        assert list(trial.temporary.iterdir()) == [], about
        until(lambda: trial.value(ADVISORY) == 0, PATIENCE)


def test_the_next_run_clears_what_a_killed_one_left(trial: Trial) -> None:
    started = "select count(*) from dagster.runs where status = 'STARTED'"
    killed = trial.begin("run", *DAYS)
    until(lambda: trial.value("select to_regclass('dagster.runs')"))
    until(lambda: trial.value(started))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    until(lambda: trial.processes() == [])
    (left,) = trial.temporary.iterdir()
    run = trial.begin("run", *DAYS)
    noted = f"select count(*) from dagster.event_logs where event like '%{KILLED[:23]}%'"
    until(lambda: trial.value(noted))
    assert left not in trial.temporary.iterdir()
    end(run, signal.SIGTERM)
    assert list(trial.temporary.iterdir()) == []


def test_a_statement_of_a_killed_process_ends_soon(trial: Trial) -> None:
    code = (
        "import sys; from driftmeter.warehouse import connection;"
        "connection.engine(sys.argv[1]).connect().exec_driver_sql('select pg_sleep(60)')"
    )
    asleep = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'"
    asking = subprocess.Popen([sys.executable, "-c", code, trial.url])
    until(lambda: trial.value(asleep))
    asking.kill()
    asking.wait()
    until(lambda: not trial.value(asleep), PATIENCE)


def test_a_server_that_is_ended_by_ctrl_c_or_sigterm_has_done_its_work(trial: Trial) -> None:
    for number in CODES:
        serving = trial.begin("reports")
        assert serving.stdout is not None
        assert serving.stdout.readline().startswith("reports: ")
        assert end(serving, number) == ""
        assert serving.returncode == 0
