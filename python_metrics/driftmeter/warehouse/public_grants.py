"""Revokes what Postgres lets every login do, in a database that only Driftmeter uses."""

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.migrate import first_line

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
