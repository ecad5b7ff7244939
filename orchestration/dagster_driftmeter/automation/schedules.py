"""The job that runs all steps, and its schedules, which run it every morning."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_driftmeter.runs.run_scope import MONITOR_TAG
from driftmeter.arrival.due import GRACE_HOURS
from driftmeter.monitors.config import Monitor

# Tag of assets that are no part of a day: they are materialized when somebody asks for them.
ON_DEMAND = {"driftmeter/on_demand": "true"}
# The day before is due then: one without rows is missing.
HOUR = GRACE_HOURS

chain_job = dg.define_asset_job(
    "daily_chain",
    selection=dg.AssetSelection.all() - dg.AssetSelection.tag("driftmeter/on_demand", "true"),
    description="Runs all steps on a day or a range of days, from dbt's models to incidents.",
)


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
        )
        for zone in zones
    ]


def _schedule(
    zone: str, runs: Mapping[str | None, Collection[dg.AssetKey] | None], name: str
) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=name,
        job=chain_job,
        cron_schedule=f"0 {HOUR} * * *",
        execution_timezone=zone,
        description=f"Runs the previous day every morning, {zone} time. It is off until you turn "
        "it on.",
    )
    def every_morning(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        today = context.scheduled_execution_time.astimezone(ZoneInfo(zone)).date()
        day = today - dt.timedelta(days=1)
        for monitor, selected in runs.items():
            yield dg.RunRequest(
                run_key=f"{day} {monitor or 'all'}",
                asset_selection=list(selected) if selected else None,
                partition_key=day.isoformat(),
                tags={MONITOR_TAG: monitor} if monitor else None,
            )

    return every_morning


def _identifier(zone: str) -> str:
    """A zone as part of a name that Dagster takes: letters, digits and underscores."""
    return zone.replace("+", "_plus_").replace("-", "_minus_").replace("/", "_")
