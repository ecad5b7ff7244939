"""Takes turns on a warehouse by an advisory lock, which ends with the process that holds it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

RENAME = sa.text("select set_config('application_name', :to, false)")
TRY = sa.text("select pg_try_advisory_lock(hashtextextended(:name, 0))")
WAIT = sa.text("select pg_advisory_lock(hashtextextended(:name, 0))")
END = sa.text("select pg_advisory_unlock(hashtextextended(:name, 0))")
HOLDER = sa.text(
    "select activity.application_name as purpose, activity.pid,"
    " coalesce(host(activity.client_addr), 'this machine') as host"
    " from pg_locks as locks join pg_stat_activity as activity using (pid)"
    " where locks.locktype = 'advisory' and locks.granted and locks.objsubid = 1"
    " and locks.database = (select oid from pg_database where datname = current_database())"
    " and (locks.classid::bigint << 32) | locks.objid::bigint = hashtextextended(:name, 0)"
)


ALONE = sa.text("select pg_advisory_xact_lock(hashtext(:name))")


def alone(connection: sa.Connection, name: str) -> None:
    """Be the only transaction of that name until this one ends; waits for whoever is."""
    connection.execute(ALONE, {"name": name})


@contextmanager
def turn(engine: sa.Engine, name: str, purpose: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold the warehouse's one turn of that name; waits for whoever has it.

    Parameters
    ----------
    purpose : str
        What the turn is for; whoever waits is told it, its first 63 bytes.
    tell : callable
        Takes one line, if there is somebody to wait for.
    """
    # No transaction stays open: it would hold up vacuum for as long as the turn lasts.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        key = {"name": name}
        before = session.scalar(sa.text("show application_name"))
        session.execute(RENAME, {"to": purpose})
        if not session.scalar(TRY, key):
            holder = session.execute(HOLDER, key).first()
            if holder is not None:
                tell(
                    f"waiting for another run of {name} on this warehouse: {holder.purpose}"
                    f" (from {holder.host}, Postgres process {holder.pid})"
                )
            session.execute(WAIT, key)
        try:
            yield
        finally:
            # The connection goes back to a pool: neither lock nor name may stay on it.
            session.execute(END, key)
            session.execute(RENAME, {"to": before})
