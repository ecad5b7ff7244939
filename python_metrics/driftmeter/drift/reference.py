"""A monitor's fixed reference: read and hashed once in a run, registered in metrics.baselines."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd
import sqlalchemy as sa

from driftmeter.arrival.column_changes import lost_columns
from driftmeter.arrival.inference_rows import MOST_REFERENCE_ROWS, VERSION, fingerprint, read_rows
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.baselines import Baseline, put
from driftmeter.monitors.config import Monitor

if TYPE_CHECKING:
    from driftmeter.drift.domain_classifier import DomainClassifier
    from driftmeter.drift.kernel_engine import KernelEngine

BASELINE: Baseline = "reference"
RECORDED = sa.text(
    "select content_hash from metrics.baselines where monitor = :monitor and baseline = :baseline"
    " and from_date = :first and to_date = :last and row_count = :rows"
)


@dataclass(frozen=True)
class Reference:
    """Reference rows of one monitor.

    Attributes
    ----------
    frame : pandas.DataFrame
        One column a monitored column; categories are pandas' own.
    content_hash : str
        Hash of the rows, whatever their order; 16 hexadecimal digits.
    """

    monitor: Monitor
    frame: pd.DataFrame
    row_count: int
    content_hash: str

    @property
    def config_hash(self) -> str:
        """Hash of what decides measurements beside a day's rows: configuration and reference."""
        return _config_hash(self.monitor, self.content_hash)

    @cached_property
    def engine(self) -> "KernelEngine":
        """Ready to compare days with these rows; what it keeps of them is made on first use."""
        from driftmeter.drift.kernel_engine import KernelEngine

        return KernelEngine(self.frame, self.monitor.columns, self.monitor.min_rows)

    @cached_property
    def classifier(self) -> "DomainClassifier":
        """Tells a day's rows from these; imported on first use."""
        from driftmeter.drift.domain_classifier import DomainClassifier

        columns = self.monitor.compared_together
        return DomainClassifier(self.frame[columns], self.monitor.target)


def load_reference(engine: sa.Engine, monitor: Monitor) -> Reference:
    """Read a monitor's reference days and record which rows they were.

    Days that were measured against other reference rows, or under another configuration, become
    stale.

    Raises
    ------
    DriftmeterError
        If there are no such rows, or the inference table or one of its columns is missing.
    """
    days = monitor.reference
    with engine.begin() as connection:
        rows, content_hash = _content(connection, monitor)
        if rows == 0:
            raise DriftmeterError(
                f"the reference days {days.from_date} to {days.to_date} hold no rows",
                where=f"{monitor.schema_name}.{monitor.name}",
                fix="build them with `driftmeter run`, or declare other reference days",
            )
        frame = read_rows(
            connection,
            monitor,
            monitor.reference_batches,
            most_rows=MOST_REFERENCE_ROWS,
            known_rows=rows,
            is_coded=True,
            with_projections=True,
        )
        put(connection, monitor, BASELINE, (days.from_date, days.to_date), rows, content_hash)
        reference = Reference(monitor, frame.drop(columns=VERSION), rows, content_hash)
        _mark_outdated(connection, monitor, reference.config_hash)
    return reference


def mark_outdated(engine: sa.Engine, monitor: Monitor) -> None:
    """Make days stale that were measured against other reference rows or another configuration."""
    with engine.begin() as connection:
        _, content_hash = _content(connection, monitor)
        _mark_outdated(connection, monitor, _config_hash(monitor, content_hash))


def _content(connection: sa.Connection, monitor: Monitor) -> tuple[int, str]:
    """Row count and hash of the reference rows.

    While the table lacks a monitored column, as many rows of the same days are those on record:
    measured days would else be outdated, and lose what is known of that column.
    """
    days = monitor.reference
    rows, content_hash = fingerprint(connection, monitor, days.from_date, days.to_date)
    if lost_columns(connection, monitor):
        recorded = {
            "monitor": monitor.name,
            "baseline": BASELINE,
            "first": days.from_date,
            "last": days.to_date,
            "rows": rows,
        }
        content_hash = connection.scalar(RECORDED, recorded) or content_hash
    return rows, content_hash


def _config_hash(monitor: Monitor, content_hash: str) -> str:
    return hashlib.sha256(f"{monitor.config_hash}:{content_hash}".encode()).hexdigest()[:16]


def _mark_outdated(connection: sa.Connection, monitor: Monitor, config_hash: str) -> None:
    connection.execute(
        sa.text(
            "update metrics.partitions set drift_state = 'stale',"
            " drift_reason = 'the reference or the configuration changed after it was computed'"
            " where monitor = :monitor and drift_state = 'fresh' and config_hash <> :hash"
        ),
        {"monitor": monitor.name, "hash": config_hash},
    )
