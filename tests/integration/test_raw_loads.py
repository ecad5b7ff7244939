"""Loading a day of raw trips: swapped whole, every row accounted for."""

import datetime as dt
from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from taxi.load_trips import days_with_late_trips, load_day
from taxi.sources.base import Batch
from taxi.sources.faults import Fault
from taxi.sources.simulated import SimulatedSource
from tests.integration.pipeline import rows_of

DAY = dt.date(2019, 4, 2)
RAW = ("raw.trips", "raw.rejected_trips", "raw.loads", "raw.source_files")

MEASURED = sa.text(
    "insert into metrics.partitions (monitor, partition_date, state, row_count,"
    " config_hash, duration_seconds) values ('m', :day, 'fresh', 1, 'h', 1),"
    " ('of other rows', :day, 'fresh', 1, 'h', 1)"
)


def partitions(warehouse: sa.Engine, monitor: str = "m") -> dict[dt.date, str]:
    query = sa.text("select partition_date, state from metrics.partitions where monitor = :monitor")
    with warehouse.connect() as session:
        return {day: state for day, state in session.execute(query, {"monitor": monitor})}


def test_read_is_loaded_and_rejected_to_the_last_row(warehouse: sa.Engine) -> None:
    load = load_day(warehouse, SimulatedSource(trips_per_day=5000), DAY)
    assert load.state == "loaded"
    assert load.rejected > 0
    assert load.read == load.loaded + load.rejected
    with warehouse.connect() as session:
        balance = session.execute(sa.text("select * from raw.load_balance")).mappings().one()
        by_reason = session.scalar(sa.text("select rejected_by_reason from raw.loads"))
    assert balance["rows_in_file"] == load.read
    assert (balance["loaded"], balance["rejected"]) == (load.loaded, load.rejected)
    assert balance["on_days_not_loaded"] == 0
    assert sum(by_reason.values()) == load.rejected


def test_loading_again_changes_nothing(warehouse: sa.Engine) -> None:
    first = load_day(warehouse, SimulatedSource(), DAY)
    before = rows_of(warehouse, tables=RAW)
    second = load_day(warehouse, SimulatedSource(), DAY)
    assert (first.changed, second.changed) == (True, False)
    assert rows_of(warehouse, tables=RAW) == before


def test_vanished_rows_vanish(warehouse: sa.Engine) -> None:
    load_day(warehouse, SimulatedSource(), DAY)
    empty = SimulatedSource(schedule=[Fault("empty_day", DAY, DAY)])
    assert load_day(warehouse, empty, DAY).state == "empty"
    assert rows_of(warehouse, tables=["raw.trips"]) == {"raw.trips": []}


def test_a_day_that_never_came_is_a_row_that_says_so(warehouse: sa.Engine) -> None:
    gone = SimulatedSource(schedule=[Fault("missing_day", DAY, DAY)])
    load = load_day(warehouse, gone, DAY)
    assert (load.state, load.read) == ("missing", 0)
    with warehouse.connect() as session:
        assert session.scalar(sa.text("select state from raw.loads")) == "missing"


def test_late_rows_make_exactly_their_own_day_stale(warehouse: sa.Engine) -> None:
    late = [Fault("late_data", DAY, DAY, size=0.25, delay_days=3)]
    other = DAY + dt.timedelta(days=1)
    before = {}
    for day in (DAY, other):
        before[day] = load_day(warehouse, SimulatedSource(schedule=late, as_of=other), day)
        with warehouse.begin() as session:
            session.execute(MEASURED, {"day": day})
    after = SimulatedSource(schedule=late, as_of=DAY + dt.timedelta(days=9))
    loads = [load_day(warehouse, after, day, monitors=["m"]) for day in (DAY, other)]
    assert [load.changed for load in loads] == [True, False]
    assert partitions(warehouse) == {DAY: "stale", other: "fresh"}
    assert partitions(warehouse, "of other rows") == {DAY: "fresh", other: "fresh"}
    came = loads[0].loaded - before[DAY].loaded
    with warehouse.connect() as session:
        reason = session.scalar(
            sa.text("select reason from metrics.partitions where state = 'stale'")
        )
    assert reason == f"{came} trips came late, after the day was measured"


