"""The tables that Python writes: made, made again, made by two at once, and refused."""

import datetime as dt
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.months import make_months
from taxi.migrations import upgrade_raw
from tests.conftest import create_database
from tests.next_migration import with_next

CONTRACT = {
    "drift",
    "performance",
    "test_results",
    "incidents",
    "partitions",
    "baselines",
    "model_versions",
}


DAY = dt.date(2019, 4, 1)
# In the name of a part of a table, which is there once a day of it is written.
MONTH = re.compile(r"_\d{4}_\d{2}")


def structure(engine: sa.Engine, schema: str = "metrics") -> list[tuple[object, ...]]:
    """Columns, constraints, indexes and views of the schema raw and that of the metrics."""
    query = """
        select schemaname || '.' || viewname, 'view', definition
        from pg_views where schemaname in ('raw', :schema)
        union all
        select table_schema || '.' || table_name, column_name, data_type || is_nullable
        from information_schema.columns where table_schema in ('raw', :schema)
        union all
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        from pg_constraint where connamespace::regnamespace::text in ('raw', :schema)
        union all
        select tablename, indexname, indexdef
        from pg_indexes where schemaname in ('raw', :schema)
        order by 1, 2, 3
    """
    with engine.connect() as session:
        found = [tuple(row) for row in session.execute(sa.text(query), {"schema": schema})]
    return [row for row in found if not MONTH.search(str(row))]


