"""The role that dashboards log in as: it may read the metrics schema, and nothing else."""

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
