"""A real Postgres for the tests: one embedded server a session, one fresh database a test."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.embedded import EmbeddedPostgres
from taxi.migrations import upgrade_raw
from tests.integration.pipeline import days

DEMO_DAYS = ("2019-04-01", "2019-04-21")
TLC_SAMPLE = Path(__file__).parents[2] / "shared" / "data" / "tlc_sample"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Share tests out as `tests.scheduler` says, where there are several processes."""
    from tests.scheduler import TogetherScheduling

    return TogetherScheduling(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a process of several, what takes longest comes first."""
    if not hasattr(config, "workerinput"):
        return
    from tests.scheduler import place_of

    items.sort(key=lambda item: place_of(item.nodeid.split("::", 1)[0]))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a running server, without the database."""
    home = Path(tempfile.mkdtemp(prefix="driftmeter-tests-"))
    server = EmbeddedPostgres(home)
    try:
        url = server.start().rsplit("/", 1)[0]
        _make_hasty(url)
        yield url
    finally:
        server.stop()
        shutil.rmtree(home)


def _make_hasty(postgres: str) -> None:
    """Let a server wait for no disk: what outlives a crash is asked of servers of their own."""
    engine = connection.engine(f"{postgres}/postgres")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            session.exec_driver_sql(f"alter system set {setting} = off")
        session.exec_driver_sql("select pg_reload_conf()")
    engine.dispose()


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """Name of a migrated database that the others are copied from."""
    create_database(postgres, "template_warehouse", "template0")
    engine = connection.engine(f"{postgres}/template_warehouse")
    migrate.upgrade(engine)
    upgrade_raw(engine)
    engine.dispose()
    return "template_warehouse"


@pytest.fixture
def warehouse_url(postgres: str, template: str) -> str:
    """URL of a fresh, migrated warehouse."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    create_database(postgres, name, template)
    return f"{postgres}/{name}"


@pytest.fixture
def warehouse(warehouse_url: str) -> Iterator[sa.Engine]:
    """Engine of a fresh, migrated warehouse."""
    engine = connection.engine(warehouse_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Driftmeter's directory of the demo: its reports, and Dagster's record of its runs."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def demo(postgres: str, template: str, demo_home: Path) -> Iterator[sa.Engine]:
    """Engine of a warehouse after `make demo`, with fewer trips a day."""
    name = f"demo_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    with pytest.MonkeyPatch.context() as patch:
        prepare_for(patch, f"{postgres}/{name}", demo_home)
        from dagster_taxi.source_choice import SourceChoice
        from dagster_taxi.trip_chain import run_chain

        run_chain(SourceChoice("simulated", trips_per_day=200), days(*DEMO_DAYS))
    engine = connection.engine(f"{postgres}/{name}")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def tlc_sample() -> Path:
    """Directory of real trips; the test is skipped where it is absent."""
    if not TLC_SAMPLE.is_dir():
        pytest.skip(f"no real trips at {TLC_SAMPLE}")
    return TLC_SAMPLE


def database_copy(postgres: str, template: str, name: str) -> sa.Engine:
    """Engine of a new copy of a database; `name` is what its own name begins with."""
    name = f"{name}_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    return connection.engine(f"{postgres}/{name}")


def create_database(postgres: str, name: str, template: str) -> None:
    """Make a database on the tests' server, as a copy of a template."""
    server = sa.create_engine(
        f"{postgres}/postgres".replace("postgresql:", "postgresql+psycopg:"),
        isolation_level="AUTOCOMMIT",
    )
    with server.connect() as session:
        session.exec_driver_sql(f'create database "{name}" template "{template}"')
    server.dispose()


def prepare_for(patch: pytest.MonkeyPatch, url: str, home: Path) -> None:
    """Point the environment at a warehouse and a home, and prepare both."""
    patch.setenv("DRIFTMETER_DATABASE_URL", url)
    patch.setenv("DRIFTMETER_HOME", str(home))
    from dagster_driftmeter.runs.environment import prepare

    prepare()
