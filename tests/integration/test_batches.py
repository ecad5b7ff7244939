"""Monitors by days, by weeks and by months in one project, through the whole chain."""

import subprocess
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from tests.conftest import database_copy
from tests.integration.team import TABLES_OF_BATCHES, Team
from tests.programs import KEPT_DBT, PYTHON

# Rows at all hours, so that a week's and a month's first and last hour in Berlin have some: clocks
# went forward on 29 March and back on 26 October. Weekly rows come with the date of a run on
# Wednesdays, for rows of the week before; one week in August has none. Incomes rise on 3 August.
TABLES = """
create table public.hours as
select
    'r' || n as row_id,
    timestamptz '2025-09-01 00:30+02' + n * interval '1 hour' as happened_at,
    (50 + 9 * sin(n * 1.7) + case when n >= 8064 then 25 else 0 end)::float8 as income,
    (array['web', 'shop', 'phone'])[1 + (n * 7919) %% 3] as channel
from generate_series(0, 8759) as n;
create table public.scores as
select
    hours.*,
    (2 * income + case channel when 'web' then 3 else 0 end)::float8 as predicted,
    (2 * income + 5 * sin(income * 7))::float8 as amount,
    'v1' as model_version,
    (date_trunc('week', happened_at at time zone 'Europe/Berlin') + interval '9 days')::date
        as scored_on
from public.hours;
create table public.weekly as select * from public.scores
where scored_on <> '2026-08-26';
create table public.monthly as select * from public.scores;
create table public.daily as select * from public.scores
where happened_at between '2026-05-01' and '2026-08-06'
"""
GIVEN = ("--target", "amount", "--timezone", "Europe/Berlin", "--timestamp", "happened_at", "--yes")
WEEKLY = ("--every", "week", "--batch", "scored_on", "--reference", "2025-09-08..2026-07-26")
DAYS = "select distinct partition_date::text from metrics.{} where monitor = :monitor order by 1"


class Trial(Team):
    """A project of three monitors."""

    def days(self, monitor: str, table: str = "partitions") -> list[str]:
        with self.engine.connect() as session:
            return list(session.scalars(sa.text(DAYS.format(table)), {"monitor": monitor}))


@pytest.fixture(scope="module")
def trial(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Trial]:
    engine = database_copy(postgres, template, "batches")
    made = Trial(tmp_path_factory.mktemp("batches"), engine)
    made.change(TABLES)
    made.says("init", "--table", "public.weekly", *WEEKLY, *GIVEN)
    of_months = ("--every", "month", "--reference", "2025-09-01..2026-07-31")
    made.says("init", "--table", "public.monthly", *of_months, *GIVEN)
    made.says("init", "--table", "public.daily", "--reference", "2026-05-01..2026-07-31", *GIVEN)
    # All at once: each measures the batches that have one of these days.
    made.says("run", "--from", "2026-08-01", "--to", "2026-09-13", "--workers", "1")
    yield made
    engine.dispose()


def test_each_monitor_has_its_own_batches_in_every_table(trial: Trial) -> None:
    weeks, months, days = (trial.days(name) for name in ("weekly", "monthly", "daily"))
    assert weeks == [str(day)[:10] for day in _mondays("2026-07-27", "2026-09-07")]
    assert months == ["2026-08-01", "2026-09-01"]
    assert (days[0], days[-1], len(days)) == ("2026-08-01", "2026-09-13", 44)
    for table in TABLES_OF_BATCHES:
        of_weeks = trial.days("weekly", table)
        # Of a week or a month without rows there is no error.
        empty = {"2026-08-24", "2026-09-01"} if table == "performance" else set()
        for measured, found in ((weeks, of_weeks), (months, trial.days("monthly", table))):
            rows = [batch for batch in measured if batch not in empty]
            assert found[-len(rows) :] == rows, table
    counted = trial.days("weekly", "column_summary")
    # With the week over New Year, and with that of which no run has scored a row.
    assert {"2025-12-29", "2026-08-24"} <= {*counted}
    assert counted == [str(day)[:10] for day in _mondays(counted[0], counted[-1])]


def _mondays(first: str, last: str) -> list[object]:
    import pandas as pd

    return list(pd.date_range(first, last, freq="W-MON"))


def test_a_row_is_of_the_batch_that_its_own_column_says(trial: Trial) -> None:
    """Runs are on Wednesdays for rows of the week before: by their timestamp they would be that."""
    by_run = trial.rows(
        "select partition_date::text, value from metrics.column_profile where monitor = 'weekly'"
        " and metric = 'row_count' and segment is null and partition_date in"
        " ('2026-04-06', '2026-08-24', '2025-11-03') order by 1"
    )
    # Rows of 27 October to 2 November, of the week after the clocks went forward, and of none.
    assert by_run == [("2025-11-03", 168.0), ("2026-04-06", 168.0), ("2026-08-24", 0.0)]
    counted = (
        "select partition_date::text, value from metrics.column_profile where metric = 'row_count'"
        " and segment is null and monitor = '{}' and partition_date in ({}) order by 1"
    )
    # The week of 20 October had an hour twice, and that of 23 March lost one.
    clocks = trial.rows(counted.format("weekly", "'2025-10-27', '2026-03-30'"))
    assert clocks == [("2025-10-27", 169.0), ("2026-03-30", 167.0)]
    months = trial.rows(counted.format("monthly", "'2025-10-01', '2026-02-01', '2026-03-01'"))
    assert months == [("2025-10-01", 745.0), ("2026-02-01", 672.0), ("2026-03-01", 743.0)]


