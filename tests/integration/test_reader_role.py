"""Grafana's role: what it can read, and everything that it cannot."""

import pytest
import sqlalchemy as sa

from python_metrics.monitors.config import Monitor
from python_metrics.monitors.registry import register
from python_metrics.warehouse import connection
from python_metrics.warehouse.reader import READER, set_reader_password, sslmode


@pytest.fixture
def reader(warehouse: sa.Engine) -> sa.Engine:
    return connection.engine(set_reader_password(warehouse))


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
