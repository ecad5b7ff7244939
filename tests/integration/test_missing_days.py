"""Days on which rows were due and none came: which they are, and the one incident that they are."""

import datetime as dt

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_driftmeter.automation.stale_days_sensor import stale_days_sensor
from dagster_driftmeter.cli.summary import open_gaps
from dagster_driftmeter.runs.resources import Warehouse
from driftmeter.arrival.missing import missing_days
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.registry import register
from driftmeter.warehouse.months import make_months
from tests.integration.test_arrival import LOANS, change, monitor

# The table has rows up to 11 March.
NEWEST = dt.date(2026, 3, 11)
NOON = dt.datetime(2026, 3, 30, 12, tzinfo=dt.timezone.utc)
ON_TIME = "update metrics.partitions set computed_at = partition_date + interval '1 day'"
INCIDENTS = (
    "select opened_on::text, last_seen_on::text, closed_on::text, days, diagnosis"
    " from metrics.incidents where kind = 'missing_day' order by 1"
)


def march(first: int, last: int) -> list[dt.date]:
    return [dt.date(2026, 3, number) for number in range(first, last + 1)]


def measure(engine: sa.Engine, days: list[dt.date], *, arrived: bool = True) -> None:
    reference = load_reference(engine, monitor())
    for day in days:
        compute_partition(engine, monitor(), day, reference, arrived=arrived)
    update_incidents(engine, monitor(), days)


def missing(engine: sa.Engine, now: dt.datetime = NOON, **changes: object) -> list[dt.date]:
    with engine.connect() as session:
        return missing_days(session, monitor(**changes), now)


@pytest.fixture
def live(warehouse: sa.Engine) -> sa.Engine:
    """A table whose days were each measured on the day after, up to 11 March."""
    change(warehouse, LOANS)
    register(warehouse, monitor())
    with warehouse.begin() as session:
        months = [dt.date(2026, 1, 1), dt.date(2026, 2, 1)]
        make_months(session, "metrics.column_summary", months)
    change(
        warehouse,
        "insert into metrics.column_summary (monitor, model_version, partition_date, row_count)"
        " select 'loans', 'v1', partition_date, count(*) from bank.loans"
        " where partition_date <= '2026-02-28' group by partition_date",
    )
    measure(warehouse, march(1, 11))
    change(warehouse, ON_TIME)
    return warehouse


def test_days_without_rows_are_missing_from_six_hours_after_they_ended(live: sa.Engine) -> None:
    assert missing(live) == march(12, 29)
    early = NOON.replace(hour=5, minute=59)
    assert missing(live, early) == march(12, 28)
    # In Honolulu it is two in the morning of the 30th then.
    assert missing(live, timezone="Pacific/Honolulu") == march(12, 28)
    assert missing(live, dt.datetime(2026, 3, 12, 12, tzinfo=dt.timezone.utc)) == []


def test_a_gap_right_after_the_reference_is_missing(live: sa.Engine) -> None:
    change(live, "delete from metrics.partitions where partition_date <= '2026-03-03'")
    assert missing(live) == march(12, 29)
    change(
        live, "delete from bank.loans where partition_date between '2026-03-01' and '2026-03-03'"
    )
    assert missing(live) == [*march(1, 3), *march(12, 29)]


def test_history_has_no_missing_days_however_old_its_newest_row_is(live: sa.Engine) -> None:
    change(live, "update metrics.partitions set computed_at = partition_date + interval '17 days'")
    assert missing(live) == []


def test_a_weekend_without_rows_is_no_delay_where_the_reference_has_none_either(
    live: sa.Engine,
) -> None:
    def is_late(isodow: int, hours: int) -> int:
        """Whether the monitor is late, so many hours after its newest day, such a weekday."""
        change(
            live,
            f"update metrics.partitions set computed_at = now() - interval '{hours} hours',"
            " partition_date = current_date"
            f" - (extract(isodow from current_date)::integer + 7 - {isodow}) % 7"
            " where partition_date = (select max(partition_date) from metrics.partitions)",
        )
        with live.connect() as session:
            return int(session.scalar(sa.text("select is_late from metrics.freshness")))

    friday, thursday = 5, 4
    assert (is_late(friday, 35), is_late(friday, 37)) == (0, 1)
    weekends = "extract(isodow from partition_date) in (6, 7)"
    change(live, f"delete from metrics.column_summary where {weekends}")
    assert (is_late(thursday, 35), is_late(thursday, 37)) == (0, 1)
    assert (is_late(friday, 83), is_late(friday, 85)) == (0, 1)


def test_rows_that_came_and_wait_to_be_measured_are_not_missing(live: sa.Engine) -> None:
    change(live, "delete from metrics.partitions where partition_date in ('2026-03-06')")
    change(live, "insert into bank.loans select 'new', '2026-03-20', now(), 'v1', 1, 0.5, null")
    assert missing(live) == [day for day in march(12, 29) if day.day != 20]


