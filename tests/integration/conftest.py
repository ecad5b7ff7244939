"""A warehouse with a baseline and three days, built once for the tests of the whole chain."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from python_metrics.warehouse import connection
from tests.conftest import create_database
from tests.integration.pipeline import days, write_month


@dataclass(frozen=True)
class Chain:
    """A built warehouse, and the files that it was built from."""

    engine: sa.Engine
    directory: Path

    def run(self, first: str, last: str | None = None, only: str | None = None) -> None:
        """Take days through the chain, in this process."""
        from orchestration.example.chain import run_chain
        from orchestration.example.source_choice import SourceChoice

        run_chain(SourceChoice("files", str(self.directory)), days(first, last), only)


@pytest.fixture(scope="module")
def chain(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Chain]:
    """January to April 2019 as files; the first three days of April computed."""
    directory = tmp_path_factory.mktemp("trips")
    for month in ("2019-01", "2019-02", "2019-03", "2019-04"):
        write_month(directory, month)
    name = f"chain_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_DATABASE_URL", f"{postgres}/{name}")
        patch.setenv("DRIFTMETER_HOME", str(tmp_path_factory.mktemp("home")))
        from orchestration.environment import prepare

        prepare()
        built = Chain(connection.engine(f"{postgres}/{name}"), directory)
        built.run("2019-04-01", "2019-04-03")
        yield built
        built.engine.dispose()
