"""A day is a day in its monitor's zone: of 23, 24 or 25 hours, in a leap year, on any server."""

import datetime as dt
import os
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from tests.programs import DRIFTMETER, run_program

ZONES = {
    "utc": "UTC",
    "new_york": "America/New_York",
    "kolkata": "Asia/Kolkata",
    "auckland": "Pacific/Auckland",
}
REFERENCE = "2024-02-01..2024-02-27"
# Days that are none of 48 half-hours: clocks go forward in New York, and back in Auckland.
SHORT, LONG, LEAP = dt.date(2024, 3, 10), dt.date(2024, 4, 7), dt.date(2024, 2, 29)
HALF_HOURS = {
    ("new_york", SHORT): 46,
    ("auckland", LONG): 50,
    ("utc", SHORT): 48,
    ("kolkata", LONG): 48,
    **{(name, LEAP): 48 for name in ZONES},
}
# One row each half hour, from well before the first day to well after the last in any zone.
TABLE = """
    create table public.scores_{name} as
    select
        row_number() over () as id,
        moment as scored_at,
        sin(extract(epoch from moment)) as income,
        cos(extract(epoch from moment)) as score
    from generate_series(
        timestamptz '2024-01-31 00:00+00', timestamptz '2024-04-09 23:30+00', interval '30 minutes'
    ) as moment
"""


@pytest.fixture(scope="module")
def measured(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> sa.Engine:
    """Four monitors alike but for their zone, on a server whose own is a fifth one."""
    from driftmeter.warehouse import connection
    from tests.conftest import create_database

    create_database(postgres, "zones", template)
    engine = connection.engine(f"{postgres}/zones")
    with engine.begin() as session:
        session.exec_driver_sql("alter database zones set timezone = 'Asia/Tokyo'")
        for name in ZONES:
            session.exec_driver_sql(TABLE.format(name=name))
    engine.dispose()
    directory = tmp_path_factory.mktemp("zones")
    for name, zone in ZONES.items():
        options = ["--timezone", zone, "--timestamp", "scored_at", "--prediction", "score"]
        options += ["--task", "regression", "--id", "id", "--reference", REFERENCE, "--yes"]
        driftmeter(directory, postgres, "init", "--table", f"public.scores_{name}", *options)
    spring = ("--from", "2024-02-28", "--to", "2024-04-08")
    driftmeter(directory, postgres, "run", *spring, "--workers", "1")
    return engine


def driftmeter(directory: Path, postgres: str, *arguments: str) -> None:
    environment = {
        **os.environ,
        "DRIFTMETER_DATABASE_URL": f"{postgres}/zones",
        # That of this process too.
        "TZ": "America/St_Johns",
    }
    ended = run_program(DRIFTMETER, *arguments, directory=directory, environment=environment)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def rows_by_day(zone: str) -> Counter[dt.date]:
    """Half-hours of each day of a zone, counted without Postgres."""
    moment, end = dt.datetime(2024, 1, 31), dt.datetime(2024, 4, 9, 23, 30)
    counted: Counter[dt.date] = Counter()
    while moment <= end:
        counted[moment.replace(tzinfo=dt.timezone.utc).astimezone(ZoneInfo(zone)).date()] += 1
        moment += dt.timedelta(minutes=30)
    return counted


@pytest.mark.parametrize("name", ZONES)
def test_every_row_is_of_its_zones_day(name: str, measured: sa.Engine) -> None:
    expected = rows_by_day(ZONES[name])
    tables = {
        "partitions": "select partition_date, row_count from metrics.partitions"
        " where monitor = :name",
        "quality": "select partition_date, value::bigint from metrics.column_profile"
        " where monitor = :name and metric = 'row_count' and segment is null"
        " and partition_date >= '2024-02-28'",
    }
    for query in tables.values():
        with measured.connect() as session:
            rows = dict(session.execute(sa.text(query), {"name": f"scores_{name}"}).tuples().all())
        assert list(sorted(rows)) == [
            dt.date(2024, 2, 28) + dt.timedelta(days=number) for number in range(41)
        ]
        assert rows == {day: expected[day] for day in rows}
        for (zone, day), count in HALF_HOURS.items():
            assert zone != name or rows[day] == count


def test_no_day_was_anything_but_fresh(measured: sa.Engine) -> None:
    states = "select distinct state from metrics.partitions"
    with measured.connect() as session:
        assert list(session.scalars(sa.text(states))) == ["fresh"]


@pytest.mark.parametrize("name", ZONES)
def test_charts_show_a_day_as_its_own_date(name: str, measured: sa.Engine) -> None:
    """Grafana draws in UTC: an instant of another date there would move a day."""
    query = (
        "select partition_date, (metrics.chart_time(partition_date) at time zone 'UTC')::date"
        " from metrics.partitions where monitor = :name"
    )
    with measured.connect() as session:
        rows = session.execute(sa.text(query), {"name": f"scores_{name}"}).all()
    assert all(day == shown for day, shown in rows)
    assert len(rows) == 41