def test_days_between_batches_of_a_weekly_table_are_not_missing(live: sa.Engine) -> None:
    change(live, "delete from metrics.column_summary where extract(isodow from partition_date) > 1")
    assert [day.day for day in missing(live)] == [16, 23]


def test_a_weekly_batch_that_was_missed_before_the_first_run_is_missing(live: sa.Engine) -> None:
    change(live, "delete from metrics.column_summary where extract(isodow from partition_date) > 1")
    change(live, "delete from metrics.partitions where partition_date > '2026-03-09'")
    change(live, "update metrics.partitions set computed_at = partition_date + interval '10 days'")
    assert [day.day for day in missing(live)] == [16, 23]
    # With two missed batches it is a table that nobody fills any more.
    change(live, "update metrics.partitions set computed_at = partition_date + interval '17 days'")
    assert missing(live) == []


def test_a_gap_is_one_incident_that_says_its_days_and_ends_with_the_first_day_with_rows(
    live: sa.Engine,
) -> None:
    measure(live, missing(live), arrived=False)
    assert missing(live) == []
    with live.connect() as session:
        (found,) = session.exec_driver_sql(INCIDENTS).tuples()
        assert found == (
            "2026-03-12",
            "2026-03-29",
            None,
            18,
            "No rows have come since 2026-03-11: 18 days are missing,"
            " the newest was due on 2026-03-29.",
        )
    assert open_gaps(live, "loans") == [f"loans: {found[-1]}"]
    change(
        live,
        "insert into bank.loans select 'late ' || n, date '2026-03-27' + n % 3, now(), 'v1',"
        " 100 + n % 17, (n % 10) / 10.0, true from generate_series(1, 300) as n",
    )
    measure(live, march(27, 29))
    with live.connect() as session:
        (found,) = session.exec_driver_sql(INCIDENTS).tuples()
        alerts = "select sum(days) from metrics.partition_alerts where kind = 'missing'"
        assert session.exec_driver_sql(alerts).scalar() == 0, "its incident has spoken of them"
    assert open_gaps(live, None) == []
    assert found == (
        "2026-03-12",
        "2026-03-26",
        "2026-03-27",
        15,
        "No rows have come since 2026-03-11: 15 days are missing,"
        " the newest was due on 2026-03-26.",
    )


def test_days_between_the_newest_batch_and_the_one_before_are_missing_too(live: sa.Engine) -> None:
    change(
        live,
        "insert into bank.loans select 'late ' || n, date '2026-03-27' + n % 3, now(), 'v1',"
        " 100 + n % 17, (n % 10) / 10.0, true from generate_series(1, 300) as n",
    )
    measure(live, march(27, 29))
    change(live, ON_TIME)
    assert missing(live) == march(12, 26)


def test_the_sensor_asks_for_one_run_over_the_gap(
    live: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = live.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    keys = [dg.AssetKey(["drift", "loans"])]
    sensor = stale_days_sensor({"loans": monitor()}, {"loans": keys})
    context = dg.build_sensor_context(resources={"warehouse": Warehouse()})
    (request,) = (each for each in sensor(context) if isinstance(each, dg.RunRequest))
    assert request.tags["dagster/asset_partition_range_start"] == "2026-03-12"
    assert request.asset_selection == keys


def test_hours_are_late_by_the_rhythm_in_which_they_are_computed(live: sa.Engine) -> None:
    def is_late(hours: float, computed: str) -> int:
        """Whether it is late, so many hours after the newest of 96 hours, by when they were."""
        change(live, "delete from metrics.partitions where monitor = 'loans'")
        change(
            live,
            "insert into metrics.partitions (monitor, partition_date, partition_start, state,"
            " row_count, config_hash, duration_seconds, computed_at)"
            f" select 'loans', start::date, start, 'fresh', 9, 'same', 1, {computed}"
            " from (select date_trunc('hour', now()) - number * interval '1 hour' as start,"
            f" number, now() - interval '{hours} hours' as newest from generate_series(1, 96)"
            " as number) as hours",
        )
        with live.connect() as session:
            return int(session.scalar(sa.text("select is_late from metrics.freshness")))

    change(live, "update metrics.monitors set every = 'hour' where monitor = 'loans'")
    every_hour = "newest - (number - 1) * interval '1 hour'"
    assert (is_late(2.9, every_hour), is_late(3.1, every_hour)) == (0, 1)
    once_a_day = "newest - (number - 1) / 24 * interval '24 hours'"
    assert (is_late(25.9, once_a_day), is_late(26.1, once_a_day)) == (0, 1)
    # Which rhythm they have a single run does not tell.
    assert (is_late(35, "newest"), is_late(37, "newest")) == (0, 1)
