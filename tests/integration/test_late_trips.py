"""The demo's late trips: absent on the day that they are missed, then loaded, then measured."""

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from dagster_driftmeter.runs.chain import kept_processes
from dagster_taxi.source_choice import SourceChoice
from dagster_taxi.trip_chain import run_chain, run_stale
from driftmeter.arrival.changed_days import stale_days
from driftmeter.warehouse import connection
from taxi.models.baseline_models import MODELS
from tests.conftest import create_database, prepare_for
from tests.integration.pipeline import days, rows_of

CHOICE = SourceChoice("simulated", trips_per_day=120)
LATE = "2019-04-20"
PARTITION = sa.text(
    "select state, reason, row_count from metrics.partitions"
    " where monitor = 'trip_duration' and partition_date = :day"
)
INCIDENT = sa.text(
    "select closed_on is null from metrics.incidents"
    " where monitor = 'trip_duration' and kind = 'late_data' and opened_on = :day"
)


@pytest.fixture(scope="module")
def engine(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[sa.Engine]:
    """The demo's last days, as they are on 21 April 2019."""
    name = f"late_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, template)
    with pytest.MonkeyPatch.context() as patch:
        prepare_for(patch, f"{postgres}/{name}", tmp_path_factory.mktemp("home"))
        with kept_processes():
            run_chain(CHOICE, days("2019-04-19", "2019-04-21"))
            made = connection.engine(f"{postgres}/{name}")
            yield made
            made.dispose()


def partition(engine: sa.Engine) -> tuple[str, str | None, int]:
    with engine.connect() as session:
        state, reason, rows = session.execute(PARTITION, {"day": LATE}).one()
    return state, reason, rows


def planted(capsys: pytest.CaptureFixture[str], first: str, last: str) -> str:
    """What the summary of these days says was planted, on one line."""
    from dagster_driftmeter.runs.chain import ChainRun
    from dagster_taxi.trip_summary import print_run

    capsys.readouterr()
    print_run(ChainRun(days(first, last), tuple(MODELS), False, 1.0), CHOICE)
    return " ".join(capsys.readouterr().out.split())


def test_late_trips_are_missed_then_loaded_then_measured(
    engine: sa.Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    whole = SourceChoice("simulated", trips_per_day=120).open().read_day(days(LATE).from_date)
    assert whole is not None
    _, _, on_time = partition(engine)
    missed = whole.trips.num_rows - on_time
    assert missed / whole.trips.num_rows == pytest.approx(0.25, abs=0.12)
    shown = planted(capsys, "2019-04-19", "2019-04-21")
    assert "late_data: 25% of the trips are not here yet" in shown

    # On the 23rd they are there; the run of that day does not measure the 20th.
    run_chain(CHOICE, days("2019-04-22", "2019-04-23"))
    reason = f"{missed} trips came late, after the day was measured"
    assert partition(engine) == ("stale", reason, on_time)
    for name in MODELS:
        assert [str(day) for day in stale_days(engine, name)] == [LATE]
    with engine.connect() as session:
        assert session.scalars(INCIDENT, {"day": LATE}).all() == [True]

    (again,) = run_stale(CHOICE)
    assert (again.days.from_date, again.days.to_date) == (days(LATE).from_date,) * 2
    assert partition(engine) == ("fresh", None, whole.trips.num_rows)
    assert all(stale_days(engine, name) == {} for name in MODELS)
    assert "late_data: 25% of the trips come 3 days late" in planted(capsys, LATE, LATE)

    # And once more: the same trips, and no day to run.
    after = rows_of(engine, LATE)
    run_chain(CHOICE, days("2019-04-19", "2019-04-23"))
    assert rows_of(engine, LATE) == after
    assert list(run_stale(CHOICE)) == []
