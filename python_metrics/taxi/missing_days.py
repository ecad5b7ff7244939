"""Which days never came: not the same as a day that came and was empty."""

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa


def missing_days(engine: sa.Engine, days: Sequence[dt.date]) -> set[dt.date]:
    """Of these days, those that the source did not have when they were loaded."""
    query = sa.text(
        "select partition_date from raw.loads"
        " where partition_date = any(:days) and state = 'missing'"
    )
    with engine.connect() as connection:
        return set(connection.scalars(query, {"days": list(days)}))
