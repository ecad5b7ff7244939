"""The team's table is never held: whoever writes it drops, replaces and alters it as before."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from driftmeter.arrival.column_changes import lost_columns
from driftmeter.arrival.inference_rows import count_rows
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.manifest import load_monitors
from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.team import Team

START = dt.datetime(2026, 1, 1, 8, tzinfo=dt.timezone.utc)
OLD, NEW = 36, 46
# Several import for longer than these days take.
ONE_PROCESS = ("--workers", "1")


def predictions(days: int = OLD) -> pd.DataFrame:
    """50 rows a day, of odd names too; those of a day are the same however many days there are."""
    numbers = np.arange(NEW * 50)
    random = np.random.default_rng(26)
    day = numbers % NEW
    predicted = random.normal(5, 1, len(numbers)).round(6)
    rows = pd.DataFrame(
        {
            "row_id": numbers,
            "scored_at": [START + dt.timedelta(days=int(number)) for number in day],
            "income": random.normal(100, 10, len(numbers)).round(6),
            'Share %s {of} "it"': random.uniform(0, 1, len(numbers)).round(6),
            "channel": random.choice(["web", "shop"], len(numbers)),
            "prediction": predicted,
            "target": predicted + random.normal(0, 1, len(numbers)).round(6),
        }
    )
    return rows[day < days]


class Writers(Team):
    """A team whose job writes its predictions anew."""

    def write(self, rows: pd.DataFrame) -> None:
        rows.to_sql("Scores", self.engine, "Team Risk", if_exists="replace", index=False)


@pytest.fixture(scope="module")
def team(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Writers]:
    create_database(postgres, "held_tables", template)
    engine = connection.engine(f"{postgres}/held_tables")
    made = Writers(tmp_path_factory.mktemp("team"), engine)
    made.change('create schema "Team Risk"')
    made.write(predictions(OLD))
    made.says("init", "--table", "Team Risk.Scores", "--name", "scores", "--yes")
    made.says("run", *ONE_PROCESS)
    yield made
    engine.dispose()


STATEMENTS = (
    'drop table "Team Risk"."Scores"',
    'alter table "Team Risk"."Scores" drop column income',
    'alter table "Team Risk"."Scores" alter column income type text',
    'alter table "Team Risk"."Scores" rename to "Old Scores"',
)
INCIDENTS = (
    "select opened_on::text, diagnosis from metrics.incidents"
    " where kind = 'schema_change' order by opened_on"
)
# What was measured of the days before.
MEASURED = (
    "select md5(string_agg(stored::text, '' order by stored::text)) from metrics.{} as stored"
    " where partition_date <= '2026-02-05'"
)
TABLES = ("column_summary", "drift", "performance")


@pytest.mark.parametrize("statement", STATEMENTS)
def test_whoever_writes_the_table_may_do_what_they_like_with_it(
    team: Writers, statement: str
) -> None:
    with team.engine.connect() as session:
        session.exec_driver_sql(statement)
        session.rollback()


def test_a_day_is_found_by_an_index_of_the_table_as_through_a_plain_view(team: Writers) -> None:
    day = "((scored_at at time zone 'UTC')::date)"
    with team.engine.connect() as session:
        session.exec_driver_sql(f'create index by_day on "Team Risk"."Scores" ({day})')
        session.exec_driver_sql("set local enable_seqscan = off")
        plan = session.exec_driver_sql(
            "explain select count(*) from public_inference.scores"
            " where partition_date = '2026-02-02'"
        ).scalars()
        text = "\n".join(plan)
        session.rollback()
    assert "Index Cond" in text
    assert "Function Scan" not in text


def test_types_that_change_before_the_next_run_are_read_as_before(team: Writers) -> None:
    read = "select sum(income), count(*) from public_inference.scores"
    with team.engine.connect() as session:
        before = session.exec_driver_sql(read).one()
        session.exec_driver_sql(STATEMENTS[2])
        session.exec_driver_sql('alter table "Team Risk"."Scores" drop column channel')
        assert session.exec_driver_sql(read).one() == before
        assert (
            session.exec_driver_sql("select count(channel) from public_inference.scores").scalar()
            == 0
        )
        session.rollback()


def test_what_the_table_lost_is_known_before_dbt_runs(
    team: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = declared(team, monkeypatch)
    with team.engine.connect() as session:
        assert lost_columns(session, monitor) == frozenset()
        session.exec_driver_sql('alter table "Team Risk"."Scores" drop column channel')
        session.exec_driver_sql('alter table "Team Risk"."Scores" drop column target')
        assert lost_columns(session, monitor) == {"channel", "target"}
        # Of rows without a day no column is the one that is missing.
        session.exec_driver_sql('alter table "Team Risk"."Scores" drop column scored_at')
        assert lost_columns(session, monitor) == frozenset()
        session.rollback()


def declared(team: Writers, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    monkeypatch.setenv("DRIFTMETER_DBT_PROJECT", str(team.directory))
    return load_monitors(team.directory / "target" / "manifest.json")["scores"]


def test_who_measures_reads_the_table_by_a_right_of_its_own(
    team: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor = declared(team, monkeypatch)
    grants = (
        "grant usage on schema public_inference to driftmeter_writer",
        "grant select on public_inference.scores to driftmeter_writer",
        "set local role driftmeter_writer",
    )
    with team.engine.connect() as session:
        for grant in grants:
            session.exec_driver_sql(grant)
        with pytest.raises(DriftmeterError, match="permission denied for schema Team Risk"):
            count_rows(session, monitor, [dt.date(2026, 2, 2)])
        session.rollback()
        session.exec_driver_sql('grant usage on schema "Team Risk" to driftmeter_writer')
        session.exec_driver_sql('grant select on "Team Risk"."Scores" to driftmeter_writer')
        for grant in grants:
            session.exec_driver_sql(grant)
        assert count_rows(session, monitor, [dt.date(2026, 2, 2)]) == 50
        session.rollback()


def test_a_table_that_is_replaced_with_a_column_less_is_measured_and_that_told_once(
    team: Writers,
) -> None:
    before = [team.rows(MEASURED.format(table)) for table in TABLES]
    team.write(predictions(NEW).drop(columns=["channel"]))
    team.says("run", *ONE_PROCESS)
    days = team.rows("select count(*), min(state), max(state) from metrics.partitions")
    assert days == [(18, "fresh", "fresh")]
    told = ("2026-02-06", "The inference table changed: channel is gone, and it is monitored.")
    assert team.rows(INCIDENTS) == [told]
    assert [team.rows(MEASURED.format(table)) for table in TABLES] == before
    known = team.rows(
        "select column_name, sum(row_count - null_count)::int from metrics.column_summary"
        " where partition_date > '2026-02-05' and segment is null and column_name in"
        " ('channel', 'income') group by 1 order by 1"
    )
    assert known == [("channel", 0), ("income", 500)]

    # The column is back, and somebody dropped the view: a plain run makes it, and measures the
    # days again that lacked the column.
    team.change("drop view public_inference.scores cascade")
    team.write(predictions(NEW))
    assert "10 days" in team.says("run", *ONE_PROCESS)
    assert team.rows(INCIDENTS)[0] == told
    known = team.rows(
        "select count(*), sum(null_count)::int from metrics.column_summary"
        " where column_name = 'channel' and segment is null and partition_date > '2026-02-05'"
    )
    assert known == [(10, 0)]
    assert [team.rows(MEASURED.format(table)) for table in TABLES] == before

    team.change('drop table "Team Risk"."Scores"')
    ended = team.ended("run")
    assert ended.returncode == 1
    assert 'relation "Team Risk.Scores" does not exist' in ended.stderr
    assert "Traceback" not in ended.stderr
