"""A team's directory and warehouse, and the commands that its people run there."""

import os
import subprocess
from pathlib import Path

import sqlalchemy as sa

from tests.programs import DRIFTMETER, run_program


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
