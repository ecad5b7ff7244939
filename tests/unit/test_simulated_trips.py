"""The simulator: the same seed gives the same day, and each planted fault does what it says."""

import datetime as dt

import pandas as pd
import pytest

from taxi.sources.faults import DEFAULT_SCHEDULE, KINDS, Fault
from taxi.sources.simulated import SimulatedSource

DAY = dt.date(2019, 4, 2)


def trips(day: dt.date = DAY, *faults: Fault, **options: object) -> pd.DataFrame:
    source = SimulatedSource(trips_per_day=3000, schedule=faults, **options)  # type: ignore[arg-type]
    batch = source.read_day(day)
    assert batch is not None
    return batch.trips.to_pandas()


def with_fault(kind: str, **about: object) -> pd.DataFrame:
    return trips(DAY, Fault(kind, DAY, DAY, **about))  # type: ignore[arg-type]


def test_a_day_depends_on_the_seed_and_on_nothing_drawn_before() -> None:
    fresh, used = SimulatedSource(seed=3), SimulatedSource(seed=3)
    used.read_day(DAY - dt.timedelta(days=1))
    assert fresh.read_day(DAY).trips.equals(used.read_day(DAY).trips)  # type: ignore[union-attr]
    assert not trips(seed=3).equals(trips(seed=4))


def test_the_default_schedule_plants_every_kind_in_three_weeks_after_calm_days() -> None:
    assert {fault.kind for fault in DEFAULT_SCHEDULE} == set(KINDS)
    assert min(fault.from_date for fault in DEFAULT_SCHEDULE) > dt.date(2019, 4, 1)
    assert max(fault.to_date for fault in DEFAULT_SCHEDULE) <= dt.date(2019, 4, 21)
    assert all(fault.label for fault in DEFAULT_SCHEDULE)


def test_unusable_rows_are_rejected_and_every_row_is_accounted_for() -> None:
    batch = SimulatedSource(trips_per_day=20_000, schedule=()).read_day(DAY)
    assert batch is not None
    assert batch.rejected.num_rows > 0
    assert batch.trips.num_rows + batch.rejected.num_rows == batch.files[0].row_count


def test_missing_values_go_missing() -> None:
    hit = with_fault("missing_values", column="passenger_count", size=0.35)
    assert hit["passenger_count"].isna().mean() == pytest.approx(0.35, abs=0.04)


def test_an_unseen_category_appears() -> None:
    hit = with_fault("unseen_category", column="payment_type", size=0.15, value=6)
    assert (trips()["payment_type"] != 6).all()
    assert (hit["payment_type"] == 6).mean() == pytest.approx(0.15, abs=0.03)


def test_a_unit_change_multiplies_the_column_and_leaves_the_others() -> None:
    calm, hit = trips(), with_fault("unit_change", column="trip_distance", size=1.609344)
    assert hit["trip_distance"].sum() == pytest.approx(1.609344 * calm["trip_distance"].sum())
    assert hit.drop(columns="trip_distance").equals(calm.drop(columns="trip_distance"))


def test_outliers_are_few_and_far() -> None:
    hit = with_fault("outliers", column="fare_amount", size=0.01, value=5000)
    assert (hit["fare_amount"] == 5000).mean() == pytest.approx(0.01, abs=0.008)


def test_a_mix_shift_fills_one_zone() -> None:
    calm, hit = trips(), with_fault("mix_shift", column="pickup_location_id", size=0.3, value=132)
    gained = (hit["pickup_location_id"] == 132).mean() - (calm["pickup_location_id"] == 132).mean()
    assert gained == pytest.approx(0.3, abs=0.04)


def test_a_bad_segment_changes_its_own_rows_only() -> None:
    calm, hit = trips(), with_fault("segment", column="vendor_id", size=1.5, value=2)
    ratio = hit["trip_distance"] / calm["trip_distance"]
    known = calm["trip_distance"] > 0
    assert ratio[known & (calm["vendor_id"] == 2)].to_numpy() == pytest.approx(1.5)
    assert ratio[known & (calm["vendor_id"] == 1)].to_numpy() == pytest.approx(1.0)


def test_concept_drift_changes_the_outcome_for_the_same_inputs() -> None:
    calm, hit = trips(), with_fault("concept_drift", size=1.4)
    lasted = {
        name: (frame["dropoff_datetime"] - frame["pickup_datetime"]).dt.total_seconds().sum()
        for name, frame in (("calm", calm), ("hit", hit))
    }
    assert lasted["hit"] == pytest.approx(1.4 * lasted["calm"], rel=0.001)
    assert hit.drop(columns="dropoff_datetime").equals(calm.drop(columns="dropoff_datetime"))


def test_a_missing_day_is_none_and_an_empty_day_has_no_rows() -> None:
    gone = SimulatedSource(schedule=[Fault("missing_day", DAY, DAY)])
    empty = SimulatedSource(schedule=[Fault("empty_day", DAY, DAY)])
    assert gone.read_day(DAY) is None
    assert DAY not in gone.days()
    batch = empty.read_day(DAY)
    assert batch is not None
    assert batch.trips.num_rows == 0
    assert DAY in empty.days()


def test_late_rows_are_absent_before_their_time_and_all_there_after() -> None:
    late = Fault("late_data", DAY, DAY, size=0.25, delay_days=3)
    on_time = trips(DAY, late, as_of=DAY + dt.timedelta(days=1))
    after = trips(DAY, late, as_of=DAY + dt.timedelta(days=3))
    assert len(on_time) / len(after) == pytest.approx(0.75, abs=0.04)
    assert set(on_time["trip_id"]) < set(after["trip_id"])
    assert after.equals(trips())
    assert SimulatedSource(schedule=[late]).late_arrivals() == {DAY: DAY + dt.timedelta(days=3)}


def test_a_label_says_whether_late_rows_are_there_yet() -> None:
    late = Fault("late_data", DAY, DAY, size=0.25, delay_days=3)
    labels = [late.label_by(DAY, DAY + dt.timedelta(days=waited)) for waited in (2, 3)]
    assert labels == ["25% of the trips are not here yet", "25% of the trips come 3 days late"]


def test_an_unknown_kind_of_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="is no kind of fault"):
        Fault("gremlins", DAY, DAY)
