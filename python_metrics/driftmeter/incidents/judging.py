"""Judges stored days again: by a policy that changed, or after what people did about an incident.

What was measured stays as it is: verdicts on columns and segments come from stored histograms,
those on the error from its stored tests, and incidents are folded from both. `alarms_under` of the
ledger shows by the same decisions what a policy would do, and writes nothing.
"""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from driftmeter.alarms.detect import computed_days, detect, measured_config
from driftmeter.drift.reference import mark_outdated
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.baselines import excluded_days
from driftmeter.monitors.changed_settings import days_of_other_policy
from driftmeter.monitors.config import JUDGING_VERSION, Monitor
from driftmeter.monitors.registry import register
from driftmeter.performance.decided import settle_days

# Days of an acknowledged incident are in no trailing baseline, and verdicts can move its first and
# last day: judged until they stay, which takes two rounds.
MOST_ROUNDS = 3
NOTE_JUDGED = sa.text(
    "update metrics.partitions set policy_hash = :policy_hash, judging_version = :judging_version"
    " where monitor = :monitor and partition_date = any(:days)"
)


def judge_changed_policy(engine: sa.Engine, monitor: Monitor, cache: Path) -> str | None:
    """Judge every stored day again if the monitor's policy is not the one that they were judged by.

    Returns
    -------
    str or None
        One line for people; None where the policy is the same, or no stored day can be judged.
    """
    with engine.connect() as connection:
        if not days_of_other_policy(connection, monitor):
            return None
    judged = judge_declared(engine, monitor, cache)
    if not judged:
        return None
    return f"{monitor.name}: policy changed: {judged:,} days judged again, none measured again"


def judge_declared(engine: sa.Engine, monitor: Monitor, cache: Path) -> int:
    """Judge every stored day by the monitor as it is declared now, and say how many there are.

    Days that were measured by another configuration, or against other reference rows, become stale
    and are left out: their measurements cannot be judged.
    """
    mark_outdated(engine, monitor)
    days = _judged(engine, monitor, cache, dt.date.min)
    if days:
        register(engine, monitor)
    _note_judged(engine, monitor, days)
    return len(days)


def judge_again(
    engine: sa.Engine, monitor: Monitor, cache: Path, since: dt.date = dt.date.min
) -> int:
    """Judge the stored days from a day on by the monitor's policy, and fold its incidents anew.

    Parameters
    ----------
    cache : Path
        Directory of calibrations.

    Returns
    -------
    int
        How many days were judged.
    """
    days = _judged(engine, monitor, cache, since)
    _note_judged(engine, monitor, days)
    return len(days)


def _judged(engine: sa.Engine, monitor: Monitor, cache: Path, since: dt.date) -> Sequence[dt.date]:
    """The days from a day on that could be judged, once they are."""
    with engine.connect() as connection:
        days = computed_days(connection, monitor, since, dt.date.max)
        config_hash = measured_config(connection, monitor, days)
    if config_hash is None:
        return []
    for _ in range(MOST_ROUNDS):
        excluded = _excluded(engine, monitor, days)
        detect(engine, monitor, config_hash, days, cache)
        settle_days(engine, monitor, days)
        update_incidents(engine, monitor, days)
        if _excluded(engine, monitor, days) == excluded:
            break
    return days


def _note_judged(engine: sa.Engine, monitor: Monitor, days: Sequence[dt.date]) -> None:
    """Note the policy of judged days; last, so that after a run that was cut off they are again."""
    if not days:
        return
    with engine.begin() as connection:
        note = {"policy_hash": monitor.policy_hash, "judging_version": JUDGING_VERSION}
        connection.execute(NOTE_JUDGED, {"monitor": monitor.name, "days": list(days), **note})


def _excluded(engine: sa.Engine, monitor: Monitor, days: Sequence[dt.date]) -> set[dt.date]:
    with engine.connect() as connection:
        return excluded_days(connection, monitor, days)
