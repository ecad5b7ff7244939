"""Repeats a step that lost its connection or its transaction, and no other."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

# A Postgres that restarts or fails over is back within a minute or two.
MOST_RETRIES = 3
WAIT_SECONDS = 20
# SQLSTATE classes: connection exceptions, an operator's shutdown, and transactions that Postgres
# ended since two waited for each other. A client that finds nobody at the other end has none.
LOST = ("08", "57P", "40")


@contextmanager
def retried_when_disconnected(wait_seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Ask Dagster to run the step again where the warehouse went away under it.

    Safe, as a day is replaced whole. A wrong YAML or a missing table is wrong the next time too.
    """
    try:
        yield
    except Exception as error:
        if is_disconnected(error):
            raise dg.RetryRequested(MOST_RETRIES, wait_seconds) from error
        raise


def is_disconnected(error: BaseException | None) -> bool:
    """Whether an error, or what it was raised from, is a lost connection."""
    while error is not None:
        if isinstance(error, psycopg.OperationalError):
            return error.sqlstate is None or error.sqlstate.startswith(LOST)
        error = error.__cause__
    return False
