"""The demo's three weeks in a warehouse, for the queries of every panel and rule."""

import datetime as dt
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from python_metrics.dashboards.preview.frames import Scope
from python_metrics.warehouse import connection
from python_metrics.warehouse.reader import set_reader_password
from tests.conftest import create_database
from tests.dashboards.planted import plant
from tests.integration.pipeline import days

FIRST, LAST = "2019-04-01", "2019-04-21"


@pytest.fixture(scope="session")
def demo(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sa.Engine]:
    """Engine of a warehouse after `make demo`, with fewer trips a day, and what others fill."""
    name = f"demo_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_DATABASE_URL", f"{postgres}/{name}")
        patch.setenv("DRIFTMETER_HOME", str(tmp_path_factory.mktemp("home")))
        from orchestration.chain import run_chain
        from orchestration.environment import prepare
        from orchestration.source_choice import SourceChoice

        prepare()
        run_chain(SourceChoice("simulated", trips_per_day=200), days(FIRST, LAST))
    engine = connection.engine(f"{postgres}/{name}")
    plant(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def reader(demo: sa.Engine) -> Iterator[sa.Engine]:
    """The demo's warehouse as Grafana sees it: through its own role."""
    engine = connection.engine(set_reader_password(demo))
    yield engine
    engine.dispose()


@pytest.fixture
def scope() -> Scope:
    """What the dashboards show when they are opened for the first time."""
    from python_metrics.dashboards.dashboard import FIRST_SHOWN, LAST_SHOWN

    return Scope(
        first=instant(FIRST_SHOWN),
        last=instant(LAST_SHOWN),
        values={
            "monitor": "trip_duration",
            "model_version": ["All: every version there is"],
            "segment": "all rows",
            "column": "fare_usd",
            "metric": "mae",
        },
    )


def instant(text: str) -> dt.datetime:
    """An instant as Grafana's JSON has it."""
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
