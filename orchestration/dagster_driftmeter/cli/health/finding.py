"""The result of a check of one part, and the check of Driftmeter's directory and its disk."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from driftmeter import settings
from driftmeter.errors import DriftmeterError

State = Literal["ok", "warning", "failure"]
PART = "directory"
MIB = 2**20
# A page of an incident is 4 MiB, a dbt run's logs and artefacts about 10, and Postgres needs room
# for a day's rows twice while it replaces them. Below the lower figure a run may not end.
LEAST_MIB, ENOUGH_MIB = 200, 2000


@dataclass(frozen=True)
class Finding:
    """The result of a check of one part.

    Attributes
    ----------
    part : str
        ``warehouse``, ``dbt project``, a monitor ...
    state : {'ok', 'warning', 'failure'}
        After a failure days are not measured, or not as declared.
    shows : str
        What was seen.
    fix : str
        What to do about it; empty where all is well.
    """

    part: str
    state: State
    shows: str
    fix: str = ""


def ok(part: str, shows: str) -> Finding:
    """A part that works."""
    return Finding(part, "ok", shows)


def warning(part: str, shows: str, fix: str) -> Finding:
    """A part that works, and soon may not."""
    return Finding(part, "warning", shows, fix)


def failure(part: str, shows: str, fix: str) -> Finding:
    """A part that does not work."""
    return Finding(part, "failure", shows, fix)


def failure_of(part: str, error: DriftmeterError) -> Finding:
    """A part that says itself what is wrong with it, and what to do."""
    where = f"{error.where}: " if error.where else ""
    return failure(part, f"{where}{error.what}", error.fix or "")


def examine_directory() -> Iterator[Finding]:
    """Whether it can be written, and how much room is left (MiB)."""
    home = settings.home()
    if not home.exists():
        yield ok(PART, f"{home} does not exist yet: the first run makes it")
        return
    if not os.access(home, os.W_OK | os.X_OK):
        yield failure(
            PART, f"{home} cannot be written", "give this user write access, or set DRIFTMETER_HOME"
        )
        return
    free = shutil.disk_usage(home).free // MIB
    shows = f"{home}, {free:,} MiB free"
    fix = "free disk space: `driftmeter retain` drops old months; you may delete logs and reports"
    if free < LEAST_MIB:
        yield failure(PART, shows, fix)
    elif free < ENOUGH_MIB:
        yield warning(PART, shows, fix)
    else:
        yield ok(PART, shows)
