"""A team's directory and warehouse, and the commands that its people run there."""

import os
import subprocess
from pathlib import Path

import sqlalchemy as sa

from tests.programs import DRIFTMETER, run_program

TABLES_OF_BATCHES = ("column_summary", "drift", "performance", "partitions", "test_results")
# What is a clock, or counts rows that were written.
CLOCKS = {"computed_at", "measured_at", "duration_seconds"}


class Warehouse:
    """What is in a database.

    Attributes
    ----------
    engine : sa.Engine
        Of the database.
    """

    engine: sa.Engine

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.engine.connect() as session:
            return [tuple(row) for row in session.execute(sa.text(query))]

    def scalar(self, query: str) -> object:
        with self.engine.connect() as session:
            return session.scalar(sa.text(query))

    def lines(self, *tables: str) -> list[str]:
        """Every row of tables of the metrics schema, without when it was computed."""
        form = "select (to_jsonb(t) - 'computed_at')::text from metrics.{} as t order by 1"
        return [str(line) for table in tables for (line,) in self.rows(form.format(table))]

    def measured(self, where: str) -> dict[str, list[str]]:
        """Every row of `TABLES_OF_BATCHES`, without clocks."""
        found = {}
        with self.engine.connect() as session:
            for table in TABLES_OF_BATCHES:
                columns = [
                    column["name"]
                    for column in sa.inspect(session).get_columns(table, schema="metrics")
                    if column["name"] not in CLOCKS
                ]
                query = f"select row({', '.join(columns)})::text from metrics.{table} where {where}"
                found[table] = sorted(session.scalars(sa.text(query)))
        return found

    def change(self, statement: str) -> None:
        with self.engine.begin() as session:
            session.exec_driver_sql(statement)


class Team(Warehouse):
    """A directory in which `driftmeter init` makes a project, over a warehouse with its tables."""

    def __init__(self, directory: Path, engine: sa.Engine) -> None:
        self.directory = directory
        self.engine = engine
        directory.mkdir(exist_ok=True)

    def ended(self, *words: str, program: str = DRIFTMETER) -> "subprocess.CompletedProcess[str]":
        """How a command ended; its home is the directory's own."""
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        environment = {**os.environ, "DRIFTMETER_DATABASE_URL": url}
        for name in ("DRIFTMETER_HOME", "DRIFTMETER_DBT_PROJECT"):
            environment.pop(name, None)
        return run_program(program, *words, directory=self.directory, environment=environment)

    def says(self, *words: str) -> str:
        """What a command prints that succeeds."""
        ended = self.ended(*words)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout
