"""The dbt project, its monitors, and what was measured of them."""

from collections.abc import Iterator

import sqlalchemy as sa

from dagster_driftmeter.cli.health.finding import Finding, failure, failure_of, ok, warning
from dagster_driftmeter.dbt.project_manifest import monitors
from driftmeter import settings
from driftmeter.alarms.not_judged import not_judged
from driftmeter.arrival.inputs import has_reference_tests, unfinished_days
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.reports.incident_pages import undrawn

PART = "dbt project"
DAYS = sa.text(
    "select freshness.newest_day, freshness.computed_at, freshness.hours_since,"
    " freshness.is_late,"
    " count(*) filter (where partitions.state = 'failed') as failed,"
    " count(*) filter (where partitions.state = 'stale') as stale,"
    " (array_agg(partitions.reason order by partitions.partition_date desc)"
    " filter (where partitions.state = 'failed'))[1] as reason"
    " from metrics.freshness left join metrics.partitions using (monitor)"
    " where monitor = :monitor group by 1, 2, 3, 4"
)
UNDELIVERED = sa.text(
    "select count(*) filter (where state = 'failed') as failed,"
    " (array_agg(reason order by tried_at desc) filter (where state = 'failed'))[1] as reason"
    " from metrics.notifications where tried_at > now() - interval '7 days'"
)


def examine_project() -> Iterator[Finding]:
    """Whether dbt can read the project, and which monitors it declares."""
    directory = settings.dbt_project_dir()
    try:
        declared = monitors()
    except DriftmeterError as error:
        yield failure_of(PART, error)
        return
    if not declared:
        fix = "run `driftmeter init`, which proposes a monitor for a table or a model"
        yield failure(PART, f"{directory} declares no monitor", fix)
        return
    yield ok(PART, f"{directory}, monitors {', '.join(declared)}")


def examine_monitor(session: sa.Connection, monitor: Monitor) -> Iterator[Finding]:
    """Whether its table is there, its days are measured, and its columns judged."""
    part = f"monitor {monitor.name}"
    relation = sa.func.to_regclass(sa.func.format("%I.%I", monitor.schema_name, monitor.name))
    if session.scalar(sa.select(relation)) is None:
        table = f"{monitor.schema_name}.{monitor.name}"
        yield warning(
            part, f"{table} does not exist", "run `driftmeter run`, in which dbt builds it"
        )
        return
    every = monitor.cadence.every
    row = session.execute(DAYS, {"monitor": monitor.name}).one_or_none()
    if row is None or row.newest_day is None:
        yield warning(part, f"no {every} has been measured yet", "run `driftmeter run`")
        return
    # Its date, which of an hour is that of its day.
    newest = "day" if monitor.cadence.is_hourly else every
    shows = f"newest {newest} {row.newest_day}, measured {row.computed_at:%Y-%m-%d %H:%M %Z}"
    if row.failed:
        days = every if row.failed == 1 else f"{every}s"
        yield failure(
            part,
            f"{row.failed} {days} failed; the newest failed because: {row.reason}",
            "correct the cause, then run `driftmeter run`",
        )
    elif row.is_late:
        yield failure(
            part,
            f"no new {every} for {row.hours_since:,.0f} hours; {shows}",
            "check that predictions arrive, and that something starts the runs",
        )
    elif row.stale:
        days = every if row.stale == 1 else f"{every}s"
        fix = "run `driftmeter run --stale`"
        yield warning(part, f"{row.stale} {days} changed after they were measured; {shows}", fix)
    else:
        yield ok(part, shows)
    for unjudged in not_judged(session, [monitor.name]):
        yield warning(part, unjudged.shows, unjudged.fix)


def examine_unfinished(session: sa.Connection, monitor: Monitor) -> Iterator[Finding]:
    """What a run that was cut off, or a page that failed, left to be done; nothing if all is."""
    days, pages = len(unfinished_days(session, monitor)), undrawn(session, monitor.name)
    left = []
    if not has_reference_tests(session, monitor):
        left.append("dbt's tests of the reference days")
    if days:
        left.append(f"{monitor.cadence.counted(days)} that an earlier run began")
    if pages:
        left.append(f"the page{'s' * (pages > 1)} of {pages} incident{'s' * (pages > 1)}")
    if left:
        shows = f"no run has finished these yet: {', '.join(left)}"
        fix = "run `driftmeter run`, unless a run is going on now"
        yield warning(f"runs of {monitor.name}", shows, fix)


def examine_notifications(session: sa.Connection) -> Iterator[Finding]:
    """Whether people are told of incidents."""
    part = "notifications"
    if not settings.notify_urls():
        yield ok(part, "incidents are told to nobody: DRIFTMETER_NOTIFY_URLS names no address")
        return
    row = session.execute(UNDELIVERED).one()
    if row.failed:
        shows = f"{row.failed} messages of the last seven days could not be sent: {row.reason}"
        yield warning(
            part, shows, "correct DRIFTMETER_NOTIFY_URLS, and try `driftmeter notify --test`"
        )
    else:
        yield ok(part, f"messages go to {len(settings.notify_urls())} addresses")
