"""Checks of the warehouse: its server, its schema, and the role of the dashboards."""

import datetime as dt
from collections.abc import Iterator

import sqlalchemy as sa

from dagster_driftmeter.cli.health.finding import Finding, failure, failure_of, ok, warning
from dagster_driftmeter.dbt.same_database import check_same_database
from dagster_driftmeter.runs.environment import dagster_url
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.embedded import EmbeddedPostgres

PART, SCHEMA, READER = "warehouse", "metrics schema", "dashboards' role"
SAME = "one database"
# A day is a day by the warehouse's clock here and by this machine's there.
MOST_CLOCK_SECONDS = 60
# Of the connections that the server allows; runs, dbt and dashboards need some at once.
MOST_CONNECTIONS = 0.9
STATE = sa.text(
    "select current_setting('server_version') as version, clock_timestamp() as clock,"
    " current_setting('max_connections')::integer as allowed,"
    " (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,"
    " pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as is_read_only"
)
WAITING = sa.text(
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    " and datname = current_database() and state_change < now() - interval '5 minutes'"
)
CAN_READ = sa.text(
    "select case when to_regrole('driftmeter_reader') is null then null"
    " else has_schema_privilege('driftmeter_reader', :schema, 'usage') end"
)


def open_warehouse() -> sa.Engine | Finding:
    """Engine of the warehouse, or why there is none. Starts nothing."""
    embedded = EmbeddedPostgres(settings.home())
    is_own = settings.external_database_url() is None
    try:
        if is_own and embedded.access() is not None and not embedded.is_running():
            return failure(PART, "the embedded Postgres is stopped", "run `driftmeter up`")
        return connection.engine()
    except DriftmeterError as error:
        return failure_of(PART, error)


def examine_same_database(engine: sa.Engine) -> Iterator[Finding]:
    """Whether dbt and Dagster's storage are in this very database."""
    try:
        check_same_database(engine, dagster_url(connection.warehouse_url()))
    except DriftmeterError as error:
        yield failure_of(SAME, error)
    else:
        who = "dbt, Dagster's storage" if settings.has_project() else "Dagster's storage"
        yield ok(SAME, f"{who} and Python use the same database")


def examine_warehouse(session: sa.Connection) -> Iterator[Finding]:
    """The server, the schema, and the role that dashboards read with."""
    yield from _server(session)
    yield from _schema(session)
    can_read = session.scalar(CAN_READ, {"schema": settings.metrics_schema()})
    if can_read is None:
        fix = "run `driftmeter up` as a user who may create roles"
        yield warning(READER, "the role driftmeter_reader does not exist", fix)
    elif not can_read:
        fix = "run `driftmeter up`, which grants what is missing"
        yield warning(READER, "the role driftmeter_reader may not read the metrics", fix)
    else:
        yield ok(READER, "the role driftmeter_reader can read the metrics")


def _server(session: sa.Connection) -> Iterator[Finding]:
    state = session.execute(STATE).one()
    address = session.engine.url.render_as_string(hide_password=True)
    if state.is_read_only:
        yield failure(PART, f"{address} accepts no writes", "name the primary server")
        return
    yield ok(PART, f"{address}, Postgres {state.version}")
    away = abs((state.clock - dt.datetime.now(dt.timezone.utc)).total_seconds())
    if away > MOST_CLOCK_SECONDS:
        shows = f"its clock and this machine's are {away:,.0f} seconds apart"
        yield warning(PART, shows, "let both keep time with the same server (NTP)")
    if state.used > MOST_CONNECTIONS * state.allowed:
        shows = f"{state.used} of {state.allowed} connections are taken"
        yield warning(PART, shows, "close idle connections, or raise max_connections")
    if waiting := session.scalar(WAITING):
        shows = f"{waiting} statements have waited for a lock for over five minutes"
        yield warning(
            PART,
            shows,
            "find the session that holds it with pg_blocking_pids(), and end that session",
        )


def _schema(session: sa.Connection) -> Iterator[Finding]:
    stored, newest = migrate.revisions(session)
    if foreign := migrate.why_not_ours(session):
        yield failure(SCHEMA, foreign.what, str(foreign.fix))
    elif stored is None:
        yield warning(SCHEMA, "the schema does not exist yet", "run `driftmeter up`")
    elif stored == newest:
        yield ok(SCHEMA, f"{settings.metrics_schema()}, at revision {stored}")
    elif reason := migrate.metrics_migrations().why_not_from(stored, SCHEMA):
        yield failure(SCHEMA, reason.what, str(reason.fix))
    else:
        shows = f"it is at revision {stored}; this version of Driftmeter needs {newest}"
        yield warning(SCHEMA, shows, "run `driftmeter up`, which upgrades the schema")
