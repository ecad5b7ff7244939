"""The connection to the warehouse: the user's own Postgres, or the embedded one."""

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from python_metrics import settings
from python_metrics.errors import DriftmeterError
from python_metrics.warehouse.embedded import EmbeddedPostgres
from python_metrics.warehouse.schema import rename_statements

_engines: dict[str, sa.Engine] = {}


def warehouse_url() -> str:
    """URL of the warehouse, ``postgresql://user:password@host:port/database``.

    Raises
    ------
    DriftmeterError
        If there is neither ``DRIFTMETER_DATABASE_URL`` nor an embedded warehouse.
    """
    external = settings.external_database_url()
    if external:
        return external
    access = EmbeddedPostgres(settings.home()).access()
    if access is None:
        raise DriftmeterError(
            "there is no warehouse yet",
            where=str(settings.home()),
            fix="run `driftmeter up`, or set DRIFTMETER_DATABASE_URL",
        )
    return access.url


def engine(url: str | None = None) -> sa.Engine:
    """SQLAlchemy engine of the warehouse, one a URL and process.

    Raises
    ------
    DriftmeterError
        If the URL cannot be read or the server does not answer.
    """
    url = url or warehouse_url()
    if url not in _engines:
        _engines[url] = _connect(url)
    return _engines[url]


def _connect(url: str) -> sa.Engine:
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise DriftmeterError(
            "cannot be read as a database URL",
            where="DRIFTMETER_DATABASE_URL",
            fix="write postgresql://user:password@host:port/database",
        ) from error
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise DriftmeterError(
            f"names a {parsed.get_backend_name()} database, and the warehouse is a Postgres",
            where="DRIFTMETER_DATABASE_URL",
            fix="write postgresql://user:password@host:port/database",
        )
    made = sa.create_engine(
        parsed.set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": 10},
        pool_pre_ping=True,
    )
    rename_statements(made)
    try:
        made.connect().close()
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        raise DriftmeterError(
            f"the warehouse does not answer ({reason})",
            where=parsed.render_as_string(hide_password=True),
            fix="run `driftmeter up`, or correct DRIFTMETER_DATABASE_URL",
        ) from error
    return made