def test_a_day_is_loaded_again_once_when_its_late_trips_are_there(warehouse: sa.Engine) -> None:
    schedule = [Fault("late_data", DAY, DAY, size=0.25, delay_days=3)]
    loaded, arrived = (DAY + dt.timedelta(days=waited) for waited in (1, 3))
    early = SimulatedSource(schedule=schedule, as_of=loaded)
    for day in (DAY, loaded):
        load_day(warehouse, early, day, taken_on=loaded)
    assert days_with_late_trips(warehouse, early, DAY + dt.timedelta(days=2)) == []
    assert days_with_late_trips(warehouse, early, arrived) == [DAY]
    # Another source's day is not this one's to load.
    assert days_with_late_trips(warehouse, SimulatedSource(seed=3), arrived) == []
    late = SimulatedSource(schedule=schedule, as_of=arrived)
    load_day(warehouse, late, DAY, taken_on=arrived)
    assert days_with_late_trips(warehouse, late, arrived) == []


def test_trips_that_somebody_took_away_are_a_change_when_they_are_back(
    warehouse: sa.Engine,
) -> None:
    load_day(warehouse, SimulatedSource(), DAY)
    with warehouse.begin() as session:
        session.exec_driver_sql("delete from raw.trips where mod(trip_id, 10) = 0")
    assert load_day(warehouse, SimulatedSource(), DAY).changed
    assert not load_day(warehouse, SimulatedSource(), DAY).changed


def test_the_order_of_trips_is_no_change_and_any_value_is(warehouse: sa.Engine) -> None:
    batch = SimulatedSource().read_day(DAY)
    assert batch is not None
    trips = batch.trips
    last = trips.num_rows - 1
    fares = trips["fare_amount"].to_pylist()
    place = trips.schema.get_field_index("fare_amount")
    dearer = trips.set_column(place, "fare_amount", [[*fares[:-1], fares[-1] + 0.01]])
    backwards = trips.take(list(range(last, -1, -1)))
    changes = []
    for rows in (trips, backwards, dearer):
        again = replace(batch, trips=rows)
        changes.append(load_day(warehouse, InMemory(again), DAY).changed)
    assert changes == [True, False, True]


def test_a_day_that_an_earlier_version_loaded_says_why_it_is_measured_again(
    warehouse: sa.Engine,
) -> None:
    load_day(warehouse, SimulatedSource(), DAY)
    with warehouse.begin() as session:
        session.exec_driver_sql("update raw.loads set fingerprint = null")
        session.execute(MEASURED, {"day": DAY})
    assert load_day(warehouse, SimulatedSource(), DAY, monitors=["m"]).changed
    with warehouse.connect() as session:
        reason = session.scalar(
            sa.text("select reason from metrics.partitions where monitor = 'm'")
        )
    assert reason == "the day was loaded again, and nothing says what it held before"


@dataclass
class InMemory:
    """A source that has read its day."""

    batch: Batch
    name: str = "memory"
    signature: str = "memory"

    def days(self) -> list[dt.date]:
        return [DAY]

    def read_day(self, day: dt.date) -> Batch | None:
        return self.batch

    def late_arrivals(self) -> dict[dt.date, dt.date]:
        return {}


@dataclass
class BrokenSource:
    """A source whose file turns out to be unusable."""

    name: str = "files"
    signature: str = "files:broken"

    def days(self) -> list[dt.date]:
        return [DAY]

    def read_day(self, day: dt.date) -> Batch | None:
        raise DriftmeterError("cannot be read", where="a file")


def test_a_bad_file_leaves_the_old_day(warehouse: sa.Engine) -> None:
    load_day(warehouse, SimulatedSource(), DAY)
    before = rows_of(warehouse, tables=RAW)
    with pytest.raises(DriftmeterError):
        load_day(warehouse, BrokenSource(), DAY)
    assert rows_of(warehouse, tables=RAW) == before
