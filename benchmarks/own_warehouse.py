"""A warehouse that is a benchmark's own, so that the user's is left alone."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from driftmeter.warehouse.embedded import EmbeddedPostgres


@contextmanager
def own_warehouse(kept: Path | None = None) -> Iterator[Path]:
    """Start an embedded Postgres in a home of its own, and stop it at the end.

    The environment names it as a warehouse of the user's own, so that dbt's profile stays as it is.

    Parameters
    ----------
    kept : pathlib.Path, optional
        The home, which stays with all of its rows; without it a new one, which is dropped.

    Yields
    ------
    pathlib.Path
        The home.
    """
    new = tempfile.TemporaryDirectory(prefix="driftmeter-bench-")
    with new if kept is None else nullcontext(str(kept.resolve())) as name:
        home = Path(name)
        os.environ["DRIFTMETER_HOME"] = name
        os.environ["DRIFTMETER_DATABASE_URL"] = EmbeddedPostgres(home).start()
        try:
            yield home
        finally:
            EmbeddedPostgres(home).stop()
