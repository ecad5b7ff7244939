"""Which rows of a day each step measured. A day is fresh once all of its steps agree.

Dbt's tests are a step that a run notes as begun before it calls dbt, and as done when it stores
their outcomes: the next run sees what one that was killed left open, reference days included.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Literal

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor

Step = Literal["quality", "drift", "performance", "incidents"]
NOTE = sa.text(
    "select metrics.note_inputs(:monitor, :step, cast(:days as date[]), cast(:prints as text[]),"
    " cast(:to_follow as text[]))"
)
PUBLISH = sa.text("select metrics.publish_days(:monitor, :first, :last)")
NOTE_TESTS = sa.text(
    "insert into metrics.measured_inputs (monitor, partition_date, step, fingerprint, config_hash)"
    " select :monitor, day, 'tests',"
    " case when cast(:is_done as boolean) then coalesce(quality.fingerprint, '') end, :config_hash"
    " from unnest(cast(:days as date[])) as day"
    " left join metrics.measured_inputs as quality on quality.monitor = :monitor"
    " and quality.partition_date = day and quality.step = 'quality'"
    " on conflict (monitor, partition_start, step) do update set"
    " fingerprint = excluded.fingerprint, config_hash = excluded.config_hash,"
    " measured_at = excluded.measured_at"
)
# A day that failed says so itself, and why; of days before the reference, which dbt may have built
# for another monitor's, only those that were measured before.
UNFINISHED = sa.text(
    "select inputs.partition_date from metrics.measured_inputs as inputs"
    " left join metrics.partitions as days using (monitor, partition_date)"
    " where inputs.monitor = :monitor and inputs.step = 'tests'"
    " and inputs.partition_date not between :first and :last"
    " and ((days.monitor is null and inputs.partition_date > :last) or (inputs.fingerprint is null"
    " and days.drift_state <> 'failed' and days.rows_dropped_at is null)) order by 1"
)
REFERENCE_TESTS = sa.text(
    "select count(*) as begun, count(*) filter (where tests.config_hash = :config_hash"
    " and tests.fingerprint = coalesce(quality.fingerprint, tests.fingerprint)) as done"
    " from metrics.measured_inputs as tests"
    " left join metrics.measured_inputs as quality on quality.monitor = tests.monitor"
    " and quality.partition_date = tests.partition_date and quality.step = 'quality'"
    " where tests.monitor = :monitor and tests.step = 'tests'"
    " and tests.partition_date between :first and :last"
)
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


def note_tests(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date], *, is_done: bool
) -> None:
    """Note that dbt's tests of days are begun, or, in the transaction that stores them, done."""
    noted = {"monitor": monitor.name, "config_hash": monitor.config_hash, "days": list(days)}
    connection.execute(NOTE_TESTS, {**noted, "is_done": is_done})


def unfinished_days(connection: sa.Connection, monitor: Monitor) -> list[dt.date]:
    """Days outside of the reference that a run began with dbt and took no further."""
    return list(connection.scalars(UNFINISHED, _reference(monitor)))


def has_reference_tests(connection: sa.Connection, monitor: Monitor) -> bool:
    """Whether a run stored the outcomes of dbt's tests of every reference day, as declared now.

    A reference that was built before runs noted this counts as done.
    """
    asked = {**_reference(monitor), "config_hash": monitor.config_hash}
    row = connection.execute(REFERENCE_TESTS, asked).one()
    return not row.begun or row.done == len(monitor.reference_batches)


def _reference(monitor: Monitor) -> dict[str, object]:
    first, last = monitor.reference_span
    return {"monitor": monitor.name, "first": first, "last": last}


def measured_fingerprints(
    connection: sa.Connection, monitor: str, days: Sequence[dt.date]
) -> dict[dt.date, str]:
    """Fingerprints of the rows by which drift measured days; of those that it could."""
    rows = connection.execute(MEASURED, {"monitor": monitor, "days": list(days)})
    return {row.day: row.fingerprint for row in rows}
