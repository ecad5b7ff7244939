"""The baseline models on real trips: what they know, what they beat, and what they refuse."""

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_absolute_error

from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Days
from taxi.load_trips import load_day
from taxi.models.baseline_models import COURSE_INPUTS, TRIP_DURATION, duration_minutes
from taxi.models.raw_frame import read_trips
from taxi.models.score import load_active, score_days
from taxi.models.train import TrainedModel, train_baseline
from taxi.sources.files import FilesSource
from taxi.sources.simulated import SimulatedSource

JANUARY = Days(**{"from": "2019-01-01", "to": "2019-01-31"})
DAY = dt.date(2019, 1, 10)


def load(warehouse: sa.Engine, source: object, first: dt.date, days: int) -> None:
    for number in range(days):
        load_day(warehouse, source, first + dt.timedelta(days=number))  # type: ignore[arg-type]


def train(warehouse: sa.Engine, home: Path, monitor: str = "trip_duration") -> TrainedModel:
    return train_baseline(warehouse, monitor, JANUARY, data_source="a test", home=home)


@pytest.fixture
def january(warehouse: sa.Engine) -> sa.Engine:
    """Simulated trips of January."""
    load(warehouse, SimulatedSource(trips_per_day=60), JANUARY.from_date, 31)
    return warehouse


def test_what_is_known_at_pickup_beats_the_courses_leak_on_real_trips(
    warehouse: sa.Engine, tlc_sample: Path, tmp_path: Path
) -> None:
    assert settings.PROJECT_ROOT not in tlc_sample.parents
    load(warehouse, FilesSource(tlc_sample), JANUARY.from_date, 31)
    trained = train(warehouse, tmp_path)
    with warehouse.connect() as connection:
        trips = read_trips(connection, TRIP_DURATION, JANUARY.from_date, JANUARY.to_date)
    trips = trips[TRIP_DURATION.is_sane(trips)]
    # The course's model again, by hand: the last six of 31 days are held back.
    is_held_back = trips["partition_date"] > dt.date(2019, 1, 25)
    fitting, held_back = trips[~is_held_back], trips[is_held_back]
    course = LinearRegression().fit(fitting[COURSE_INPUTS], duration_minutes(fitting))
    error = mean_absolute_error(
        duration_minutes(held_back), course.predict(held_back[COURSE_INPUTS])
    )
    assert trained.benchmark_value == pytest.approx(error)
    assert trained.holdout_value < 0.8 * trained.benchmark_value


def test_the_duration_model_reads_nothing_that_is_known_only_at_drop_off(
    january: sa.Engine,
) -> None:
    with january.connect() as connection:
        trips = read_trips(connection, TRIP_DURATION, DAY, DAY)
    later = trips.assign(
        fare_amount=1.0, total_amount=2.0, dropoff_datetime=trips["pickup_datetime"]
    )
    assert TRIP_DURATION.features(trips).equals(TRIP_DURATION.features(later))


def test_generous_tips_are_told_better_than_by_their_share(
    january: sa.Engine, tmp_path: Path
) -> None:
    load(january, SimulatedSource(trips_per_day=600), JANUARY.from_date, 31)
    trained = train(january, tmp_path, "trip_tip")
    assert trained.train_metric == "log_loss"
    assert trained.holdout_value < trained.benchmark_value


def test_rows_of_other_days_change_nothing_and_training_again_gives_the_same(
    january: sa.Engine, tmp_path: Path
) -> None:
    first = train(january, tmp_path)
    load(january, SimulatedSource(trips_per_day=500), dt.date(2019, 2, 1), 2)
    assert train(january, tmp_path) == first


def test_declared_days_without_trips_are_one_line(warehouse: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(DriftmeterError, match="2019-01-01 to 2019-01-31 hold 0 trips"):
        train(warehouse, tmp_path)
    with pytest.raises(DriftmeterError, match="no baseline model of trip_duration"):
        load_active(warehouse, "trip_duration", tmp_path)


def test_a_file_with_another_hash_is_refused(january: sa.Engine, tmp_path: Path) -> None:
    trained = train(january, tmp_path)
    file = tmp_path / trained.artifact
    load_active(january, "trip_duration", tmp_path)
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(DriftmeterError, match="sha256 differs") as error:
        load_active(january, "trip_duration", tmp_path)
    assert str(file) in str(error.value)
    file.unlink()
    with pytest.raises(DriftmeterError, match="the model file is gone"):
        load_active(january, "trip_duration", tmp_path)


def test_every_trip_is_scored_nulls_too_and_vanished_trips_lose_their_predictions(
    january: sa.Engine, tmp_path: Path
) -> None:
    train(january, tmp_path)
    active = load_active(january, "trip_duration", tmp_path)
    with january.begin() as session:
        session.execute(
            sa.text("update raw.trips set passenger_count = null, trip_distance = null")
        )
        count = session.scalar(
            sa.text("select count(*) from raw.trips where partition_date = :day"), {"day": DAY}
        )
    predictions = sa.text("select trip_id, prediction from raw.predictions order by 1")

    def scored() -> list[tuple[int, float]]:
        score_days(january, active, [DAY])
        with january.connect() as session:
            return [(row.trip_id, row.prediction) for row in session.execute(predictions)]

    first = scored()
    assert len(first) == count
    assert scored() == first
    gone = first[0][0]
    with january.begin() as session:
        session.execute(sa.text("delete from raw.trips where trip_id = :id"), {"id": gone})
    assert scored() == first[1:]
