"""The one ledger of alarms: what spent a monitor's budget on which day.

A day with an alarm is a day with a row in ``metrics.alarms``: of a column, a segment, all columns
together, the error, a metric of the team's own, a difference between groups or the number of rows.
Whoever counts alarm days reads that view, or asks `alarms_under` what another policy would have put
there.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa

from driftmeter.alarms.detect import judge_stored
from driftmeter.arrival.reference_counts import reference_counts
from driftmeter.incidents.arrival import of_volume, partitions
from driftmeter.monitors.baselines import excluded_days
from driftmeter.monitors.config import Monitor
from driftmeter.performance.custom_metrics import judge_metrics
from driftmeter.performance.decided import decided_errors
from driftmeter.performance.group_differences import judge_groups

Budget = Literal["columns", "segments", "classifier", "error", "volume", "metrics", "groups"]
LEDGER = sa.text(
    "select partition_date, budget, column_name, segment, segment_value from metrics.alarms"
    " where monitor = :monitor and partition_date between :first and :last"
    " order by partition_date, ratio desc nulls last, column_name, segment, segment_value"
)


@dataclass(frozen=True)
class LedgerEntry:
    """An alarm; a row of ``metrics.alarms``.

    Attributes
    ----------
    budget : str
        The part of the budget that it spends.
    column : str or None
        Of an error, a metric of the team's own or a difference between groups, the metric.
    segment, segment_value : str or None
        The part of the rows; of a difference between groups the protected column and the group.
    """

    budget: Budget
    column: str | None = None
    segment: str | None = None
    segment_value: str | None = None


def stored_alarms(
    connection: sa.Connection, monitor: str, first: dt.date, last: dt.date
) -> dict[dt.date, list[LedgerEntry]]:
    """The ledger of a span: each day with an alarm, the plainest first."""
    entries: dict[dt.date, list[LedgerEntry]] = {}
    for row in connection.execute(LEDGER, {"monitor": monitor, "first": first, "last": last}):
        entry = LedgerEntry(row.budget, row.column_name, row.segment, row.segment_value)
        entries.setdefault(row.partition_date, []).append(entry)
    return entries


def alarms_under(
    engine: sa.Engine, monitor: Monitor, first: dt.date, last: dt.date, cache: Path | None = None
) -> dict[dt.date, list[LedgerEntry]]:
    """Each computed day's entries under the monitor's policy, from stored results.

    The policy may be other than the one that was in force.

    Raises
    ------
    DriftmeterError
        If no day of the span was computed.
    """
    entries: dict[dt.date, list[LedgerEntry]] = {}
    for day, verdicts in judge_stored(engine, monitor, first, last, cache).items():
        alarms = sorted((v for v in verdicts if v.is_drifted), key=lambda v: v.p_value or 0)
        entries[day] = [
            LedgerEntry(
                "classifier" if v.column_name is None else "segments" if v.segment else "columns",
                v.column_name,
                v.segment,
                v.segment_value,
            )
            for v in alarms
        ]
    with engine.connect() as connection:
        errors = decided_errors(connection, monitor, first, last)
        every = partitions(connection, monitor, last)
        excluded = excluded_days(connection, monitor, [day.day for day in every])
        volume = of_volume(reference_counts(connection, monitor), every, monitor, excluded)
        metrics = judge_metrics(connection, monitor, excluded)
        groups = judge_groups(connection, monitor, excluded)
    alarmed = metrics[metrics["is_alarm"].astype(bool)]
    for row in alarmed[alarmed["partition_date"].between(first, last)].itertuples():
        entry = LedgerEntry("metrics", row.metric, row.segment, row.segment_value)
        entries.setdefault(row.partition_date, []).append(entry)
    alarmed = groups[groups["is_alarm"].astype(bool)]
    for row in alarmed[alarmed["partition_date"].between(first, last)].itertuples():
        entry = LedgerEntry("groups", row.metric, row.column_name, row.group_value)
        entries.setdefault(row.partition_date, []).append(entry)
    for error in errors[errors["is_alarm"]].itertuples():
        entries.setdefault(error.day, []).append(LedgerEntry("error", error.metric))
    for day in volume:
        if day >= first:
            entries.setdefault(day, []).append(LedgerEntry("volume"))
    return entries