def test_an_empty_week_is_told_as_a_week(trial: Trial) -> None:
    (empty,) = trial.rows(
        "select state, row_count from metrics.partitions"
        " where monitor = 'weekly' and partition_date = '2026-08-24'"
    )
    assert empty == ("empty", 0)
    told = trial.rows(
        "select diagnosis from metrics.incidents where kind = 'empty_day' and monitor = 'weekly'"
    )
    assert told == [("The week of 2026-08-24 came without a single row.",)]
    shown = trial.says("status")
    assert "week of 2026-07-27 to week of 2026-09-07" in shown
    assert "August 2026 to September 2026" in shown


def test_the_shift_is_one_true_incident_of_each_monitor(trial: Trial) -> None:
    """Incomes rose on 3 August: in the scores of the week after, and in those of August."""
    shifted = trial.rows(
        "select monitor, opened_on::text from metrics.incidents"
        " where columns && array['income'] order by 1"
    )
    assert shifted == [
        ("daily", "2026-08-03"),
        ("monthly", "2026-08-01"),
        ("weekly", "2026-08-10"),
    ]


def test_a_batch_is_asked_for_by_any_of_its_days(trial: Trial) -> None:
    by_day = {
        day: trial.says("slices", "--monitor", "weekly", "--date", day)
        for day in ("2026-08-10", "2026-08-13")
    }
    assert by_day["2026-08-10"] == by_day["2026-08-13"] != ""


def test_the_laws_of_a_partition_hold_for_weeks(trial: Trial) -> None:
    before = trial.measured("monitor = 'weekly'")
    span = ("run", "--monitor", "weekly", "--workers", "1")
    # From a day within one week to a day within another: both as a whole.
    trial.says(*span, "--from", "2026-08-05", "--to", "2026-08-19")
    assert trial.measured("monitor = 'weekly'") == before, "a rerun changes nothing"
    trial.change(
        "insert into public.weekly select 'late', happened_at, income, channel, predicted, amount,"
        " model_version, scored_on from public.weekly where scored_on = '2026-08-12' limit 1"
    )
    trial.says("run", "--monitor", "weekly", "--workers", "1")
    after = trial.measured("monitor = 'weekly'")
    assert after != before
    of_week = "monitor = 'weekly' and partition_date = '2026-08-10'"
    others = "monitor = 'weekly' and partition_date < '2026-08-10'"
    assert len(after["column_summary"]) == len(before["column_summary"])
    trial.change("delete from public.weekly where row_id = 'late'")
    late = trial.measured(of_week)
    untouched = trial.measured(others)
    trial.says("run", "--monitor", "weekly", "--workers", "1")
    assert trial.measured("monitor = 'weekly'") == before
    assert trial.measured(of_week) != late
    assert trial.measured(others) == untouched


def build(trial: Trial, start: str, end: str) -> subprocess.CompletedProcess[str]:
    days = f"{{start_date: {start}, end_date: {end}}}"
    return trial.ended("run", "--no-use-colors", "--vars", days, program=KEPT_DBT)


def test_dbt_alone_counts_a_week_in_the_window_of_its_last_day(trial: Trial) -> None:
    of_week = "monitor = 'weekly' and partition_date = '2026-08-10'"
    counted = f"select sum(row_count) from metrics.column_summary where {of_week}"
    before = trial.rows(counted)
    trial.change(f"delete from metrics.column_summary where {of_week}")
    assert build(trial, "2026-08-10", "2026-08-16").returncode == 0
    assert trial.rows(counted) == [(None,)], "the week goes on"
    assert build(trial, "2026-08-16", "2026-08-17").returncode == 0
    assert trial.rows(counted) == before, "Sunday is its last day"


def test_a_day_within_a_batch_is_refused_by_name(trial: Trial) -> None:
    view = trial.directory / "models" / "monthly.sql"
    text = view.read_text()
    view.write_text(text.replace("date_trunc('month', ", "date_trunc('week', "))
    ended = build(trial, "2026-08-01", "2026-09-01")
    view.write_text(text)
    assert ended.returncode == 1
    assert "monthly: rows have the partition_date 2026-07-06" in ended.stdout
    assert "make it the first day of the batch: date_trunc('month'" in ended.stdout


def test_dagster_has_partitions_of_each_kind(trial: Trial) -> None:
    script = (
        "import dagster as dg; from dagster_driftmeter.definitions import defs;"
        "dg.Definitions.validate_loadable(defs);"
        "graph = defs.resolve_asset_graph();"
        "from dagster import AssetKey as K;"
        "kinds = [graph.get(K(['incidents', name])).partitions_def"
        " for name in ('weekly', 'monthly', 'daily')];"
        "print(*(kind.get_partition_keys()[0] for kind in kinds));"
        "print(*(len(defs.resolve_job_def(name).nodes)"
        " for name in ('weekly_chain', 'monthly_chain')));"
        "print(*sorted(s.name for s in defs.get_repository_def().schedule_defs));"
        "print(*sorted(s.name for s in defs.get_repository_def().sensor_defs))"
    )
    loaded = trial.ended("-c", script, program=PYTHON)
    first, nodes, schedules, sensors = loaded.stdout.splitlines()
    # Each kind begins with the reference period of its own monitor.
    assert first.split() == ["2025-09-08", "2025-09-01", "2026-05-01"], loaded.stderr
    # dbt's models, drift and its check, performance, incidents.
    assert [int(count) for count in nodes.split()] == [5, 5]
    assert schedules.split() == ["every_month", "every_morning", "every_week"]
    stale = ["stale_days", "stale_months", "stale_weeks"]
    assert sensors.split() == ["incident_notifications", *stale]
