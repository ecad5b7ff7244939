"""Grafana's role: what it can read, and everything that it cannot."""

import pytest
import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.monitors.registry import register
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.reader import READER, close_to_public, set_reader_password, sslmode


@pytest.fixture
def reader(warehouse: sa.Engine) -> sa.Engine:
    return connection.engine(set_reader_password(warehouse))


@pytest.fixture
def closed(warehouse: sa.Engine, reader: sa.Engine) -> sa.Engine:
    """The reader, in a database as `driftmeter up --close` and the embedded warehouse have it."""
    with warehouse.begin() as session:
        session.exec_driver_sql("create schema inference; create table inference.scores (x int)")
        session.exec_driver_sql("create table dagster.runs (x integer)")
    close_to_public(warehouse)
    close_to_public(warehouse)
    return reader


def relations(engine: sa.Engine, schema: str, kinds: str = "rv") -> list[str]:
    """Tables (r) and views (v) of a schema."""
    query = sa.text(
        "select relname from pg_class where relnamespace = cast(:schema as regnamespace)"
        " and position(relkind::text in :kinds) > 0"
    )
    with engine.connect() as session:
        return list(session.execute(query, {"schema": schema, "kinds": kinds}).scalars())


def refused(engine: sa.Engine, statement: str) -> str:
    """Why the server refuses a statement, even to one who asks for a writing transaction."""
    with engine.connect() as session:
        session.exec_driver_sql("set transaction read write")
        with pytest.raises(sa.exc.DBAPIError) as error:
            session.exec_driver_sql(statement)
    return str(error.value.orig)


def test_it_reads_every_table_and_view_of_the_metrics_schema(
    warehouse: sa.Engine, reader: sa.Engine
) -> None:
    names = relations(warehouse, "metrics")
    assert len(names) > 15
    for name in names:
        with reader.connect() as session:
            session.exec_driver_sql(f"select * from metrics.{name} limit 1").all()


