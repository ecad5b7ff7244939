"""Errors of pages, plots, summaries and messages, none of which ends a run.

Their numbers are in the warehouse by then, and whatever could not be shown is shown by a later run.
"""

import contextlib
from collections.abc import Iterator

from dagster_driftmeter.runs.retries import is_disconnected
from dagster_driftmeter.runs.terminal import say
from driftmeter.errors import reason_of


def tell(line: str) -> None:
    """Say a line to whoever watches; a terminal or pipe that is closed by then is no fault."""
    with contextlib.suppress(OSError, ValueError):
        say(line, err=True)


@contextlib.contextmanager
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
