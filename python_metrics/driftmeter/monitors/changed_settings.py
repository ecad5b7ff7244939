"""Changes of a monitor that has measured days: of its YAML, or of Driftmeter's version."""

from collections.abc import Collection

import sqlalchemy as sa

from driftmeter.monitors.config import JUDGING_VERSION, Monitor
from driftmeter.monitors.days import counted_days

REGISTERED = sa.text(
    "select column_name, kind from metrics.monitored_columns where monitor = :monitor"
)
BATCHES = sa.text(
    "select timezone, coalesce(every, 'day') as every from metrics.monitors"
    " where monitor = :monitor"
)
MARK_MEASURED = sa.text(
    "update metrics.partitions set drift_state = 'stale', drift_reason = :reason"
    " where monitor = :monitor and drift_state = 'fresh' and rows_dropped_at is null"
)
# Only where the policy is all that changed: other days are stale, and judged when measured again.
OTHER_POLICY = sa.text(
    "select count(*) from metrics.partitions join metrics.monitors using (monitor)"
    " where monitor = :monitor and drift_state = 'fresh' and monitors.config_hash = :config_hash"
    " and partitions.policy_hash is distinct from :policy_hash"
)
# Of days that were judged before versions were noted.
VERSION_UNSAID = 3
OTHER_VERSION = sa.text(
    "select count(*) from metrics.partitions where monitor = :monitor and drift_state = 'fresh'"
    " and coalesce(judging_version, :unsaid) <> :version"
)
RETIRE = sa.text(
    "update metrics.monitors set retired_at = now()"
    " where project = :project and retired_at is null and monitor <> all(:declared)"
    " returning monitor"
)
DECLARE_AGAIN = sa.text(
    "update metrics.monitors set retired_at = null"
    " where retired_at is not null and monitor = any(:declared) returning monitor"
)
CLOSE_INCIDENTS = sa.text(
    "with closed as (update metrics.incidents set closed_on = last_seen_on,"
    " closed_by = 'driftmeter' where monitor = any(:monitors) and closed_on is null returning *)"
    " insert into metrics.incident_events (incident_id, monitor, event, on_date, kind, diagnosis,"
    " report_url, author, note) select incident_id, monitor, 'closed', closed_on, kind, diagnosis,"
    " report_url, 'driftmeter', 'the monitor is no longer declared' from closed"
)


def setting_changes(
    connection: sa.Connection, monitor: Monitor, zone: str, every: str
) -> str | None:
    """How columns, time zone and cadence differ from those of the last run; None if none does.

    Parameters
    ----------
    zone, every : str
        Of the last run.
    """
    registered = {
        row.column_name: row.kind
        for row in connection.execute(REGISTERED, {"monitor": monitor.name})
    }
    if not registered:
        return None
    declared = {name: column.kind for name, column in monitor.columns.items()}
    retyped = [
        f"{name} now {kind}"
        for name, kind in declared.items()
        if name in registered and registered[name] != kind
    ]
    words = {
        "added": [name for name in declared if name not in registered],
        "removed": [name for name in registered if name not in declared],
        "retyped": retyped,
    }
    columns = "; ".join(f"{word} {', '.join(names)}" for word, names in words.items() if names)
    changes = [f"columns changed: {columns}"] if columns else []
    if zone != monitor.timezone:
        changes.append(f"time zone changed: {monitor.timezone}, was {zone}")
    if every != monitor.every:
        changes.append(f"every changed: {monitor.every}, was {every}")
    return "; ".join(changes) or None


def mark_setting_changes(engine: sa.Engine, monitor: Monitor) -> str | None:
    """Make the days stale that were measured of other columns, or of days of another time zone.

    Returns
    -------
    str or None
        One line for people: what changed, and what that does to history.
    """
    with engine.begin() as connection:
        before = connection.execute(BATCHES, {"monitor": monitor.name}).one_or_none()
        if before is None:
            return None
        changes = setting_changes(connection, monitor, *before)
        if changes is None:
            return None
        marked = mark_measured(connection, monitor, changes)
    if not marked:
        return None
    was = before.every
    replaced = f". A {monitor.every} that is measured replaces its hours" if was == "hour" else ""
    return (
        f"{monitor.name}: {changes}. The {marked:,} {was}s measured before are stale and keep their"
        f" results until they are measured again, as `driftmeter run --monitor {monitor.name}` does"
        f"{replaced}"
    )


def mark_measured(connection: sa.Connection, monitor: Monitor, reason: str) -> int:
    """Make every measured day stale, for a reason that people read; gives how many there were."""
    marked = connection.execute(MARK_MEASURED, {"monitor": monitor.name, "reason": reason})
    return int(marked.rowcount)


def days_of_other_policy(connection: sa.Connection, monitor: Monitor) -> int:
    """How many days were judged by another policy than the monitor's, and can be judged again."""
    hashes = {"config_hash": monitor.config_hash, "policy_hash": monitor.policy_hash}
    return int(connection.execute(OTHER_POLICY, {"monitor": monitor.name, **hashes}).scalar_one())


def tell_other_version(engine: sa.Engine, monitor: Monitor) -> str | None:
    """One line where stored days were judged by another version of the judging; else None."""
    with engine.connect() as connection:
        count = days_of_other_version(connection, monitor.name)
    if not count:
        return None
    return f"{monitor.name}: {counted_days(count)} {judged_otherwise(monitor.name)}"


def judged_otherwise(monitor: str) -> str:
    """What to do about days whose verdicts this version may give otherwise."""
    return (
        "were judged by another version of Driftmeter, whose verdicts can differ:"
        f" `driftmeter judge --monitor {monitor}` shows them, and --apply judges these days again"
    )


def days_of_other_version(connection: sa.Connection, monitor: str) -> int:
    """How many days were judged by another version of the judging, and can be judged again."""
    asked = {"monitor": monitor, "version": JUDGING_VERSION, "unsaid": VERSION_UNSAID}
    return int(connection.execute(OTHER_VERSION, asked).scalar_one())


def retire_undeclared(engine: sa.Engine, project: str, declared: Collection[str]) -> list[str]:
    """Retire monitors that a dbt project declares no longer; another project's are let alone.

    History stays. Open incidents are closed, and a monitor that is declared again goes on.

    Returns
    -------
    list of str
        Those that were retired now.
    """
    with engine.begin() as connection:
        retired = connection.scalars(RETIRE, {"project": project, "declared": list(declared)}).all()
        if retired:
            connection.execute(CLOSE_INCIDENTS, {"monitors": list(retired)})
    return sorted(retired)


def declare_again(engine: sa.Engine, declared: Collection[str]) -> list[str]:
    """Let monitors that were retired go on which the project declares; gives their names.

    Their incidents are to be folded anew: those that were closed with them are open again.
    """
    with engine.begin() as connection:
        back = connection.scalars(DECLARE_AGAIN, {"declared": list(declared)}).all()
    return sorted(back)
