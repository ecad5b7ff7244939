"""A warehouse that is a benchmark's own, so that the user's is left alone."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from driftmeter.warehouse.embedded import EmbeddedPostgres


@contextmanager
def own_warehouse() -> Iterator[Path]:
    """Start an embedded Postgres in a new home, and drop both at the end.

    The environment names it as a warehouse of the user's own, so that dbt's profile stays as it is.

    Yields
    ------
    pathlib.Path
        The home.
    """
    with tempfile.TemporaryDirectory(prefix="driftmeter-bench-") as name:
        home = Path(name)
        os.environ["DRIFTMETER_HOME"] = name
        os.environ["DRIFTMETER_DATABASE_URL"] = EmbeddedPostgres(home).start()
        try:
            yield home
        finally:
            EmbeddedPostgres(home).stop()
