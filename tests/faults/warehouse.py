"""A warehouse whose days are to be measured again, its copies, and what they hold by day."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from dagster_driftmeter.dbt.packages import KEPT_DBT
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.embedded import EmbeddedPostgres
from taxi.migrations import upgrade_raw
from tests.conftest import create_database
from tests.faults.disk import Disk
from tests.integration.commands import DRIFTMETER
from tests.integration.test_any_columns import Project
from tests.integration.test_changed_policy import LOOSE, ROWS, declare, fill

SERVER = "server"
# Thirty days after the reference, of 160 rows each.
THIRTY_DAYS = ROWS.replace("% 73", "% 89").replace("11680", "14240")
DAYS = ("--from", "2026-03-01", "--to", "2026-03-30")
# The first eight of them, for runs that are killed at each point of a first run.
EIGHT_DAYS = ROWS.replace("% 73", "% 67").replace("11680", "10720")
# After they were measured once: every day has other rows, some have fewer.
CHANGE = """
    update team.scores set bins = bins * 0.9, target = target + 0.01
    where day >= '2026-03-01' and right("order", 1) in ('1', '2', '3');
    delete from team.scores where day in ('2026-03-11', '2026-03-12') and right("order", 1) = '4'
"""
# Each with a day; the clocks of a row, and when it was first written, are not what it says.
BY_DAY = ("column_summary", "drift", "performance", "test_results", "breaches", "measured_inputs")
OTHERS = (
    "partitions", "incidents", "baselines", "monitors", "alarms", "alarm_days",
    "monitored_columns", "reference_bins", "inference_columns", "column_changes",
    "version_comparisons", "accepted_normals", "reference_errors", "confusion",
)  # fmt: skip
CLOCKS = ("computed_at", "measured_at", "duration_seconds", "incident_id", "noted_at")
# Of the reference, and of a step that a run notes as begun before it changes anything.
APART = {
    "reference days of column_summary": "column_summary where partition_date < '2026-03-01'",
    "reference days of test_results": "test_results where partition_date < '2026-03-01'",
    "reference days of measured_inputs": "measured_inputs where partition_date < '2026-03-01'",
    "days with dbt's tests": "measured_inputs where step = 'tests'",
}
# Of a day with rows all of these have some; a calm day has no breach.
NEVER_EMPTY = ("column_summary", "drift", "performance", "measured_inputs")


@dataclass(frozen=True)
class Contents:
    """Rows of a warehouse as text.

    Attributes
    ----------
    by_day : dict of str to dict of str to list of str
        Of each table, rows of each day.
    others : dict of str to list of str
        Rows of tables without a day, and of `partitions`.
    fresh : frozenset of str
        Days that the record of days calls measured.
    """

    by_day: dict[str, dict[str, list[str]]]
    others: dict[str, list[str]]
    fresh: frozenset[str]


class Warehouse:
    """One server with a project, and databases that are copied from the first.

    Parameters
    ----------
    disk : Disk, optional
        Mounted in `SERVER` of the root: what the server writes to.
    """

    def __init__(self, root: Path, disk: Disk | None = None) -> None:
        self.root = root
        self.disk = disk
        self.server = EmbeddedPostgres(root / SERVER)
        self.base = self.server.start().rsplit("/", 1)[0]
        create_database(self.base, "empty", "template0")
        self.project = Project(root, self.engine("empty"))
        migrate.upgrade(self.project.engine)
        upgrade_raw(self.project.engine)
        declare(self.project, LOOSE)

    def engine(self, name: str) -> sa.Engine:
        return sa.create_engine(f"{self.base}/{name}".replace("postgresql:", "postgresql+psycopg:"))

    def prepare_first(self) -> Contents:
        """Fill `empty` with days that nobody measured; what an undisturbed run of it leaves."""
        fill(self.project.engine, EIGHT_DAYS)
        self.project.engine.dispose()
        create_database(self.base, "undisturbed", "empty")
        self.run("undisturbed", ())
        return self.contents("undisturbed")

    def prepare(self) -> tuple[Contents, Contents, float]:
        """Make `before`, whose thirty days are to be measured again.

        Returns
        -------
        old, new : Contents
            Before and after an undisturbed run.
        seconds : float
            That it takes.
        """
        fill(self.project.engine, THIRTY_DAYS)
        self.project.engine.dispose()
        create_database(self.base, "before", "empty")
        # This one parses the project too, which takes its time.
        self.run("before")
        old = self.contents("before")
        engine = self.engine("before")
        with engine.begin() as session:
            session.execute(sa.text(CHANGE))
        engine.dispose()
        create_database(self.base, "undisturbed", "before")
        started = time.monotonic()
        self.run("undisturbed")
        return old, self.contents("undisturbed"), time.monotonic() - started

    @contextmanager
    def copy(self, name: str, template: str = "before") -> Iterator[str]:
        """A database like another, for as long as the block is on."""
        create_database(self.base, name, template)
        # Postgres logs a sequence 32 values ahead, and takes a copy's for logged: after a crash it
        # would give numbers again that rows have.
        self._on_server("checkpoint")
        try:
            yield name
        finally:
            self._on_server(f'drop database "{name}" with (force)')
            shutil.rmtree(self.root / "homes" / name, ignore_errors=True)

    def _on_server(self, statement: str) -> None:
        server = self.engine("postgres").execution_options(isolation_level="AUTOCOMMIT")
        with server.connect() as session:
            session.exec_driver_sql(statement)
        server.dispose()

    def environment(self, name: str) -> dict[str, str]:
        home = self.root / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        return {
            **os.environ,
            "DRIFTMETER_DATABASE_URL": f"{self.base}/{name}",
            "DRIFTMETER_DBT_PROJECT": str(self.project.directory),
            "DRIFTMETER_HOME": str(home),
        }

    def begin(self, name: str, days: tuple[str, ...] = DAYS) -> "subprocess.Popen[str]":
        """Start a run of the days in a session of its own; of what is new without any."""
        return self._popen(name, [DRIFTMETER, "run", *days])

    def begin_in_dagster(self, name: str) -> "subprocess.Popen[str]":
        """Start a run of the same assets and days by Dagster's own command."""
        code = "from dagster_driftmeter.runs.environment import prepare; prepare();" + (
            "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"
        )
        dagster = str(Path(sys.executable).parent / "dagster")
        command = [dagster, "asset", "materialize", "-m", "dagster_driftmeter.definitions"]
        command += ["--select", "*", "--partition-range", "...".join(DAYS[1::2])]
        return self._popen(name, [sys.executable, "-c", code, *command])

    def begin_in_queue(self, name: str) -> "subprocess.Popen[str]":
        """Queue them, and let Dagster's daemon and code server start the run."""
        return self._popen(name, [sys.executable, "-m", "tests.faults.run_queue", *DAYS[1::2]])

    def begin_dbt(self, name: str) -> "subprocess.Popen[str]":
        """Start a plain `dbt run` of the days, as a person does in the project."""
        project = str(self.project.directory)
        days = "{start_date: 2026-03-01, end_date: 2026-03-31}"
        return self._popen(name, [str(KEPT_DBT), "run", "--project-dir", project, "--vars", days])

    def _popen(self, name: str, command: list[str]) -> "subprocess.Popen[str]":
        log = (self.root / f"{name}.log").open("a")
        return subprocess.Popen(
            command,
            env=self.environment(name),
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, name: str, days: tuple[str, ...] = DAYS) -> None:
        """Measure the days in a database; fails as the run does."""
        ended = self.begin(name, days)
        if ended.wait(600) != 0:
            raise AssertionError(f"the run failed: {self.output(name)}")

    def put_right(self) -> None:
        """Have a server and a disk again, whatever the fault did to them."""
        if self.disk:
            self.disk.relieve()
        self.server.start()

    def _with_page(self, name: str, row: dict[str, object]) -> dict[str, object]:
        """A row with, in place of an address, whether its page is in the run's own home."""
        if url := row.get("report_url"):
            page = self.root / "homes" / name / "reports" / str(url).rpartition("/")[2]
            row["report_url"] = page.is_file()
        return row

    def last_line(self, name: str) -> str:
        """What the last run said last."""
        return (self.output(name).splitlines() or [""])[-1]

    def output(self, name: str) -> str:
        return (self.root / f"{name}.log").read_text()[-3000:]

    def contents(self, name: str) -> Contents:
        engine = connection.engine(f"{self.base}/{name}")
        keys = ", ".join(f"'{key}'" for key in CLOCKS)
        rows = f"select to_jsonb(stored) - array[{keys}] from metrics.{{table}} as stored"
        fresh = "select partition_date::text from metrics.partitions where state = 'fresh'"
        by_day: dict[str, dict[str, list[str]]] = {}
        with engine.connect() as session:
            for table in BY_DAY:
                days = by_day.setdefault(table, {})
                where = " where partition_date >= '2026-03-01'"
                where += " and step <> 'tests'" * (table == "measured_inputs")
                for row in session.scalars(sa.text(rows.format(table=table) + where)):
                    text = json.dumps(row, sort_keys=True)
                    days.setdefault(row["partition_date"], []).append(text)
            selected = {**{table: table for table in OTHERS}, **APART}
            others = {
                table: sorted(
                    json.dumps(self._with_page(name, row), sort_keys=True)
                    for row in session.scalars(sa.text(_selected(rows, where)))
                )
                for table, where in selected.items()
                # dbt makes some of them.
                if session.scalar(sa.select(sa.func.to_regclass(f"metrics.{where.split()[0]}")))
            }
            measured = frozenset(session.scalars(sa.text(fresh)))
        engine.dispose()
        for days in by_day.values():
            for texts in days.values():
                texts.sort()
        return Contents(by_day, others, measured)