def drift_rows(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Rows of a table in the columns that it has today."""
    query = "select column_name, score, is_slow, computed_at from metrics.drift order by 1"
    with engine.connect() as session:
        return [tuple(row) for row in session.exec_driver_sql(query)]


def empty_database(postgres: str) -> sa.Engine:
    """Engine of a database with nothing in it."""
    name = f"empty_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, "template0")
    return connection.engine(f"{postgres}/{name}")


@pytest.fixture
def empty_url(warehouse_url: str, warehouse: sa.Engine) -> str:
    """URL of a database with nothing in it."""
    with warehouse.begin() as session:
        session.exec_driver_sql("drop schema raw, metrics, dagster cascade")
    return warehouse_url


def test_every_table_of_the_contract_is_there(warehouse: sa.Engine) -> None:
    names = set(sa.inspect(warehouse).get_table_names(schema="metrics"))
    assert names >= CONTRACT
    keys = {"monitor", "model_version", "partition_date", "segment", "segment_value", "column_name"}
    for table in ("drift", "performance", "test_results"):
        columns = sa.inspect(warehouse).get_columns(table, schema="metrics")
        assert {column["name"] for column in columns} > keys


def test_upgrading_again_changes_nothing(warehouse: sa.Engine) -> None:
    before = structure(warehouse)
    migrate.upgrade(warehouse)
    assert structure(warehouse) == before


AT_ONCE = """
import sys
from pathlib import Path
from driftmeter.warehouse import connection, migrate
migrations = migrate.Migrations(Path(sys.argv[2]), "metrics")
migrate.metrics_migrations = lambda: migrations
migrate.upgrade(connection.engine(sys.argv[1]))
"""


def upgrade_at_once(url: str, versions: Path) -> list[int]:
    """Exit codes of three processes that upgrade a warehouse."""
    command = [sys.executable, "-c", AT_ONCE, url, str(versions)]
    several = [subprocess.Popen(command, cwd=PROJECT_ROOT) for _ in range(3)]
    return [process.wait() for process in several]


def test_processes_that_upgrade_an_empty_database_at_once_all_succeed(empty_url: str) -> None:
    versions = migrate.metrics_migrations().versions
    assert upgrade_at_once(empty_url, versions) == [0, 0, 0]
    engine = connection.engine(empty_url)
    assert set(sa.inspect(engine).get_table_names(schema="metrics")) >= CONTRACT


def test_processes_that_upgrade_a_filled_warehouse_at_once_take_turns(
    warehouse: sa.Engine, warehouse_url: str, tmp_path: Path
) -> None:
    with warehouse.begin() as session:
        session.execute(sa.text(LASTING))
    rows = drift_rows(warehouse)
    assert upgrade_at_once(warehouse_url, with_next(tmp_path).versions) == [0, 0, 0]
    assert sa.inspect(warehouse).has_table("forecasts", schema="metrics")
    assert drift_rows(warehouse) == rows


def test_a_role_that_may_not_create_schemas_is_told_so_and_changes_nothing(
    warehouse_url: str, warehouse: sa.Engine, empty_url: str
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("drop role if exists reader")
        session.exec_driver_sql("create role reader login password 'reader'")
    parsed = sa.make_url(warehouse_url).set(username="reader", password="reader")
    reader = connection.engine(parsed.render_as_string(hide_password=False))
    with pytest.raises(DriftmeterError) as caught:
        migrate.upgrade(reader)
    reader.dispose()
    assert "permission denied" in str(caught.value)
    assert "create schemas" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sa.inspect(warehouse).has_schema("metrics") is False


def test_a_warehouse_of_a_newer_version_is_refused(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("update metrics.alembic_version set version_num = '9999'")
    with pytest.raises(
        DriftmeterError, match=r"schema metrics is at revision 9999, which .*install the newer"
    ):
        migrate.upgrade(warehouse)


@pytest.mark.parametrize(("schema", "revision"), [("metrics", "0020"), ("raw", "0002")])
def test_a_schema_of_an_earlier_version_is_one_line_and_stays_as_it_is(
    warehouse: sa.Engine, warehouse_url: str, tmp_path: Path, schema: str, revision: str
) -> None:
    with warehouse.begin() as session:
        session.execute(sa.text(LASTING))
        session.exec_driver_sql(f"update {schema}.alembic_version set version_num = '{revision}'")
    before, rows = structure(warehouse), drift_rows(warehouse)
    ended = subprocess.run(
        [str(Path(sys.executable).parent / "driftmeter"), "up"],
        env={
            **os.environ,
            "DRIFTMETER_DATABASE_URL": warehouse_url,
            "DRIFTMETER_HOME": str(tmp_path),
        },
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert f"{warehouse.url.database}: schema {schema} is at revision {revision}, of an" in line
    assert "last Driftmeter 0.1" in line
    assert f"drop the schema {schema} and fill it again" in line
    assert (structure(warehouse), drift_rows(warehouse)) == (before, rows)
    # As the line says; nothing else is touched.
    with warehouse.begin() as session:
        session.exec_driver_sql(f"drop schema {schema} cascade")
    migrate.upgrade(warehouse)
    upgrade_raw(warehouse)
    assert structure(warehouse) == before
    assert drift_rows(warehouse) == ([] if schema == "metrics" else rows)


@pytest.mark.parametrize("schema", ["metrics", "watched"])
def test_the_next_migration_goes_on_from_a_filled_warehouse(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schema: str
) -> None:
    monkeypatch.setenv("DRIFTMETER_METRICS_SCHEMA", schema)
    of_two_steps, of_one = (empty_database(postgres) for _ in range(2))
    migrate.upgrade(of_two_steps)
    with of_two_steps.begin() as session:
        # The schema's name as an argument is the caller's.
        session.execute(sa.text(LASTING.replace("'metrics.", f"'{schema}.")))
    rows = drift_rows(of_two_steps)
    later = with_next(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "metrics_migrations", lambda: later)
        for engine in (of_two_steps, of_one):
            migrate.upgrade(engine)
        assert drift_rows(of_two_steps) == rows
        assert structure(of_two_steps, schema) == structure(of_one, schema)
    query = """
        select has_table_privilege('driftmeter_reader', 'metrics.forecasts', 'select'),
            has_table_privilege('driftmeter_writer', 'metrics.forecasts', 'insert'),
            bool_and(weather = 'fair') from metrics.drift_scored
    """
    with of_two_steps.connect() as session:
        assert later.stored(session) == later.known()[0]
        found = session.exec_driver_sql(query.replace("'metrics.", f"'{schema}."))
        assert found.one().tuple() == (True, True, True)
    newest = later.known()[1]
    told = rf"revision {later.known()[0]}, which .*: its newest is {newest}"
    with pytest.raises(DriftmeterError, match=told):
        migrate.upgrade(of_two_steps)
    assert drift_rows(of_two_steps) == rows
    for engine in (of_two_steps, of_one):
        engine.dispose()


def test_a_drift_row_is_unique_though_its_keys_hold_nulls(warehouse: sa.Engine) -> None:
    row = """
        insert into metrics.drift
            (monitor, partition_date, baseline, n_reference, n_current, status, reason, engine)
        values ('m', '2019-04-01', 'reference', 0, 0, 'skipped', 'no row', 'e')
    """
    with warehouse.begin() as session:
        make_months(session, "metrics.drift", [DAY])
        session.exec_driver_sql(row)
    with pytest.raises(sa.exc.IntegrityError), warehouse.begin() as session:
        session.exec_driver_sql(row)


@pytest.mark.parametrize(
    "row",
    [
        # A skipped comparison says why, and one that was made has nothing to excuse.
        "drift (monitor, partition_date, baseline, n_reference, n_current, status, engine) "
        "values ('m', '2019-04-01', 'reference', 0, 0, 'skipped', 'e')",
        "partitions (monitor, partition_date, state, row_count, config_hash, duration_seconds) "
        "values ('m', '2019-04-01', 'fine', 0, 'h', 0)",
        "test_results (monitor, partition_date, test, source, status, severity) "
        "values ('m', '2019-04-01', 't', 'dbt', 'maybe', 'warn')",
    ],
)
def test_a_row_outside_the_contract_is_refused(warehouse: sa.Engine, row: str) -> None:
    with warehouse.begin() as session:
        make_months(session, f"metrics.{row.split()[0]}", [DAY])
    with (
        pytest.raises(sa.exc.IntegrityError, match="check constraint"),
        warehouse.begin() as session,
    ):
        session.exec_driver_sql(f"insert into metrics.{row}")


def test_a_load_that_does_not_balance_is_refused(warehouse: sa.Engine) -> None:
    with (
        pytest.raises(sa.exc.IntegrityError, match="check constraint"),
        warehouse.begin() as session,
    ):
        session.exec_driver_sql(
            "insert into raw.loads (partition_date, source_file, source, state, read, loaded,"
            " rejected) values ('2019-04-01', 'f', 'files', 'loaded', 10, 8, 1)"
        )


def test_views_that_read_ours_are_named_before_anything_changes(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("create view public.mine as select * from metrics.freshness")
        session.exec_driver_sql("comment on view metrics.freshness is 'made of something else'")
    with pytest.raises(DriftmeterError, match=r"your views reads a view .*metrics.freshness"):
        migrate.upgrade(warehouse)
    assert sa.inspect(warehouse).has_table("mine", schema="public")


def test_a_teams_warehouse_gets_no_table_of_the_example(empty_url: str) -> None:
    engine = connection.engine(empty_url)
    migrate.upgrade(engine)
    assert not sa.inspect(engine).has_schema("raw")
    upgrade_raw(engine)
    assert sa.inspect(engine).has_table("trips", schema="raw")


LASTING = """
insert into metrics.monitors values
    ('loans', 'team', 'regression', 'UTC', '2026-01-01', '2026-02-01', 1, 'x');
insert into metrics.partitions
    (monitor, partition_date, state, row_count, config_hash, duration_seconds)
values ('loans', '2026-03-01', 'fresh', 10, 'x', 1);
select metrics.make_months('metrics.drift', '{2026-03-01}');
insert into metrics.drift
    (monitor, partition_date, column_name, baseline, method, score, threshold, is_drifted, is_slow,
    n_reference, n_current, status, reason, engine)
values
    ('loans', '2026-03-01', 'lasting', 'reference', 'day_level', 13, 2.6, false, true, 1, 1, 'ok',
    null, 'e'),
    ('loans', '2026-03-01', 'small', 'reference', 'day_level', 13, 2.6, false, false, 1, 1, 'ok',
    null, 'e'),
    ('loans', '2026-03-01', 'unknown', 'reference', 'day_level', null, null, null, null, 1, 1,
    'skipped', 'too few rows', 'e')
"""


def test_a_drift_that_lasts_is_shown_as_away_and_what_was_not_judged_has_no_ratio(
    warehouse: sa.Engine,
) -> None:
    with warehouse.begin() as session:
        session.execute(sa.text(LASTING))
        rows = session.execute(
            sa.text("select column_name, score_ratio, is_away from metrics.drift_scored")
        )
        shown = {name: (ratio, away) for name, ratio, away in rows}
        state = session.execute(
            sa.text("select state, drifted_columns, away_columns from metrics.monitor_state")
        ).one()
    assert shown == {"lasting": (5.0, True), "small": (0.99, False), "unknown": (None, False)}
    # No alarm, as nothing is new; and not calm either.
    assert tuple(state) == ("away", 0, 1)


@pytest.mark.parametrize(
    ("arguments", "label"),
    [
        ("-1, null, null", "(missing)"),
        ("0, null, null", "below"),
        ("0, null, 'Z9'", "new: Z9"),
        ("3, null, 'Queens'", "Queens"),
        ("7, 5.30510331, null", "7: from 5.305"),
        ("8, 5.30510331000001, null", "8: from 5.305"),
        ("9, 0, null", "9: from 0"),
        ("10, -123456.7, null", "10: from -123457"),
        ("11, 0.000123456, null", "11: from 0.0001235"),
    ],
)
def test_a_bin_has_a_short_name_of_its_own(
    warehouse: sa.Engine, arguments: str, label: str
) -> None:
    with warehouse.connect() as session:
        query = f"select metrics.bin_label({arguments})"
        assert session.exec_driver_sql(query).scalar() == label
