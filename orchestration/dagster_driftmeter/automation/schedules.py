"""The jobs that run all steps, and their schedules, which run what ended the night before."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_driftmeter.assets.partitions import DUE, EVERY_TAG
from dagster_driftmeter.runs.run_scope import MONITOR_TAG, chain_of, partition_key
from driftmeter.arrival.due import GRACE_HOURS, newest_due_day
from driftmeter.monitors.cadence import Cadence, Every
from driftmeter.monitors.config import Monitor

# What a run materializes, by the monitor that it is of; all for those that share one.
Runs = Mapping[str | None, Collection[dg.AssetKey] | None]
# Tag of assets that are no part of a day: they are materialized when somebody asks for them.
ON_DEMAND = {"driftmeter/on_demand": "true"}
# The day before is due then: one without rows is missing.
HOUR = GRACE_HOURS

OF_DAYS = (
    dg.AssetSelection.all()
    - dg.AssetSelection.tag("driftmeter/on_demand", "true")
    - dg.AssetSelection.tag(EVERY_TAG, "hour")
    - dg.AssetSelection.tag(EVERY_TAG, "week")
    - dg.AssetSelection.tag(EVERY_TAG, "month")
)
# Dagster runs assets of days, of hours, of weeks and of months in no run together.
JOBS = {
    every: dg.define_asset_job(
        chain_of(every),
        selection=OF_DAYS if every == "day" else dg.AssetSelection.tag(EVERY_TAG, every),
        description=f"Runs all steps on {Cadence(every).one} or a range of {every}s, from dbt's"
        " models to incidents.",
    )
    for every in DUE
}
NAMES: Mapping[Every, str] = {
    "hour": "every_hour",
    "day": "every_morning",
    "week": "every_week",
    "month": "every_month",
}


def chain_schedules(
    monitors: Mapping[str, Monitor],
    keys: Mapping[str, Sequence[dg.AssetKey]],
    timezone: str | None = None,
) -> list[dg.ScheduleDefinition]:
    """One schedule a cadence and time zone of these monitors: a batch is run when it has ended.

    Parameters
    ----------
    keys : mapping of str to sequence of AssetKey
        By monitor: what a run of it alone materializes.
    timezone : str, optional
        Of the partitions that are hours.
    """
    schedules = []
    for every, name in NAMES.items():
        alike = [monitor for monitor in monitors.values() if monitor.every == every]
        zones = sorted({monitor.timezone for monitor in alike})
        is_only = len(zones) == 1
        for zone in zones:
            # Where all that are daily share the zone, one run does all of them.
            runs: Runs = {None: None}
            if every != "day" or not is_only:
                runs = {m.name: keys[m.name] for m in alike if m.timezone == zone}
            named = name if is_only else f"{name}_{_identifier(zone)}"
            schedules.append(_schedule(zone, runs, named, Cadence.of(every, zone), timezone))
    return schedules


def _schedule(
    zone: str, runs: Runs, name: str, cadence: Cadence, timezone: str | None
) -> dg.ScheduleDefinition:
    hour = "*" if cadence.is_hourly else str(HOUR)
    when = "each hour" if cadence.is_hourly else f"at {HOUR} in the morning"

    @dg.schedule(
        name=name,
        job=JOBS[cadence.every],
        cron_schedule=f"0 {hour} {DUE[cadence.every]}",
        execution_timezone=zone,
        description=f"Runs the {cadence.every} before once it is due, {when}, "
        f"{zone} time. It is off until you turn it on.",
    )
    def ended(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        now = context.scheduled_execution_time.astimezone(ZoneInfo(zone))
        day = newest_due_day(ZoneInfo(zone), now, cadence)
        key = partition_key(day, timezone)
        for monitor, selected in runs.items():
            yield dg.RunRequest(
                run_key=f"{key} {monitor or 'all'}",
                asset_selection=list(selected) if selected else None,
                partition_key=key,
                tags={MONITOR_TAG: monitor} if monitor else None,
            )

    return ended


def _identifier(zone: str) -> str:
    """A zone as part of a name that Dagster takes: letters, digits and underscores."""
    return zone.replace("+", "_plus_").replace("-", "_minus_").replace("/", "_")
