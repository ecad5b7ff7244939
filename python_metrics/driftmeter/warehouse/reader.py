"""The role that dashboards log in as, and what every other login may do no more."""

import secrets

import sqlalchemy as sa
from psycopg import sql

from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import address_of
from driftmeter.warehouse.migrate import first_line

READER = "driftmeter_reader"


def set_reader_password(engine: sa.Engine, password: str | None = None) -> str:
    """Give the reader a password, so that it can log in.

    Parameters
    ----------
    password : str, optional
        None makes a new random one.

    Returns
    -------
    str
        The reader's connection URL, password included.

    Raises
    ------
    DriftmeterError
        If the warehouse's own role may not change the reader.
    """
    password = password or secrets.token_hex(24)
    try:
        with engine.begin() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            # The server and its log see the hash only.
            hashed = raw.pgconn.encrypt_password(
                password.encode(), READER.encode(), b"scram-sha-256"
            ).decode()
            statement = sql.SQL("alter role {} password {}").format(
                sql.Identifier(READER), sql.Literal(hashed)
            )
            connection.exec_driver_sql(statement.as_string().replace("%", "%%"))
    except sa.exc.DBAPIError as error:
        raise DriftmeterError(
            f"the reader's password cannot be set ({first_line(error)})",
            where=engine.url.render_as_string(hide_password=True),
            fix=f"have an administrator run: alter role {READER} password '...'",
        ) from error
    return address_of(engine).with_login(READER, password).url


def sslmode(engine: sa.Engine) -> str:
    """How Grafana's driver is to connect: as the warehouse's URL says, or as this engine does.

    It knows no mode that tries both, which is libpq's own when the URL says nothing.
    """
    named = str(engine.url.query.get("sslmode"))
    if named in ("disable", "require", "verify-ca", "verify-full"):
        return named
    with engine.connect() as connection:
        encrypted = connection.scalar(
            sa.text("select ssl from pg_catalog.pg_stat_ssl where pid = pg_backend_pid()")
        )
    return "require" if encrypted else "disable"


# They make a large object, and write into the log that replicas read.
WRITERS = sa.text(
    "select oid::regprocedure::text from pg_proc where pronamespace = 'pg_catalog'::regnamespace"
    " and proname in ('lo_create', 'lo_creat', 'lo_from_bytea', 'pg_logical_emit_message')"
)
IS_OPEN = sa.text(
    "select has_database_privilege('public', current_database(), 'temporary')"
    " or has_schema_privilege('public', 'public', 'create')"
    " or (select rolsuper from pg_roles where rolname = current_user)"
    " and has_function_privilege('public', 'pg_catalog.lo_create(oid)', 'execute')"
)
IS_SUPERUSER = sa.text("select rolsuper from pg_roles where rolname = current_user")


def close_to_public(engine: sa.Engine) -> None:
    """Take temporary tables, and from a superuser's database large objects, from every login.

    Roles that need temporary tables have them by a grant of their own. A second call changes
    nothing.

    Raises
    ------
    DriftmeterError
        If the database is not this user's.
    """
    try:
        with engine.begin() as session:
            if not session.scalar(IS_OPEN):
                return
            database = engine.dialect.identifier_preparer.quote(
                str(session.scalar(sa.text("select current_database()")))
            )
            session.exec_driver_sql(
                f"revoke temporary on database {database} from public".replace("%", "%%")
            )
            session.exec_driver_sql("revoke create on schema public from public")
            if session.scalar(IS_SUPERUSER):
                for function in session.scalars(WRITERS).all():
                    session.exec_driver_sql(f"revoke execute on function {function} from public")
            # Who revokes what is not his is only warned.
            is_open = session.scalar(IS_OPEN)
    except sa.exc.DBAPIError as error:
        raise _not_owner(engine, first_line(error)) from error
    if is_open:
        raise _not_owner(engine, "it belongs to another user")


def _not_owner(engine: sa.Engine, reason: str) -> DriftmeterError:
    return DriftmeterError(
        f"the database cannot be closed to other logins ({reason})",
        where=engine.url.render_as_string(hide_password=True),
        fix="run `driftmeter up --close` as the user who owns the database",
    )
