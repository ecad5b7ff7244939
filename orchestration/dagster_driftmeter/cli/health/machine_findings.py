"""The directory in which Driftmeter keeps what is its own, and the disk that it is on."""

import os
import shutil
from collections.abc import Iterator

from dagster_driftmeter.cli.health.finding import Finding, failure, ok, warning
from driftmeter import settings

PART = "directory"
MIB = 2**20
# A page of an incident is 4 MiB, a dbt run's logs and artefacts about 10, and Postgres needs room
# for a day's rows twice while it replaces them. Below the lower figure a run may not end.
LEAST_MIB, ENOUGH_MIB = 200, 2000


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
