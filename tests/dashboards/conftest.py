"""The demo's warehouse as Grafana sees it, and what its dashboards show at first."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from driftmeter.dashboards.preview.frames import Scope
from driftmeter.warehouse import connection
from driftmeter.warehouse.reader import set_reader_password
from tests.dashboards.answers import instant


@pytest.fixture(scope="session")
def reader(demo: sa.Engine) -> Iterator[sa.Engine]:
    """The demo's warehouse as Grafana sees it: through its own role."""
    engine = connection.engine(set_reader_password(demo))
    yield engine
    engine.dispose()


@pytest.fixture
def scope() -> Scope:
    """What the dashboards show when they are opened for the first time."""
    from driftmeter.dashboards.dashboard import FIRST_SHOWN, LAST_SHOWN

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
