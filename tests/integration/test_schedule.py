"""The schedule runs a day once it has ended where its monitor is, however many hours it had."""

import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_driftmeter.automation.schedules import HOUR, chain_schedules
from driftmeter.arrival.changed_days import arrivals
from tests.integration.test_arrival import LOANS, change, monitor

NEW_YORK = "America/New_York"
UTC = dt.timezone.utc
KEYS = {"loans": [dg.AssetKey(["drift", "loans"])], "other": [dg.AssetKey(["drift", "other"])]}


def requests(schedule: dg.ScheduleDefinition, at: dt.datetime) -> Sequence[dg.RunRequest]:
    context = dg.build_schedule_context(scheduled_execution_time=at)
    return list(schedule(context))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        ("2026-03-07", 24),
        ("2026-03-08", 23),
        ("2026-03-09", 24),
        ("2026-10-31", 24),
        ("2026-11-01", 25),
        ("2026-11-02", 24),
    ],
)
def test_each_day_is_run_once_in_the_morning_after_it_however_long_it_was(
    day: str, hours: int
) -> None:
    (schedule,) = chain_schedules({"loans": monitor(timezone=NEW_YORK)}, KEYS)
    assert schedule.execution_timezone == NEW_YORK
    assert schedule.cron_schedule == f"0 {HOUR} * * *"
    zone = ZoneInfo(NEW_YORK)
    began = dt.datetime.combine(dt.date.fromisoformat(day), dt.time(), zone).astimezone(UTC)
    ended = began + dt.timedelta(hours=hours)
    # The tick is at six of the clock in New York, which Dagster hands over in any zone.
    tick = dt.datetime.combine(ended.astimezone(zone).date(), dt.time(HOUR), zone).astimezone(UTC)
    assert ended < tick
    (request,) = requests(schedule, tick)
    assert (request.partition_key, request.run_key) == (day, f"{day} all")


def test_monitors_of_two_zones_have_a_schedule_each_and_a_run_of_their_own() -> None:
    both = {"loans": monitor(timezone=NEW_YORK), "other": monitor("other", timezone="Asia/Tokyo")}
    schedules = {each.execution_timezone: each for each in chain_schedules(both, KEYS)}
    assert {each.name for each in schedules.values()} == {
        "every_morning_America_New_York",
        "every_morning_Asia_Tokyo",
    }
    # Six in the morning of the third in Tokyo is still the second in UTC.
    at = dt.datetime(2026, 3, 3, 6, tzinfo=ZoneInfo("Asia/Tokyo")).astimezone(UTC)
    (request,) = requests(schedules["Asia/Tokyo"], at)
    assert request.partition_key == "2026-03-02"
    assert request.tags["driftmeter/monitor"] == "other"
    assert request.asset_selection == KEYS["other"]


def test_no_monitor_no_schedule() -> None:
    assert chain_schedules({}, {}) == []


def test_the_job_takes_the_schedules_request() -> None:
    from dagster_driftmeter.definitions import defs

    repository = defs.get_repository_def()
    schedule = repository.get_schedule_def("every_morning")
    at = dt.datetime(2019, 4, 2, HOUR, tzinfo=ZoneInfo(NEW_YORK))
    with dg.instance_for_test() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=at, repository_def=repository
        )
        (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "2019-04-01"
    assert request.tags["dagster/partition"] == "2019-04-01"


@pytest.mark.parametrize(
    ("day", "ends"),
    [("2026-03-08", "2026-03-09 04:00"), ("2026-11-01", "2026-11-02 05:00")],
)
def test_arrival_counts_a_day_of_23_or_25_hours_when_it_has_ended_and_not_before(
    warehouse: sa.Engine, day: str, ends: str
) -> None:
    change(warehouse, LOANS)
    change(
        warehouse,
        f"insert into bank.loans values ('last', '{day}', '{day} 12:00+00', 'v1', 1, 0.5, true)",
    )
    ended = dt.datetime.fromisoformat(f"{ends}+00:00")
    with warehouse.connect() as session:
        loans = monitor(timezone=NEW_YORK)
        before = arrivals(session, loans, ended - dt.timedelta(seconds=1))
        after = arrivals(session, loans, ended)
    assert set(after.new) - set(before.new) == {dt.date.fromisoformat(day)}
    # Rows of the day that goes on are said to wait for its end.
    going_on = dt.date.fromisoformat(day)
    assert before.unended.keys() == {going_on}
    assert before.unended[going_on] >= 1
    assert going_on not in after.unended
