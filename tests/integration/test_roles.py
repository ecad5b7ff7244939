"""Group roles for loading, transforming and measuring: what each may do, a run with all."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.embedded import EmbeddedPostgres
from tests.integration.pipeline import write_month
from tests.programs import DRIFTMETER, run_program

ROLES = ("loader", "transformer", "writer")
# A login makes what it makes in the name of its group, whose other logins may then replace it.
LOGIN = """
create role "{login}" login password 'secret' in role driftmeter_{role};
alter role "{login}" set role = 'driftmeter_{role}'
"""


@pytest.fixture
def logins(warehouse: sa.Engine, warehouse_url: str) -> Iterator[dict[str, str]]:
    """URL of a login a role, which has that role and nothing else."""
    # A grant on the database does not come along with the template.
    migrate.upgrade(warehouse)
    suffix = uuid.uuid4().hex[:8]
    urls = {}
    for role in ROLES:
        login = f"{role}_{suffix}"
        with warehouse.begin() as session:
            session.exec_driver_sql(LOGIN.format(login=login, role=role))
        parsed = sa.make_url(warehouse_url).set(username=login, password="secret")
        urls[role] = parsed.render_as_string(hide_password=False)
    yield urls
    for url in urls.values():
        connection.engine(url).dispose()


def refused(url: str, statement: str) -> str:
    """Why the server refuses a statement."""
    with connection.engine(url).connect() as session:
        with pytest.raises(sa.exc.DBAPIError) as error:
            session.exec_driver_sql(statement)
        session.rollback()
    return str(error.value.orig)


OF_OTHERS = {
    "loader": (
        "select * from metrics.drift",
        "select metrics.make_months('metrics.drift', '{2019-04-01}')",
        "select metrics.make_months_for_writer('metrics.drift', '{2019-04-01}')",
        "delete from metrics.partitions",
        "update metrics.partitions set row_count = 0",
        "select row_count from metrics.partitions",
        "create table metrics.mine (x integer)",
        "create table raw.mine (x integer)",
        "create schema mine",
        "create temporary table mine (x integer)",
        "truncate raw.trips",
        "drop table raw.trips",
        "alter table raw.trips add column x integer",
        "create table dagster.mine (x integer)",
        "select metrics.rename_monitor('loans', 'mine')",
    ),
    "transformer": (
        "select * from metrics.drift",
        "delete from metrics.partitions",
        "update metrics.incidents set closed_on = null",
        "insert into raw.labels_taken values ('2019-04-01', '2019-04-01')",
        "delete from raw.trips",
        "truncate metrics.column_summary",
        "drop table metrics.column_summary",
        "drop view metrics.freshness",
        "select metrics.make_months('metrics.drift', '{2019-04-01}')",
        "create table dagster.mine (x integer)",
        "select metrics.note_inputs('loans', 'drift', '{2019-04-01}', '{x}', '{}')",
        "select metrics.note_inputs('loans', 'incidents', '{2019-04-01}', '{x}', '{tests}')",
        "select metrics.rename_monitor('loans', 'mine')",
    ),
    "writer": (
        "insert into metrics.column_summary default values",
        "delete from metrics.column_summary",
        "update metrics.alembic_version set version_num = '0001'",
        "delete from raw.trips",
        "create table metrics.mine (x integer)",
        "create schema mine",
        "truncate metrics.drift",
        "drop table metrics.drift",
        "alter table metrics.drift add column x integer",
        "drop view metrics.freshness",
        "create temporary table mine (x integer)",
        "select metrics.make_months('raw.trips', '{2019-04-01}')",
    ),
}
OF_NOBODY = (
    "create role mine",
    "alter role driftmeter_reader superuser",
    "set role driftmeter_reader",
    "select metrics.grant_roles()",
    "select pg_read_file('/etc/passwd')",
    "copy (select 1) to program 'cat'",
    "create extension dblink",
)


def test_no_role_does_what_is_not_its_own(warehouse: sa.Engine, logins: dict[str, str]) -> None:
    with warehouse.begin() as session:
        # As `driftmeter up --close` leaves a database of Driftmeter's own.
        session.exec_driver_sql(
            f'revoke temporary on database "{warehouse.url.database}" from public'
        )
    for role, statements in OF_OTHERS.items():
        for statement in (*statements, *OF_NOBODY):
            why = refused(logins[role], statement)
            assert "denied" in why or "must be" in why, (role, statement, why)


def test_who_may_add_rows_may_make_their_month(logins: dict[str, str]) -> None:
    for role, table in (
        ("loader", "raw.trips"),
        ("transformer", "metrics.column_summary"),
        ("writer", "metrics.drift"),
    ):
        with connection.engine(logins[role]).begin() as session:
            made = f"select metrics.make_months('{table}', '{{2031-04-01}}')"
            assert session.exec_driver_sql(made).scalar() == 1
            assert session.exec_driver_sql(made).scalar() == 0
            analyzed = f"select metrics.analyze_months('{table}', '{{2031-04-01}}')"
            session.exec_driver_sql(analyzed)


def test_a_month_is_made_though_its_name_is_taken(
    warehouse: sa.Engine, logins: dict[str, str]
) -> None:
    """Whoever makes tables in the schema makes one that is called as a month would be."""
    with connection.engine(logins["transformer"]).begin() as session:
        session.exec_driver_sql("create table metrics.drift_2031_04 (x integer)")
    made = "select metrics.make_months('metrics.drift', '{2031-04-01}')"
    with connection.engine(logins["writer"]).begin() as session:
        assert session.exec_driver_sql(made).scalar() == 1
        assert session.exec_driver_sql(made).scalar() == 0
        session.exec_driver_sql("select metrics.analyze_months('metrics.drift', '{2031-04-01}')")
    with warehouse.begin() as session:
        session.exec_driver_sql("drop table metrics.drift_2031_04")
        # The month keeps the name that it was given.
        assert session.exec_driver_sql(made).scalar() == 0


def test_a_role_that_came_later_is_granted_by_the_next_upgrade(warehouse: sa.Engine) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql("revoke all on all tables in schema metrics from driftmeter_writer")
    migrate.upgrade(warehouse)
    with warehouse.connect() as session:
        lacks = session.exec_driver_sql("select metrics.roles_lack_grants()").scalar()
    assert lacks is False


def test_a_user_who_may_not_create_roles_goes_on_alone_until_somebody_creates_them() -> None:
    # A server of its own: roles are the server's, and that of the other tests has them.
    home = Path(tempfile.mkdtemp(prefix="driftmeter-roles-"))
    server = EmbeddedPostgres(home)
    try:
        url = sa.make_url(server.start())
        admin = sa.create_engine(
            url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
        )
        with admin.connect() as session:
            session.exec_driver_sql("create role plain login password 'secret'")
            session.exec_driver_sql("create role driftmeter_reader login")
            session.exec_driver_sql("create database team owner plain")
        plain = url.set(username="plain", password="secret", database="team")
        engine = connection.engine(plain.render_as_string(hide_password=False))
        migrate.upgrade(engine)
        query = "select count(*) from pg_roles where rolname = 'driftmeter_writer'"
        with admin.connect() as session:
            assert session.exec_driver_sql(query).scalar() == 0
            for role in ROLES:
                session.exec_driver_sql(f"create role driftmeter_{role} nologin")
        migrate.upgrade(engine)
        query = "select has_table_privilege('driftmeter_writer', 'metrics.drift', 'insert')"
        with engine.connect() as session:
            assert session.exec_driver_sql(query).scalar() is True
        engine.dispose()
        admin.dispose()
    finally:
        server.stop()
        shutil.rmtree(home)


def test_the_example_runs_with_three_logins(
    warehouse: sa.Engine, logins: dict[str, str], tmp_path: Path
) -> None:
    for month in ("2019-01", "2019-02", "2019-03", "2019-04"):
        write_month(tmp_path, month)
    environment = {
        **os.environ,
        "DRIFTMETER_HOME": str(tmp_path / "home"),
        "DRIFTMETER_DATABASE_URL": logins["writer"],
        "DRIFTMETER_TRANSFORMER_URL": logins["transformer"],
        "DRIFTMETER_LOADER_URL": logins["loader"],
    }
    source = ("--source", "files", "--dir", str(tmp_path))
    span = ("--from", "2019-04-01", "--to", "2019-04-02")
    ended = run_program(
        DRIFTMETER, "demo", *source, *span, directory=PROJECT_ROOT, environment=environment
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    with warehouse.connect() as session:
        owners = dict(
            session.exec_driver_sql(
                "select schemaname || '.' || tablename, tableowner from pg_tables"
            ).all()
        )
        states = session.exec_driver_sql(
            "select count(*) from metrics.partitions where state = 'fresh'"
            " and partition_date >= '2019-04-01'"
        ).scalar()
        readable = session.exec_driver_sql(
            "select has_table_privilege('driftmeter_reader', 'metrics.reference_bins', 'select'),"
            " has_schema_privilege('driftmeter_reader', 'inference', 'usage')"
        ).one()
    assert states == 4
    assert tuple(readable) == (True, False)
    assert owners["inference.trip_duration"] == "driftmeter_transformer"
    assert owners["metrics.drift"] == "driftmeter"
