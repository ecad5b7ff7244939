"""A migrated warehouse of the fuzzing's own."""

import contextlib
import os
from collections.abc import Iterator

import sqlalchemy as sa

from benchmarks.own_warehouse import own_warehouse
from driftmeter.warehouse import connection, migrate
from taxi.migrations import upgrade_raw


@contextlib.contextmanager
def opened_warehouse() -> Iterator[sa.Engine]:
    """Engine of it; the environment names it until the end."""
    before = dict(os.environ)
    try:
        with own_warehouse():
            engine = connection.engine(os.environ["DRIFTMETER_DATABASE_URL"])
            migrate.upgrade(engine)
            upgrade_raw(engine)
            yield engine
            engine.dispose()
    finally:
        os.environ.clear()
        os.environ.update(before)
