"""The wind farm's fortnight, built once: two monitors through every command and its own Dagster."""

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from driftmeter.dashboards.preview.frames import Scope
from driftmeter.warehouse import connection
from driftmeter.warehouse.reader import set_reader_password
from tests.conftest import create_database
from tests.integration.test_notifications import Service
from tests.own_project.farm import Farm, make_farm
from tests.own_project.fortnight import (
    declare_monitors,
    hold_back,
    land,
    measure,
    put_right,
    run_in_dagster,
    tell_people,
)

FIRST, LAST = dt.date(2026, 4, 13), dt.date(2026, 4, 26)


@contextmanager
def where_the_farm_is(farm: Farm) -> Iterator[None]:
    """The farm's own environment, and after it what the tests of other folders have."""
    named = {
        "DRIFTMETER_HOME": str(farm.directory / ".driftmeter"),
        "DRIFTMETER_NOTIFY_URLS": farm.service,
    }
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in (farm.environment | named).items():
            if variable.startswith("DRIFTMETER_"):
                patch.setenv(variable, value)
        yield


@pytest.fixture(scope="session")
def farm(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """The farm after its fortnight."""
    name = f"farm_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, "template0")
    engine = connection.engine(f"{postgres}/{name}")
    service = Service()
    made = make_farm(tmp_path_factory.mktemp("wind") / "farm", engine)
    made.service = service.url
    with where_the_farm_is(made):
        declare_monitors(made)
        hold_back(made)
        measure(made)
        land(made)
        put_right(made)
        run_in_dagster(made)
        tell_people(made)
    made.messages = service.got
    yield made
    service.server.shutdown()
    service.server.server_close()
    engine.dispose()


@pytest.fixture(autouse=True)
def beside_the_farm(farm: Farm) -> Iterator[None]:
    """Each test of this folder runs where its team works."""
    with where_the_farm_is(farm):
        yield


@pytest.fixture(scope="session")
def reader(farm: Farm) -> Iterator[sa.Engine]:
    """The farm's warehouse as Grafana sees it: through its own role."""
    engine = connection.engine(set_reader_password(farm.engine))
    yield engine
    engine.dispose()


@pytest.fixture(params=["turbine_power", "bearing_watch"])
def opened(request: pytest.FixtureRequest, farm: Farm) -> Scope:
    """Dashboards over the fortnight, of one monitor."""
    monitor = str(request.param)
    versions = "select model_version from metrics.model_version_starts where monitor = "
    is_turbine = monitor == "turbine_power"
    return Scope(
        first=dt.datetime.combine(FIRST, dt.time.min, dt.timezone.utc),
        last=dt.datetime.combine(LAST, dt.time.max, dt.timezone.utc),
        values={
            "monitor": monitor,
            "model_version": [row[0] for row in farm.rows(f"{versions}'{monitor}'")],
            "segment": "all rows",
            "column": "wind_speed" if is_turbine else "vibration",
            "metric": "mae" if is_turbine else "log_loss",
        },
    )
