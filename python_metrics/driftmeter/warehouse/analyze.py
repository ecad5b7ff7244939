"""Fresh statistics for Postgres' planner after a bulk load."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

ANALYZE = sa.text("select metrics.analyze_months(cast(:table as regclass), :days)")


def analyze(engine: sa.Engine, table: str, days: Sequence[dt.date]) -> None:
    """Analyze the months of these days of ``schema.table``; all of a table that is not split.

    Autovacuum would, a minute later; until then Postgres takes a table just filled for an empty
    one, and joins 60,000 rows to their predictions in 80 s by nested loop, not in 0.2 s by hash.
    """
    with engine.begin() as connection:
        connection.execute(ANALYZE, {"table": table, "days": list(days)})
