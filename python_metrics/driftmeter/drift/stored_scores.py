"""The one writer of ``metrics.drift``: a day's scores, and the verdicts on them.

Scores are Evidently's and the domain classifier's, from the day's rows. Verdicts are calibration's,
from the histograms, and change when a day before changes; the classifier's is written onto its
score's row.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from driftmeter.monitors.hour import Hour, day_of
from driftmeter.warehouse.copy import copy_in
from driftmeter.warehouse.months import make_months
from driftmeter.warehouse.views import DAY

# Methods of `metrics.drift` that are judged against the reference's own days.
DAY_LEVEL = "day_level"
CLASSIFIER = "domain_classifier"
JUDGED = (
    "threshold", "p_value", "q_value", "effect", "is_drifted", "status", "reason", "engine",
    "statistic", "unit", "observed", "expected", "is_slow", "known_event",
)  # fmt: skip
DELETE_DAY = sa.text("delete from metrics.drift where monitor = :monitor and partition_date = :day")
DELETE_VERDICTS = sa.text(
    "delete from metrics.drift"
    " where monitor = :monitor and method = :method and partition_date = any(:days)"
)
JUDGE_CLASSIFIER = sa.text(
    f"update metrics.drift set {', '.join(f'{name} = :{name}' for name in JUDGED)}"
    " where monitor = :monitor and partition_date = :partition_date and method = :method"
    " and score is not null and model_version is not distinct from :model_version"
)


def replace_scores(
    connection: sa.Connection, monitor: str, day: dt.date, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Replace all of a day by what was measured of its rows; its verdicts are to come."""
    connection.execute(DELETE_DAY, {"monitor": monitor, "day": day})
    insert_day(connection, "metrics.drift", day, rows)


def insert_day(
    connection: sa.Connection, table: str, day: dt.date, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Add rows of a day, all with the same columns, to a table that is split by month."""
    if rows:
        make_months(connection, table, [day])
        if isinstance(day, Hour):
            # Of which month it is, no trigger tells.
            rows = [{**row, DAY: day_of(day)} for row in rows]
        names = list(rows[0])
        values = ", ".join(f":{name}" for name in names)
        insert = sa.text(f"insert into {table} ({', '.join(names)}) values ({values})")
        connection.execute(insert, rows)


def replace_verdicts(
    connection: sa.Connection, monitor: str, verdicts: Mapping[dt.date, Sequence[Mapping[str, Any]]]
) -> None:
    """Replace the verdicts of days; their scores stay."""
    rows = [row for day in verdicts.values() for row in day]
    columns = [row for row in rows if row["method"] == DAY_LEVEL]
    of_all = [row for row in rows if row["method"] == CLASSIFIER]
    keys = {"monitor": monitor, "method": DAY_LEVEL, "days": list(verdicts)}
    connection.execute(DELETE_VERDICTS, keys)
    if columns:
        copy_in(connection, "metrics.drift", pa.Table.from_pylist(columns))
    if of_all:
        connection.execute(JUDGE_CLASSIFIER, of_all)
