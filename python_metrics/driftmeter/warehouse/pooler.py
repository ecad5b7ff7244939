"""Whether a pooler stands before the server that lends its processes out between transactions.

Locks, settings and prepared statements are a session's: one that is another's in between has none
of them, and two runs would not see each other.
"""

import select
from contextlib import closing

import psycopg
import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import Address

PID = "select pg_backend_pid()"
# A pool of one process lends it to nobody else, and a second question waits for good.
WAIT_SECONDS = 3
FIX = "name the Postgres server itself"


def refuse_pooler(session: sa.Connection, address: Address) -> None:
    """Refuse a pooler that gives a session's process to others.

    Raises
    ------
    DriftmeterError
        If there is one.
    """
    driver = session.connection.driver_connection
    # A pooler answers with a number of its own when it is connected to.
    if driver is None or driver.info.backend_pid == session.scalar(sa.text(PID)):
        return
    if not _keeps_process(address):
        raise no_session(address)


def no_session(address: Address) -> DriftmeterError:
    """What is said of a pooler that keeps no session."""
    return DriftmeterError(
        "a pooler answers that gives a connection's server process to others between transactions",
        where=address.shown,
        fix=FIX,
    )


def _keeps_process(address: Address) -> bool:
    """Whether a connection has the same process of the server while others are at work."""
    parameters = address.libpq()
    try:
        with (
            closing(psycopg.connect(**parameters, autocommit=True)) as ours,
            closing(psycopg.connect(**parameters)) as others,
        ):
            first = ours.execute(PID).fetchone()
            # Its transaction is open from here on, so that it keeps the process that it has.
            lent = others.execute(PID).fetchone()
            ours.pgconn.send_query(PID.encode())
            if lent == first or not select.select([ours.pgconn.socket], [], [], WAIT_SECONDS)[0]:
                return False
            answer = ours.pgconn.get_result()
            return answer is not None and first == (int(answer.get_value(0, 0) or 0),)
    except psycopg.Error:
        # Of a mode in which each statement may have another process.
        return False
