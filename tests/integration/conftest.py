"""Warehouses that are made once for many tests: one of the whole chain, one of plain rows."""

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.warehouse import connection
from tests.conftest import create_database, database_copy, prepare_for
from tests.integration.pipeline import days, write_month
from tests.integration.same_rows import ROWS


@dataclass(frozen=True)
class Chain:
    """A built warehouse, and the files that it was built from."""

    engine: sa.Engine
    directory: Path
    kept: contextlib.ExitStack

    def run(self, first: str, last: str | None = None, only: str | None = None) -> None:
        """Take days through the chain, in this process with the dbt and workers of the first."""
        from dagster_driftmeter.runs.chain import kept_processes
        from dagster_taxi.source_choice import SourceChoice
        from dagster_taxi.trip_chain import run_chain

        self.kept.enter_context(kept_processes())
        run_chain(SourceChoice("files", str(self.directory)), days(first, last), only)


@dataclass(frozen=True)
class Built:
    """A chain that was built once: a database and directories to copy.

    The files that it was built from have one place, by which the warehouse knows its source.
    """

    database: str
    home: Path
    files: Path
    directory: Path


@pytest.fixture(scope="session")
def built(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """January to April 2019 as files; the first three days of April computed."""
    home, files, directory = map(tmp_path_factory.mktemp, ("built_home", "files", "trips"))
    for month in ("2019-01", "2019-02", "2019-03", "2019-04"):
        write_month(files, month)
    shutil.copytree(files, directory, dirs_exist_ok=True)
    name = f"built_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    with pytest.MonkeyPatch.context() as patch:
        prepare_for(patch, f"{postgres}/{name}", home)
        with contextlib.ExitStack() as kept:
            chain = Chain(connection.engine(f"{postgres}/{name}"), directory, kept)
            chain.run("2019-04-01", "2019-04-03")
        chain.engine.dispose()
    return Built(name, home, files, directory)


@pytest.fixture(scope="module")
def chain(postgres: str, built: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The built chain, a module's own copy of it."""
    name, home = f"chain_{uuid.uuid4().hex[:8]}", tmp_path_factory.mktemp("home")
    create_database(postgres, name, built.database)
    shutil.copytree(built.home, home, dirs_exist_ok=True)
    # Without what another module has put there.
    shutil.rmtree(built.directory)
    shutil.copytree(built.files, built.directory)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as kept:
        prepare_for(patch, f"{postgres}/{name}", home)
        copy = Chain(connection.engine(f"{postgres}/{name}"), built.directory, kept)
        yield copy
        copy.engine.dispose()


@pytest.fixture(scope="module")
def rows(postgres: str, template: str) -> Iterator[sa.Engine]:
    """A database in which each test makes a table of the same rows, in another layout."""
    engine = database_copy(postgres, template, "rows")
    with engine.begin() as session:
        session.exec_driver_sql(ROWS.replace("%", "%%"))
    yield engine
    engine.dispose()
