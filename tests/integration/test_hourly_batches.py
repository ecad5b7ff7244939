"""A monitor by hours beside one by days, by weeks and by months, through the whole chain."""

import datetime as dt
from collections.abc import Iterator

import pytest

from tests.conftest import database_copy
from tests.integration.team import TABLES_OF_BATCHES, Team
from tests.programs import KEPT_DBT, PYTHON

# 61 rows an hour, fewer at night. In Berlin clocks went back on 26 October 2025, in the reference
# period: the hour from 02:00 was there twice. They went forward on 29 March 2026, which is judged:
# that hour was not there. One hour has no rows, and incomes rise from noon on.
TABLES = """
create table public.events as
select
    'r' || to_char(begins at time zone 'UTC', 'YYYYMMDDHH24') || '-' || m as row_id,
    begins + m * interval '50 seconds' as happened_at,
    (50 + 9 * sin(n * 1.7 + m * 2.3) + 4 * sin(extract(hour from local) / 4)
        + case when begins >= '2026-03-29 12:00+02' then 25 else 0 end)::float8 as income,
    (array['web', 'shop', 'phone'])[1 + (n * 7919 + m * 104729) %% 3] as channel
from (
    select n, begins, begins at time zone 'Europe/Berlin' as local
    from (
        select n, timestamptz '2025-10-23 00:00+02' + n * interval '1 hour' as begins
        from generate_series(0, 24 * 6) as n
        union all
        select n, timestamptz '2026-03-28 00:00+01' + n * interval '1 hour'
        from generate_series(0, 24 * 2 - 2) as n
    ) as spans
) as hours
cross join lateral generate_series(
    0, case when extract(hour from local) < 6 then 40 else 60 end
) as m;
create table public.hourly as
select
    events.*,
    (2 * income + case channel when 'web' then 3 else 0 end)::float8 as predicted,
    (2 * income + 5 * sin(income * 7))::float8 as amount,
    'v1' as model_version
from public.events
where not happened_at between '2026-03-28 09:00+01' and '2026-03-28 09:59+01';
create table public.daily as select * from public.hourly;
create table public.weekly as
select
    'w' || n as row_id, timestamptz '2025-12-01 00:30+01' + n * interval '4 hours' as happened_at,
    (50 + 9 * sin(n * 1.7))::float8 as income,
    (array['web', 'shop', 'phone'])[1 + (n * 7919) %% 3] as channel,
    (100 + 18 * sin(n * 1.7))::float8 as predicted,
    (100 + 18 * sin(n * 1.7) + 5 * sin(n))::float8 as amount,
    'v1' as model_version
from generate_series(0, 6 * 125) as n;
create table public.monthly as select * from public.weekly;
"""
GIVEN = ("--target", "amount", "--timezone", "Europe/Berlin", "--timestamp", "happened_at", "--yes")
REFERENCE = ("--reference", "2025-10-23..2025-10-28")
SPAN = ("--from", "2026-03-28", "--to", "2026-03-29")
HOUR = dt.timedelta(hours=1)


def instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.timezone.utc)


class Trial(Team):
    """A project of four monitors."""

    def starts(self, table: str, where: str = "true") -> list[dt.datetime]:
        """When the hours of a table begin, in order."""
        return [
            start
            for (start,) in self.rows(
                f"select distinct partition_start from metrics.{table}"
                f" where monitor = 'hourly' and {where} order by 1"
            )
        ]


@pytest.fixture(scope="module")
def trial(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trial]:
    engine = database_copy(postgres, template, "hours")
    made = Trial(tmp_path_factory.mktemp("hours"), engine)
    made.change(TABLES)
    made.says("init", "--table", "public.hourly", "--every", "hour", *REFERENCE, *GIVEN)
    made.says("init", "--table", "public.daily", *REFERENCE, *GIVEN)
    weeks, months = "2025-12-08..2026-02-01", "2025-12-01..2026-02-28"
    made.says("init", "--table", "public.weekly", "--every", "week", "--reference", weeks, *GIVEN)
    made.says(
        "init", "--table", "public.monthly", "--every", "month", "--reference", months, *GIVEN
    )
    # All at once: each measures the batches that have one of these days.
    made.said = made.says("run", *SPAN, "--workers", "1")
    yield made
    engine.dispose()