def test_it_reads_tables_that_are_made_later(warehouse: sa.Engine, reader: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("create table metrics.made_later (x integer)")
    with reader.connect() as session:
        assert session.exec_driver_sql("select * from metrics.made_later").all() == []


def test_it_reads_no_other_schema(warehouse: sa.Engine, reader: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("create schema staging; create table staging.trips (x integer)")
    for schema in ("raw", "staging"):
        for name in relations(warehouse, schema):
            assert "permission denied" in refused(reader, f"select * from {schema}.{name}")
    assert "permission denied" in refused(reader, "select * from pg_authid")
    assert "permission denied" in refused(reader, "select pg_read_file('/etc/passwd')")


def test_it_writes_nothing_anywhere(warehouse: sa.Engine, reader: sa.Engine) -> None:
    for name in [*relations(warehouse, "metrics", "r"), "failing_tests", "drift_scored"]:
        assert "permission denied" in refused(reader, f"delete from metrics.{name}")
    for statement in (
        "insert into metrics.baselines default values",
        "update metrics.incidents set closed_on = null",
        "truncate metrics.drift",
        "drop table metrics.drift",
        "alter table metrics.drift add x integer",
        "create table metrics.mine (x integer)",
        "create table public.mine (x integer)",
        "create schema mine",
        "create role mine",
        f"alter role {READER} superuser",
        "copy metrics.drift to '/tmp/stolen'",
        "copy metrics.drift to program 'cat'",
    ):
        assert "denied" in refused(reader, statement) or "must be" in refused(reader, statement)


# A word that the server's refusal holds, and statements of that kind.
REFUSED = {
    "permission denied": (
        "insert into metrics.drift default values",
        "delete from metrics.drift",
        "merge into metrics.monitors using (select 1) as x on true when matched then delete",
        "select * from metrics.monitors for update",
        "lock table metrics.drift in access exclusive mode",
        "lock table metrics.drift in row exclusive mode",
        "create temporary table mine (x integer)",
        "create temporary table mine as select 1 as x",
        "create view metrics.mine as select 1 as x",
        "create function metrics.mine() returns integer language sql return 1",
        "create type metrics.mine as (x integer)",
        "create sequence public.mine",
        "create extension dblink",
        "create publication mine",
        "create schema authorization driftmeter_reader",
        "grant driftmeter_writer to driftmeter_reader",
        "set role driftmeter",
        "set role driftmeter_writer",
        "set session authorization driftmeter",
        "set session_replication_role = replica",
        "checkpoint",
        "copy metrics.drift from '/etc/passwd'",
        "copy metrics.drift from program 'id'",
        "copy metrics.drift from stdin",
        "copy (select 1) to '/tmp/stolen'",
        "copy (select 1) to program 'cat'",
        "select metrics.make_months('metrics.drift', '{2031-01-01}')",
        "select metrics.make_months_for_writer('metrics.drift', '{2031-01-01}')",
        "select metrics.analyze_months_for_writer('metrics.drift', '{2019-01-01}')",
        "select metrics.attach_months('metrics.drift', '{2031-01-01}')",
        "select metrics.grant_roles()",
        "select pg_read_file('/etc/passwd')",
        "select pg_read_binary_file('/etc/passwd')",
        "select pg_stat_file('/etc/passwd')",
        "select pg_ls_dir('/')",
        "select pg_ls_logdir()",
        "select lo_import('/etc/passwd')",
        "select lo_export(1, '/tmp/stolen')",
        "select lo_create(0)",
        "select lo_creat(-1)",
        "select lo_from_bytea(0, 'x')",
        "select pg_reload_conf()",
        "select pg_rotate_logfile()",
        "select pg_switch_wal()",
        "select pg_create_restore_point('x')",
        "select pg_logical_emit_message(false, 'x', 'y')",
        "select * from pg_authid",
        "select * from pg_shadow",
        "select * from pg_user_mapping",
        "select * from pg_hba_file_rules",
        "select * from pg_largeobject",
        "select * from raw.trips",
        "select * from dagster.runs",
        "select * from inference.scores",
    ),
    "must be": (
        "drop schema metrics cascade",
        "drop view metrics.freshness",
        "drop role driftmeter_writer",
        "alter view metrics.freshness rename to mine",
        "alter database {database} set work_mem = '1GB'",
        "comment on table metrics.drift is 'x'",
        "create trigger mine before insert on metrics.drift execute function metrics.mine()",
        "create policy mine on metrics.drift",
        "create rule mine as on insert to metrics.drift do nothing",
        "create index on metrics.drift (monitor)",
        "reindex table metrics.drift",
    ),
}


def test_each_kind_of_statement_is_refused(closed: sa.Engine) -> None:
    # One database for all: the server would write thousands of files when it stops.
    reasons = {
        statement: refused(closed, statement.replace("{database}", str(closed.url.database)))
        for kind in REFUSED.values()
        for statement in kind
    }
    words = ("permission denied", "must be", "must have")
    assert not {
        statement: why
        for statement, why in reasons.items()
        if not any(word in why for word in words)
    }


@pytest.mark.parametrize(
    "statement", ["create database mine", "alter system set work_mem = '1GB'", "vacuum full"]
)
def test_what_no_transaction_holds_is_refused_too(
    warehouse: sa.Engine, closed: sa.Engine, statement: str
) -> None:
    alone = closed.execution_options(isolation_level="AUTOCOMMIT")
    with alone.connect() as session:
        if statement == "vacuum full":
            # It is skipped with a warning, table by table: no file is written anew.
            where = "select pg_relation_filenode('metrics.monitors')"
            before = session.exec_driver_sql(where).scalar()
            session.exec_driver_sql("vacuum full metrics.monitors")
            assert session.exec_driver_sql(where).scalar() == before
            return
        session.exec_driver_sql("set default_transaction_read_only = off")
        with pytest.raises(sa.exc.DBAPIError, match="permission denied"):
            session.exec_driver_sql(statement)


@pytest.mark.parametrize("function", ["dblink('x', 'y')", "pg_stat_statements_reset()"])
def test_functions_of_extensions_are_not_there(closed: sa.Engine, function: str) -> None:
    assert "does not exist" in refused(closed, f"select {function}")


def test_the_owner_and_dbt_still_make_temporary_tables(
    warehouse: sa.Engine, closed: sa.Engine
) -> None:
    migrate.upgrade(warehouse)
    for role in (None, "driftmeter_transformer"):
        with warehouse.connect() as session:
            if role:
                session.exec_driver_sql(f"set role {role}")
            session.exec_driver_sql("create temporary table mine (x integer)")
            session.rollback()


def test_its_transactions_only_read_and_end_in_time(reader: sa.Engine) -> None:
    with reader.connect() as session:
        assert session.exec_driver_sql("show default_transaction_read_only").scalar() == "on"
        assert session.exec_driver_sql("show statement_timeout").scalar() == "30s"


def test_it_belongs_to_no_other_role(warehouse: sa.Engine) -> None:
    query = (
        "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls,"
        f" (select count(*) from pg_auth_members where member = pg_roles.oid)"
        f" from pg_roles where rolname = '{READER}'"
    )
    with warehouse.connect() as session:
        assert session.exec_driver_sql(query).one() == (False, 0)


def test_without_a_password_it_cannot_log_in(warehouse: sa.Engine) -> None:
    url = sa.engine.make_url(set_reader_password(warehouse, "right"))
    with warehouse.begin() as session:
        session.exec_driver_sql(f"alter role {READER} password null")
    for password in ("right", ""):
        engine = sa.create_engine(
            url.set(drivername="postgresql+psycopg", password=password or None)
        )
        with pytest.raises(sa.exc.OperationalError):
            engine.connect()


def test_a_monitors_rows_follow_its_configuration(warehouse: sa.Engine, reader: sa.Engine) -> None:
    column = {"kind": "numerical", "unit": "miles", "range": (0, 100)}
    duration_monitor = Monitor.model_validate(
        {
            "name": "trip_duration",
            "owner": "team",
            "task": "regression",
            "timestamp": "pickup_at",
            "id": "trip_id",
            "prediction": "predicted_minutes",
            "model_version": "model_version",
            "features": {"trip_distance_miles": column, "fare_usd": column},
            "reference": {"from": "2019-01-01", "to": "2019-01-31"},
        }
    )
    register(warehouse, duration_monitor)
    first, *_ = duration_monitor.features
    fewer = {name: column for name, column in duration_monitor.features.items() if name != first}
    register(warehouse, duration_monitor.model_copy(update={"features": fewer, "owner": "other"}))
    with reader.connect() as session:
        owner = session.exec_driver_sql("select owner from metrics.monitors").scalar()
        rows = session.exec_driver_sql(
            "select column_name, role from metrics.monitored_columns"
        ).all()
    assert owner == "other"
    assert {name for name, role in rows if role == "feature"} == set(fewer)
    assert dict(row[::-1] for row in rows)["prediction"] == duration_monitor.prediction


@pytest.mark.parametrize(
    ("named", "mode"),
    [
        ("", "disable"),
        ("?sslmode=prefer", "disable"),
        ("?sslmode=disable", "disable"),
        ("?sslmode=verify-full", "verify-full"),
    ],
)
def test_grafana_is_told_a_way_to_connect_that_its_driver_knows(
    warehouse_url: str, named: str, mode: str
) -> None:
    # The tests' server speaks no TLS, so only a named mode can ask for it.
    url = f"{warehouse_url}{named}".replace("postgresql:", "postgresql+psycopg:")
    engine = sa.create_engine(url)
    assert sslmode(engine) == mode
    engine.dispose()
