"""The tables that Python writes: made, made again, made by two at once, and refused."""

import datetime as dt
import subprocess
import sys

import pytest
import sqlalchemy as sa
from alembic import command

from driftmeter.errors import DriftmeterError
from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.months import make_months
from driftmeter.warehouse.views import VIEWS
from taxi.migrations import upgrade_raw

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


def structure(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Every column, constraint, index and view of the schemas raw and metrics."""
    query = """
        select schemaname || '.' || viewname, 'view', definition
        from pg_views where schemaname in ('raw', 'metrics')
        union all
        select table_schema || '.' || table_name, column_name, data_type || is_nullable
        from information_schema.columns where table_schema in ('raw', 'metrics')
        union all
        select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        from pg_constraint where connamespace::regnamespace::text in ('raw', 'metrics')
        union all
        select tablename, indexname, indexdef
        from pg_indexes where schemaname in ('raw', 'metrics')
        order by 1, 2, 3
    """
    with engine.connect() as session:
        return [tuple(row) for row in session.execute(sa.text(query))]


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


def test_processes_that_upgrade_an_empty_database_at_once_all_succeed(empty_url: str) -> None:
    code = (
        "import sys; from driftmeter.warehouse import connection, migrate;"
        "migrate.upgrade(connection.engine(sys.argv[1]))"
    )
    several = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], cwd=PROJECT_ROOT)
        for _ in range(3)
    ]
    assert [process.wait() for process in several] == [0, 0, 0]
    engine = connection.engine(empty_url)
    assert set(sa.inspect(engine).get_table_names(schema="metrics")) >= CONTRACT


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
    with pytest.raises(DriftmeterError, match=r"another version of Driftmeter .*9999"):
        migrate.upgrade(warehouse)


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


@pytest.mark.parametrize("revision", [f"{number:04}" for number in range(2, 12)])
def test_a_warehouse_of_an_earlier_version_becomes_the_same(
    warehouse: sa.Engine, empty_url: str, revision: str
) -> None:
    config = migrate.metrics_migrations().config()
    with warehouse.begin() as session:
        session.exec_driver_sql("create schema metrics")
        config.attributes["connection"] = session
        command.upgrade(config, revision)
        # Views were migrations then, some of them over tables of the example's.
        session.exec_driver_sql(
            "create schema raw; create table raw.loads (partition_date date, source text);"
            "create view metrics.loads as select * from raw.loads;"
            "create view metrics.drift_scored as select * from metrics.drift;"
            "create view metrics.alarms as select monitor from metrics.drift_scored"
        )
    migrate.upgrade(warehouse)
    engine = connection.engine(empty_url)
    assert sa.inspect(engine).get_table_names(schema="raw") == ["loads"]
    assert set(sa.inspect(engine).get_view_names(schema="metrics")) == set(VIEWS)
    upgraded = [row for row in structure(engine) if not row[0].startswith("raw.")]
    with warehouse.begin() as session:
        session.exec_driver_sql("drop schema raw, metrics, dagster cascade")
    migrate.upgrade(warehouse)
    assert structure(warehouse) == upgraded


# As dbt kept them before 0015: a day of two columns and a segment, and an empty day.
LONG_TABLES = """
create table metrics.column_profile (monitor text, model_version text, partition_date date,
    segment text, segment_value text, column_name text, metric text, value double precision);
create table metrics.column_histogram (monitor text, model_version text, partition_date date,
    segment text, segment_value text, column_name text, bin integer, bin_low double precision,
    bin_high double precision, category text, row_count bigint);
insert into metrics.column_profile values
    ('loans', 'v1', '2026-03-01', null, null, null, 'row_count', 8),
    ('loans', 'v1', '2026-03-01', null, null, null, 'duplicate_share', 0.25);
insert into metrics.column_profile select 'loans', 'v1', '2026-03-01', null, null, 'amount', *
    from (values ('null_count', 1), ('null_share', 0.125), ('distinct_count', 5),
    ('zero_share', 0), ('mean', 2.5), ('stddev', null), ('min', -1), ('max', 'NaN'), ('p01', -1),
    ('p05', 0), ('p25', 1), ('p50', 2), ('p75', 3), ('p95', 4), ('p99', 5),
    ('out_of_range_share', 2 / 7::double precision)) as metrics;
insert into metrics.column_profile select 'loans', 'v1', '2026-03-01', 'grade', 'a', 'grade', *
    from (values ('null_count', 0), ('null_share', 0), ('distinct_count', 2),
    ('unaccepted_share', 1 / 3::double precision), ('unseen_share', 1 / 3::double precision))
    as metrics;
insert into metrics.column_profile values
    ('loans', null, '2026-03-02', null, null, null, 'row_count', 0),
    ('loans', null, '2026-03-02', null, null, null, 'duplicate_share', null);
insert into metrics.column_profile select 'loans', null, '2026-03-02', null, null, 'grade', *
    from (values ('null_count', 0), ('null_share', null), ('distinct_count', null),
    ('unaccepted_share', null)) as metrics;
insert into metrics.column_histogram values
    ('loans', 'v1', '2026-03-01', null, null, 'amount', -1, null, null, null, 1),
    ('loans', 'v1', '2026-03-01', null, null, 'amount', 0, null, 0, null, 3),
    ('loans', 'v1', '2026-03-01', null, null, 'amount', 2, 1, null, null, 4),
    ('loans', 'v1', '2026-03-01', 'grade', 'a', 'grade', 0, null, null, 'y', 1),
    ('loans', 'v1', '2026-03-01', 'grade', 'a', 'grade', 0, null, null, 'z', 1),
    ('loans', 'v1', '2026-03-01', 'grade', 'a', 'grade', 1, null, null, 'a', 1)
"""


def test_what_long_tables_held_is_what_their_views_say(
    warehouse: sa.Engine, empty_url: str
) -> None:
    def rows() -> list[set[tuple[object, ...]]]:
        with warehouse.connect() as session:
            tables = [
                session.exec_driver_sql(f"select * from metrics.{table}").all()
                for table in ("column_profile", "column_histogram")
            ]
        # NaN equals nothing, not even itself.
        return [{tuple(map(str, row)) for row in table} for table in tables]

    config = migrate.metrics_migrations().config()
    with warehouse.begin() as session:
        session.exec_driver_sql("create schema metrics")
        config.attributes["connection"] = session
        command.upgrade(config, "0014")
        session.exec_driver_sql(LONG_TABLES)
    before = rows()
    migrate.upgrade(warehouse)
    assert rows() == before


def test_views_that_read_ours_are_named_before_anything_changes(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("create view public.mine as select * from metrics.freshness")
        session.exec_driver_sql("comment on view metrics.freshness is 'made of something else'")
    with pytest.raises(DriftmeterError, match=r"a view of yours reads one .*metrics.freshness"):
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