def test_each_monitor_has_its_own_batches(trial: Trial) -> None:
    measured = trial.rows(
        "select monitor, count(*), min(partition_date)::text, max(partition_date)::text"
        " from metrics.partitions group by 1 order by 1"
    )
    assert measured == [
        ("daily", 2, "2026-03-28", "2026-03-29"),
        ("hourly", 24 + 23, "2026-03-28", "2026-03-29"),
        ("monthly", 1, "2026-03-01", "2026-03-01"),
        ("weekly", 1, "2026-03-23", "2026-03-23"),
    ]
    # Of all but hours a batch begins where its first day does, in the monitor's zone.
    starts = trial.rows(
        "select monitor, partition_start from metrics.partitions where monitor <> 'hourly'"
        " order by 1, 2"
    )
    begins = ("2026-03-28 00:00+01:00", "2026-03-29 00:00+01:00", "2026-03-01 00:00+01:00")
    assert [start for _, start in starts] == [
        *map(instant, begins),
        instant("2026-03-23 00:00+01:00"),
    ]


def test_an_hour_that_is_there_twice_is_two_batches_and_one_that_is_not_is_none(
    trial: Trial,
) -> None:
    hours = [instant("2026-03-28 00:00+01:00") + n * HOUR for n in range(47)]
    without_rows = hours[9]
    for table in TABLES_OF_BATCHES:
        judged = trial.starts(table, "partition_date >= '2026-03-28'")
        rows = hours if table != "performance" else [h for h in hours if h != without_rows]
        assert judged == rows, table
    autumn = trial.starts("column_summary", "partition_date = '2025-10-26'")
    assert autumn == [instant("2025-10-26 00:00+02:00") + n * HOUR for n in range(25)]
    rows = trial.rows(
        "select value from metrics.column_profile where monitor = 'hourly'"
        " and metric = 'row_count' and segment is null and partition_start in"
        " ('2025-10-26 02:00+02', '2025-10-26 02:00+01')"
    )
    assert rows == [(41.0,), (41.0,)]
    # The calendar has each once, and the day of each is that of the zone.
    calendar = trial.rows(
        "select partition_date::text, count(*) from metrics.partition_calendar"
        " where monitor = 'hourly' group by 1 order by 1"
    )
    assert calendar == [("2026-03-28", 24), ("2026-03-29", 23)]


def test_what_happened_is_told_by_the_hour(trial: Trial) -> None:
    incidents = trial.rows(
        "select kind, opened_on::text, opened_start, diagnosis from metrics.incidents"
        " where monitor = 'hourly' order by opened_start"
    )
    empty, shift = incidents
    assert empty[0] == "empty_day"
    assert empty[3] == "2026-03-28 09:00 came without a single row."
    assert (shift[1], shift[2]) == ("2026-03-29", instant("2026-03-29 12:00+02:00"))
    assert "income" in str(shift[3])
    assert "hourly: 47 hours" in trial.said
    assert "2026-03-29 12:00" in trial.said
    status = trial.says("status")
    assert "2026-03-28 00:00 to 2026-03-29 23:00" in status
    assert "week of 2026-03-23 to week of 2026-03-23" in status
    listed = trial.says("incidents", "--monitor", "hourly")
    assert "2026-03-29 12:00" in listed
    (of_day,) = trial.rows("select opened_on::text from metrics.incidents where monitor = 'daily'")
    assert of_day == ("2026-03-29",)


def test_commands_take_an_hour(trial: Trial) -> None:
    test = ("test", "--monitor", "hourly", "--date")
    assert "is measured by the hour" in trial.ended(*test, "2026-03-28").stderr
    said = trial.ended(*test, "2026-03-28T14:00").stdout
    assert "tests of hourly at 2026-03-28 14:00" in said
    report = trial.says("report", "--monitor", "hourly", "--date", "2026-03-28T14:00")
    assert "hourly-2026-03-28-1400_0100.html" in report
    assert "within 1 hour" in trial.says("power", "--monitor", "hourly", "--column", "income")
    (overview,) = trial.directory.glob(".driftmeter/reports/overview.html")
    assert "hourly" in overview.read_text()


