"""What an error does to a run: a lost connection repeats the step, a failed page ends nothing.

Numbers of a page, plot, summary or message are in the warehouse by then, and a later run shows
them.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dagster as dg
import psycopg

from dagster_driftmeter.runs.terminal import say
from driftmeter.errors import reason_of

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


def tell(line: str) -> None:
    """Say a line to whoever watches; a terminal or pipe that is closed by then is no fault."""
    with suppress(OSError, ValueError):
        say(line, err=True)


@contextmanager
def only_informs(what: str) -> Iterator[None]:
    """Turn an error of the block into one line, and go on after it.

    A warehouse that went away is an error all the same: what comes after needs it too.

    Parameters
    ----------
    what : str
        What could not be shown, as the line's subject: ``the overview page``.
    """
    try:
        yield
    except Exception as error:
        if is_disconnected(error):
            raise
        tell(f"{what} could not be made: {reason_of(error)}. What was measured is stored.")