def _selected(rows: str, where: str) -> str:
    """The query of a table's rows, or of some of them."""
    table, _, condition = where.partition(" ")
    return f"{rows.format(table=table)} {condition}"


def faults_of(now: Contents, old: Contents, new: Contents) -> list[str]:
    """What a warehouse may not hold after a fault, whenever it came; nothing if all is well.

    A day that the record calls fresh is the old one in every table, or the new one in every table.
    One that it calls stale may have some of either, and is to be measured again. In neither has a
    table lost a day, or a row twice.
    """
    wrong = []
    days = sorted({day for table in old.by_day.values() for day in table})
    for day in days:
        sides = {}
        for table in BY_DAY:
            rows, before, after = (
                contents.by_day[table].get(day, []) for contents in (now, old, new)
            )
            sides[table] = {
                side for side, texts in (("old", before), ("new", after)) if rows == texts
            }
            if doubled := [row for row, count in Counter(rows).items() if count > 1]:
                wrong.append(f"{day}: {len(doubled)} rows are twice in {table}")
            if not rows and table in NEVER_EMPTY:
                wrong.append(f"{day}: {table} has lost its rows")
        if day in now.fresh and not set.intersection(*sides.values()):
            mixed = {table: "/".join(sorted(side)) or "neither" for table, side in sides.items()}
            wrong.append(f"{day} is fresh and mixed: {mixed}")
    return wrong


def differences(now: Contents, new: Contents) -> list[str]:
    """Tables whose rows are not those of an undisturbed run."""
    by_day = [f"{table} by day" for table in BY_DAY if now.by_day[table] != new.by_day[table]]
    names = [*new.others, *(name for name in now.others if name not in new.others)]
    return [*by_day, *(name for name in names if now.others.get(name) != new.others.get(name))]
