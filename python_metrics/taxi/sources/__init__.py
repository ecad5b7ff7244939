"""Sources of trips behind one small interface: simulated, files and tlc."""

import datetime as dt
from pathlib import Path

from driftmeter.errors import DriftmeterError
from taxi.sources.base import Batch, Source

__all__ = ["Batch", "Source", "make_source"]

KINDS = ("simulated", "files", "tlc")
TAXIS = ("yellow", "green")


def make_source(
    kind: str,
    *,
    directory: Path | None = None,
    taxi: str | None = None,
    months: str | None = None,
    seed: int = 7,
    trips_per_day: int = 1000,
    cache: Path | None = None,
    as_of: dt.date | None = None,
) -> Source:
    """The source that a command's options ask for.

    Parameters
    ----------
    as_of : datetime.date, optional
        The day on which simulated trips are read: late ones are not there before their time.

    Raises
    ------
    DriftmeterError
        If the options do not fit together.
    """
    if taxi is not None and taxi not in TAXIS:
        raise DriftmeterError(
            f"{taxi!r} is not a colour of cab", where="--taxi", fix=f"use {' or '.join(TAXIS)}"
        )
    if kind == "simulated":
        from taxi.sources.simulated import SimulatedSource

        return SimulatedSource(seed=seed, trips_per_day=trips_per_day, as_of=as_of)
    if kind == "files":
        from taxi.sources.files import FilesSource

        if directory is None:
            raise DriftmeterError(
                "is missing", where="--dir", fix="name the directory of TLC files to read"
            )
        return FilesSource(directory, taxi)
    if kind == "tlc":
        from taxi.sources.tlc import TlcSource

        if months is None or cache is None:
            raise DriftmeterError("is missing", where="--months", fix="write YYYY-MM..YYYY-MM")
        return TlcSource(cache, taxi or "yellow", months)
    raise DriftmeterError(
        f"{kind!r} is not a source of trips", where="--source", fix=f"use one of {', '.join(KINDS)}"
    )
