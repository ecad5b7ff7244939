"""The connection to the warehouse: the user's own Postgres, or the embedded one."""

import contextlib

import psycopg
import sqlalchemy as sa

from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse.address import WAREHOUSE_URL, Address, read_address
from driftmeter.warehouse.embedded import EmbeddedPostgres
from driftmeter.warehouse.pooler import no_session, refuse_pooler
from driftmeter.warehouse.schema import by_hours, rename_statements

_engines: dict[str, sa.Engine] = {}


def warehouse_url() -> str:
    """URL of the warehouse, ``postgresql://user:password@host:port/database``, encoded throughout.

    Raises
    ------
    DriftmeterError
        If ``DRIFTMETER_DATABASE_URL`` cannot be used, or there is neither that nor an embedded
        warehouse.
    """
    external = settings.external_database_url()
    if external:
        return read_address(external).url
    access = EmbeddedPostgres(settings.home()).access()
    if access is None:
        raise DriftmeterError(
            "there is no warehouse yet",
            where=str(settings.home()),
            fix="run `driftmeter up`, or set DRIFTMETER_DATABASE_URL",
        )
    return access.url


def engine(url: str | None = None, where: str = WAREHOUSE_URL) -> sa.Engine:
    """SQLAlchemy engine of the warehouse, one a URL and process.

    Parameters
    ----------
    url : str, optional
        Another login's; the warehouse's own without it.
    where : str
        The variable that named it, for messages.

    Raises
    ------
    DriftmeterError
        If the URL cannot be read or the server does not answer.
    """
    url = url or warehouse_url()
    if url not in _engines:
        _engines[url] = _connect(read_address(url, where))
    return _engines[url]


def engine_of(monitor: Monitor) -> sa.Engine:
    """The engine for what is of one monitor: of an hourly one batches are known by their start."""
    return of_monitor(engine(), monitor)


def of_monitor(whole: sa.Engine, monitor: Monitor) -> sa.Engine:
    """The same engine for what is of one monitor."""
    return by_hours(whole, monitor.zone) if monitor.cadence.is_hourly else whole


def _end_with_client(driver: psycopg.Connection, record: object) -> None:
    """Let the server end a statement soon whose process was killed: its locks would stay till then.

    Servers on some systems cannot look whether a client is there.
    """
    driver.autocommit = True
    with contextlib.suppress(psycopg.Error):
        driver.execute("set client_connection_check_interval = '2s'")
    driver.autocommit = False


def _connect(address: Address) -> sa.Engine:
    made = sa.create_engine(
        address.sqlalchemy(),
        connect_args={
            "connect_timeout": int(address.options.get("connect_timeout", 10)),
            # Rows go in and out as UTF-8, whatever the database keeps them in.
            "client_encoding": "utf8",
        },
        pool_pre_ping=True,
    )
    rename_statements(made)
    sa.event.listen(made, "connect", _end_with_client)
    try:
        with made.connect() as session:
            refuse_pooler(session, address)
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[0]
        if "pooling mode" in reason:
            raise no_session(address) from error
        raise DriftmeterError(
            f"the warehouse does not answer ({reason})",
            where=address.shown,
            fix="start that server, or correct its address in DRIFTMETER_DATABASE_URL, or in"
            " the dbt profile"
            if settings.external_database_url()
            else "run `driftmeter up`, which starts the embedded Postgres",
        ) from error
    return made
