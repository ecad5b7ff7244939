"""Days of one monitor over several processes: the same rows, and an error that is the day's own."""

import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from dagster_driftmeter.runs.over_pieces import over_pieces
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.commands import run
from tests.integration.test_any_columns import Project
from tests.integration.test_changed_policy import DAYS, LOOSE, declare, fill, stored

DAY = dt.date(2026, 3, 1)
MANY = [DAY + dt.timedelta(days=number) for number in range(20)]


@pytest.fixture(scope="module")
def projects(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Project]]:
    """The same rows and days, measured in one process and in three."""
    made = []
    for workers in ("1", "3"):
        create_database(postgres, f"workers_{workers}", template)
        engine = connection.engine(f"{postgres}/workers_{workers}")
        fill(engine)
        project = Project(tmp_path_factory.mktemp(f"workers_{workers}"), engine)
        declare(project, LOOSE)
        run(project, *DAYS, "--workers", workers)
        made.append(project)
    yield made
    for project in made:
        project.engine.dispose()


def test_the_rows_are_those_of_one_process(projects: list[Project]) -> None:
    one, three = (stored(project) for project in projects)
    assert all(len(one[table]) for table in ("drift", "performance", "breaches", "incidents"))
    assert one == three


def test_days_come_from_several_processes(tmp_path: Path) -> None:
    identified = list(over_pieces(_process_beside_another, tmp_path, MANY, 3))
    assert [day for day, _ in identified] == MANY
    assert os.getpid() not in {process for _, process in identified}
    assert len({process for _, process in identified}) > 1


def test_few_days_stay_in_this_process() -> None:
    assert {process for _, process in over_pieces(_process, None, MANY[:3], 3)} == {os.getpid()}


def _process(shared: object, day: dt.date) -> tuple[dt.date, int]:
    return day, os.getpid()


def _process_beside_another(begun: Path, day: dt.date) -> tuple[dt.date, int]:
    """Wait for a second process: on a busy machine the first does all days before it starts."""
    (begun / str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while len(list(begun.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    return _process(begun, day)


def test_an_error_is_the_days_own_and_those_before_are_done(tmp_path: Path) -> None:
    results = over_pieces(_fail_on_tenth, tmp_path, MANY, 2)
    done = []
    with pytest.raises(DriftmeterError, match="day ten is bad"):
        done.extend(results)
    assert len(list(tmp_path.iterdir())) >= 9


def _fail_on_tenth(directory: Path, day: dt.date) -> dt.date:
    if day == MANY[9]:
        raise DriftmeterError("day ten is bad", where=str(directory))
    (directory / f"{day}").touch()
    return day


def test_a_process_that_was_killed_is_one_line() -> None:
    with pytest.raises(DriftmeterError, match="a worker process was killed"):
        list(over_pieces(_die, None, MANY, 2))


def _die(shared: None, day: dt.date) -> None:
    os._exit(9)


def test_an_error_that_cannot_be_sent_is_told_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="Stubborn"):
        list(over_pieces(_stubborn, None, MANY, 2))


class Stubborn(Exception):
    def __init__(self, one: object, two: object) -> None:
        super().__init__()
        self.it = lambda: (one, two)


def _stubborn(shared: None, day: dt.date) -> None:
    raise Stubborn(1, 2)


def test_a_lost_connection_is_one_still_in_the_process_that_asked() -> None:
    from dagster_driftmeter.runs.retries import is_disconnected

    with pytest.raises(sa.exc.OperationalError) as raised:
        list(over_pieces(_disconnected, None, MANY, 2))
    assert is_disconnected(raised.value.orig)


def _disconnected(shared: None, day: dt.date) -> None:
    engine = sa.create_engine("postgresql+psycopg://a:b@127.0.0.1:1/none")
    engine.connect()