def test_a_rerun_changes_nothing_and_a_late_row_its_own_hour(trial: Trial) -> None:
    of_monitor = "monitor = 'hourly'"
    before = trial.measured(of_monitor)
    # A range is its days one by one.
    for day in ("2026-03-29", "2026-03-28"):
        trial.says("run", "--monitor", "hourly", "--from", day, "--to", day, "--workers", "1")
    assert trial.measured(of_monitor) == before, "a rerun changes nothing"
    trial.change(
        "insert into public.hourly select 'late', happened_at, 500, channel, 1000, 1000,"
        " model_version from public.hourly where happened_at = '2026-03-29 03:00+02'"
    )
    hour = "partition_start = '2026-03-29 03:00+02'"
    said = trial.says("run", "--monitor", "hourly", "--workers", "1")
    assert "hourly: 1 hour" in said
    after = trial.measured(of_monitor)
    others = trial.measured(f"{of_monitor} and not {hour}")
    assert trial.measured(f"{of_monitor} and {hour}")["partitions"] != [
        row for row in before["partitions"] if "2026-03-29 01:00:00+00" in row
    ]
    for table in ("column_summary", "partitions", "test_results"):
        assert set(others[table]) <= set(before[table]), table
    assert after != before
    trial.change("delete from public.hourly where row_id = 'late'")
    trial.says("run", "--monitor", "hourly", "--workers", "1")
    assert trial.measured(of_monitor) == before, "vanished rows vanish"
    assert "no day is new" in trial.says("run", "--monitor", "hourly", "--workers", "1")


def test_dbt_alone_counts_every_hour_of_a_day(trial: Trial) -> None:
    of_day = "monitor = 'hourly' and partition_date = '2026-03-29'"
    counted = (
        "select count(distinct partition_start), sum(row_count) from metrics.column_summary"
        f" where {of_day}"
    )
    before = trial.rows(counted)
    trial.change(f"delete from metrics.column_summary where {of_day}")
    days = "{start_date: 2026-03-29, end_date: 2026-03-30}"
    built = trial.ended("run", "--no-use-colors", "--vars", days, program=KEPT_DBT)
    assert built.returncode == 0, built.stdout
    assert trial.rows(counted) == before
    assert before[0][0] == 23


def test_dagster_has_partitions_of_hours(trial: Trial) -> None:
    script = (
        "import dagster as dg; from dagster_driftmeter.definitions import defs;"
        "dg.Definitions.validate_loadable(defs);"
        "kind = defs.resolve_asset_graph().get(dg.AssetKey(['incidents', 'hourly']))"
        ".partitions_def; keys = kind.get_partition_keys();"
        "print(keys[0], keys[-1]); print(*[key for key in keys if '2025-10-26-02' in key]);"
        "print(len([key for key in keys if '2026-03-29-' in key]));"
        "print(len(defs.resolve_job_def('hourly_chain').nodes));"
        "print(*sorted(s.name for s in defs.get_repository_def().schedule_defs));"
        "print(*sorted(s.name for s in defs.get_repository_def().sensor_defs))"
    )
    loaded = trial.ended("-c", script, program=PYTHON)
    ends, twice, spring, nodes, schedules, sensors = loaded.stdout.splitlines()
    first, last = ends.split()
    assert first == "2025-10-23-00:00+0200", loaded.stderr
    newest = dt.datetime.strptime(last, "%Y-%m-%d-%H:%M%z")
    assert HOUR <= dt.datetime.now(dt.timezone.utc) - newest < 2 * HOUR
    assert twice.split() == ["2025-10-26-02:00+0200", "2025-10-26-02:00+0100"]
    assert (int(spring), int(nodes)) == (23, 5)
    assert schedules.split() == ["every_hour", "every_month", "every_morning", "every_week"]
    stale = ["stale_days", "stale_hours", "stale_months", "stale_weeks"]
    assert sensors.split() == ["incident_notifications", *stale]
