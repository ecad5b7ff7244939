"""Which rows each step measured of a day: it is fresh once all of its steps agree."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

import sqlalchemy as sa

from python_metrics.monitors.config import Monitor

Step = Literal["quality", "drift", "performance", "incidents"]
NOTE = sa.text(
    "select metrics.note_inputs(:monitor, :step, cast(:days as date[]), cast(:prints as text[]),"
    " cast(:to_follow as text[]))"
)
PUBLISH = sa.text("select metrics.publish_days(:monitor, :first, :last)")
MEASURED = sa.text(
    "select partition_date as day, fingerprint from metrics.partitions where monitor = :monitor"
    " and partition_date = any(:days) and fingerprint is not null"
)


def steps_after(monitor: Monitor, step: Step) -> tuple[Step, ...]:
    """Steps that a run takes a day through after this one."""
    steps: tuple[Step, ...] = ("quality", "drift", "performance", "incidents")
    if monitor.target is None:
        steps = ("quality", "drift", "incidents")
    return steps[steps.index(step) + 1 :]


def note_inputs(
    connection: sa.Connection,
    monitor: str,
    step: Step,
    fingerprints: Mapping[dt.date, str],
    to_follow: Sequence[Step] = (),
) -> None:
    """Note of which rows a step measured days, in the transaction that replaces its results.

    What later steps noted is forgotten: they measured what this one gave before.

    Parameters
    ----------
    fingerprints : mapping of date to str
        Of the rows of each day, taken before they were read: of rows that change meanwhile the
        note is out of date, and the day is measured again.
    to_follow : sequence of str
        Later steps of the same run. The day is stale until they have noted the same rows.
    """
    if not fingerprints:
        return
    noted = {
        "monitor": monitor,
        "step": step,
        "days": list(fingerprints),
        "prints": list(fingerprints.values()),
        "to_follow": list(to_follow),
    }
    connection.execute(NOTE, noted)
    span = {"first": min(fingerprints), "last": max(fingerprints)}
    connection.execute(PUBLISH, {"monitor": monitor, **span})


def measured_fingerprints(
    connection: sa.Connection, monitor: str, days: Sequence[dt.date]
) -> dict[dt.date, str]:
    """Fingerprints of the rows by which drift measured days; of those that it could."""
    rows = connection.execute(MEASURED, {"monitor": monitor, "days": list(days)})
    return {row.day: row.fingerprint for row in rows}
