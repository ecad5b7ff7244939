"""Which classes were predicted for which, by day and version: rows of ``metrics.confusion``."""

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd
import sqlalchemy as sa

from driftmeter.monitors.config import Monitor

DELETE = sa.text(
    "delete from metrics.confusion where monitor = :monitor and partition_date = :partition_date"
)
INSERT = sa.text(
    "insert into metrics.confusion (monitor, model_version, partition_date, actual, predicted,"
    " row_count, reference_count) values (:monitor, :model_version, :partition_date, :actual,"
    " :predicted, :row_count, :reference_count)"
)
Confusion = Mapping[tuple[str, str], int]


def replace_confusion(
    connection: sa.Connection,
    monitor: Monitor,
    day: dt.date,
    of_versions: Sequence[tuple[str | None, Confusion]],
    usual: Confusion,
) -> None:
    """Replace the day's counts of each pair of a true and a predicted class.

    Parameters
    ----------
    of_versions : sequence of (str or None, mapping)
        Labelled rows of each pair that the day has, by version.
    usual : mapping
        Those of the reference; a pair that only it has is a row of 0.
    """
    key = {"monitor": monitor.name, "partition_date": day}
    connection.execute(DELETE, key)
    rows = [
        {
            **key,
            "model_version": version,
            "actual": actual,
            "predicted": predicted,
            "row_count": counted.get((actual, predicted), 0),
            "reference_count": usual.get((actual, predicted), 0),
        }
        for version, counted in of_versions
        for actual, predicted in sorted({*counted, *usual})
        if counted
    ]
    if rows:
        connection.execute(INSERT, rows)


def of_whole(rows: pd.DataFrame, column: str) -> list[tuple[str | None, Confusion]]:
    """Counts of all rows of each version, from `realised`."""
    whole = rows[rows["segment"].isna()]
    return [
        (version if isinstance(version, str) else None, counts)
        for version, counts in zip(whole["model_version"], whole[column], strict=True)
    ]
