"""Rows of ``metrics.performance``, and the history of what they were."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.arrival.labels_due import last_waited
from driftmeter.drift.stored_scores import insert_day
from driftmeter.monitors.config import Monitor
from driftmeter.performance.daily_error import ReferenceDayError
from driftmeter.performance.intervals import to_digits
from driftmeter.warehouse.turn import alone

DELETE = sa.text(
    "delete from metrics.performance where monitor = :monitor and partition_date = :day"
)
FORGET = sa.text("delete from metrics.reference_errors where monitor = :monitor")
KEEP = sa.text(
    "insert into metrics.reference_errors"
    " (monitor, partition_date, kind, metric, difference, deviation)"
    " values (:monitor, :day, :kind, :metric, :difference, :deviation)"
)
KEY = (
    "monitor", "model_version", "partition_date", "segment", "segment_value", "metric", "kind",
)  # fmt: skip
SAME = " and ".join(f"now.{name} is not distinct from before.{name}" for name in KEY)
# What a value is, beside its key. A sum's last digits depend on the order of its rows: a figure
# that differs by less is the same.
SAME_FIGURE = 1e-9
FIGURES = ("value", "lower", "upper", "label_coverage")
CONTENT = (*FIGURES, "state")
OTHER = " or ".join(
    [
        "now.state is distinct from before.state",
        *(
            f"(now.{name} is distinct from before.{name}"
            f" and coalesce(abs(now.{name} - before.{name})"
            f" > {SAME_FIGURE} * greatest(abs(now.{name}), abs(before.{name})), true))"
            for name in FIGURES
        ),
    ]
)
BEFORE = (
    "before as (select * from metrics.performance_as_of('infinity')"
    " where monitor = :monitor and partition_date = any(:days)),"
    " now as (select * from metrics.performance"
    " where monitor = :monitor and partition_date = any(:days))"
)
# Only what changed: running a day again adds nothing.
RECORD = sa.text(
    f"with {BEFORE}"
    f" insert into metrics.performance_history ({', '.join((*KEY, *CONTENT))})"
    f" select {', '.join(f'now.{name}' for name in (*KEY, *CONTENT))}"
    f" from now left join before on {SAME} where before.history_id is null or ({OTHER})"
)
WITHDRAW = sa.text(
    f"with {BEFORE}"
    f" insert into metrics.performance_history ({', '.join(KEY)}, state)"
    f" select {', '.join(f'before.{name}' for name in KEY)}, 'withdrawn'"
    f" from before left join now on {SAME} where now.monitor is null"
)
# Both ways: a longer delay makes days provisional again whose labels have not all come.
FINISH = sa.text(
    "update metrics.performance"
    " set state = case state when 'final' then 'provisional' else 'final' end"
    " where monitor = :monitor and kind = 'realised' and (state = 'final')"
    " is distinct from (partition_date <= :last or coalesce(label_coverage >= :coverage, false))"
    " returning partition_date"
)
# With so many of its labels a day is final, however long the last ones take.
FINAL_COVERAGE = 0.99


@dataclass(frozen=True)
class PerformanceRow:
    """One metric of a day, as the performance step writes it: a row of ``metrics.performance``.

    Attributes
    ----------
    expected, deviation, p_value : float or None
        Of a metric that is a test: what calm days have, their standard deviation around it, and
        the two-sided p-value. What the test decides, `decided` writes once days are measured.
    """

    monitor: str
    model_version: str | None
    partition_date: dt.date
    segment: str | None
    segment_value: str | None
    metric: str
    kind: str
    value: float | None
    lower: float | None
    upper: float | None
    label_coverage: float | None
    state: str
    reference_value: float | None
    row_count: int
    config_hash: str
    expected: float | None = None
    deviation: float | None = None
    p_value: float | None = None


def replace_day(
    connection: sa.Connection, monitor: Monitor, day: dt.date, rows: Sequence[PerformanceRow]
) -> None:
    """Replace a day's rows, and add what changed to the history."""
    connection.execute(DELETE, {"monitor": monitor.name, "day": day})
    insert_day(connection, "metrics.performance", day, [vars(row) for row in rows])
    _record_changes(connection, monitor, [day])


def replace_reference_errors(
    connection: sa.Connection, monitor: Monitor, errors: Iterable[ReferenceDayError]
) -> None:
    """Replace what is known of the reference's own days."""
    alone(connection, f"reference errors {monitor.name}")
    connection.execute(FORGET, {"monitor": monitor.name})
    rows = [
        {
            "monitor": monitor.name,
            **vars(error),
            # Of a difference of two sums more of the last digits depend on the order of rows.
            "difference": to_digits(error.difference, 10),
            "deviation": to_digits(error.deviation, 10),
        }
        for error in errors
    ]
    if rows:
        connection.execute(KEEP, rows)


def finish(connection: sa.Connection, monitor: Monitor, newest: dt.date | None) -> None:
    """Call final what has its labels, or has waited long enough for them, and nothing else."""
    if newest is None:
        return
    asked = {
        "monitor": monitor.name,
        "last": last_waited(monitor, newest),
        "coverage": FINAL_COVERAGE,
    }
    finished = connection.scalars(FINISH, asked)
    if days := sorted(set(finished)):
        _record_changes(connection, monitor, days)


def _record_changes(connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]) -> None:
    asked = {"monitor": monitor.name, "days": list(days)}
    # A second transaction would add what the first has just added, and cannot see yet.
    alone(connection, f"performance history {monitor.name}")
    connection.execute(WITHDRAW, asked)
    connection.execute(RECORD, asked)
