"""The jobs that run all steps, and their schedules, which run what ended the night before."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_driftmeter.assets.partitions import DUE, EVERY_TAG, KINDS
from dagster_driftmeter.runs.run_scope import MONITOR_TAG, chain_of
from driftmeter.arrival.due import GRACE_HOURS
from driftmeter.monitors.cadence import DAILY, Cadence
from driftmeter.monitors.config import Monitor

# What a run materializes, by the monitor that it is of; all for those that share one.
Runs = Mapping[str | None, Collection[dg.AssetKey] | None]
# Tag of assets that are no part of a day: they are materialized when somebody asks for them.
ON_DEMAND = {"driftmeter/on_demand": "true"}
# The day before is due then: one without rows is missing.
HOUR = GRACE_HOURS

# Dagster runs assets of days, of weeks and of months in no run together.
chain_job = dg.define_asset_job(
    chain_of("day"),
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.tag("driftmeter/on_demand", "true")
    - dg.AssetSelection.tag(EVERY_TAG, "week")
    - dg.AssetSelection.tag(EVERY_TAG, "month"),
    description="Runs all steps on a day or a range of days, from dbt's models to incidents.",
)
JOBS = {
    "day": chain_job,
    **{
        every: dg.define_asset_job(
            chain_of(every),
            selection=dg.AssetSelection.tag(EVERY_TAG, every),
            description=f"Runs all steps on a {every} or a range of {every}s, from dbt's models to"
            " incidents.",
        )
        for every in KINDS
    },
}


def chain_schedules(
    monitors: Mapping[str, Monitor], keys: Mapping[str, Sequence[dg.AssetKey]]
) -> list[dg.ScheduleDefinition]:
    """Schedules of these monitors: those of days, and one a zone for weeks and for months.

    Parameters are those of `daily_schedules`.
    """
    daily = {name: monitor for name, monitor in monitors.items() if monitor.every == "day"}
    schedules = daily_schedules(daily, keys)
    for every in KINDS:
        alike = {name: monitor for name, monitor in monitors.items() if monitor.every == every}
        zones = sorted({monitor.timezone for monitor in alike.values()})
        for zone in zones:
            name = f"every_{every}" if len(zones) == 1 else f"every_{every}_{_identifier(zone)}"
            here = [name for name, monitor in alike.items() if monitor.timezone == zone]
            runs: Runs = {name: keys[name] for name in here}
            schedules.append(_schedule(zone, runs, name, Cadence(every)))
    return schedules


def daily_schedules(
    monitors: Mapping[str, Monitor], keys: Mapping[str, Sequence[dg.AssetKey]]
) -> list[dg.ScheduleDefinition]:
    """One schedule a time zone of these monitors: a day is run when it has ended there.

    Parameters
    ----------
    keys : mapping of str to sequence of AssetKey
        By monitor: what a run of it alone materializes.
    """
    zones = sorted({monitor.timezone for monitor in monitors.values()})
    return [
        _schedule(
            zone,
            # Where all share the zone, one run does all of them.
            {None: None}
            if len(zones) == 1
            else {name: keys[name] for name in monitors if monitors[name].timezone == zone},
            "every_morning" if len(zones) == 1 else f"every_morning_{_identifier(zone)}",
            DAILY,
        )
        for zone in zones
    ]


def _schedule(
    zone: str,
    runs: Runs,
    name: str,
    cadence: Cadence,
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job=JOBS[cadence.every],
        cron_schedule=f"0 {HOUR} {DUE[cadence.every]}",
        execution_timezone=zone,
        description=f"Runs the {cadence.every} before once it has ended, at {HOUR} in the morning, "
        f"{zone} time. It is off until you turn it on.",
    )
    def ended(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        today = context.scheduled_execution_time.astimezone(ZoneInfo(zone)).date()
        day = cadence.ended_before(today)
        for monitor, selected in runs.items():
            yield dg.RunRequest(
                run_key=f"{day} {monitor or 'all'}",
                asset_selection=list(selected) if selected else None,
                partition_key=day.isoformat(),
                tags={MONITOR_TAG: monitor} if monitor else None,
            )

    return ended


def _identifier(zone: str) -> str:
    """A zone as part of a name that Dagster takes: letters, digits and underscores."""
    return zone.replace("+", "_plus_").replace("-", "_minus_").replace("/", "_")
