"""The days of assets: the partitions that all of a code location share, and assets of a monitor."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import ZoneInfo

import dagster as dg

from dagster_driftmeter.runs.retries import retried_when_disconnected
from dagster_driftmeter.runs.run_scope import HOUR_KEY, batch_of_key
from driftmeter.monitors.cadence import DAILY as DAILY_BATCHES
from driftmeter.monitors.cadence import Cadence, Every
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.hour import day_of

# Of assets whose batches are hours, weeks or months: which. Others are daily.
EVERY_TAG = "driftmeter/every"
Partitions = (
    dg.DailyPartitionsDefinition
    | dg.HourlyPartitionsDefinition
    | dg.WeeklyPartitionsDefinition
    | dg.MonthlyPartitionsDefinition
)
Asset = TypeVar("Asset", dg.AssetsDefinition, dg.AssetSpec)
KINDS: dict[Every, Callable[..., Partitions]] = {
    "hour": dg.HourlyPartitionsDefinition,
    "week": dg.WeeklyPartitionsDefinition,
    "month": dg.MonthlyPartitionsDefinition,
}
# What assets are made with. Dagster runs assets of two definitions in no run together, so a code
# location gives all of its assets one of its own, by `with_partitions`.
DAILY = dg.DailyPartitionsDefinition(start_date="2009-01-01")


def daily_partitions(
    monitors: Iterable[Monitor], others: Iterable[dt.date] = ()
) -> dg.DailyPartitionsDefinition:
    """Days from the earliest reference period of these monitors to the newest day that has ended.

    Only daily monitors count if there are some: hours, weeks and months have their own partitions.
    Keys are calendar days. Where monitors are of several time zones, a day ends as soon as it has
    in the easternmost.

    Parameters
    ----------
    others : iterable of date
        Further days that the partitions must hold; an earlier one than the references moves their
        start.
    """
    known = list(monitors)
    daily = [monitor for monitor in known if monitor.every == "day"] or known
    days = [*others, *(monitor.reference.from_date for monitor in daily)]
    if not days:
        return DAILY
    first = min(days)
    east = max(known, key=lambda monitor: _offset(monitor, first), default=None)
    return dg.DailyPartitionsDefinition(
        start_date=first.isoformat(), timezone=east.timezone if east else None
    )


def batch_partitions(
    monitors: Iterable[Monitor],
    timezone: str,
    others: Iterable[dt.date] = (),
    measured: Mapping[Every, dt.date] = MappingProxyType({}),
) -> Mapping[Every, Partitions]:
    """Hours, weeks and months of the monitors that score so, from the earliest reference on.

    Keys are the first days of batches, of hours when they begin. A batch is a partition once it has
    ended.

    Parameters
    ----------
    timezone : str
        Of the daily partitions, for Dagster refuses assets of another zone that read each other.
    others : iterable of date
        Further days that the partitions must hold.
    measured : mapping of str to date
        The first measured day of hours, weeks and months, which they must hold too.
    """
    by_cadence: dict[Every, Partitions] = {}
    known, more = list(monitors), list(others)
    for every, made in KINDS.items():
        alike = [monitor for monitor in known if monitor.every == every]
        if alike:
            begun = [
                *(day_of(monitor.reference_batches[0]) for monitor in alike),
                *more,
                *([measured[every]] if every in measured else []),
            ]
            if every == "hour":
                midnight = dt.datetime.combine(min(begun), dt.time(), ZoneInfo(timezone))
                by_cadence[every] = made(midnight, timezone=timezone, fmt=HOUR_KEY)
                continue
            first = alike[0].cadence.start(min(begun))
            # Weeks begin on Monday, months on their first day.
            by_cadence[every] = made(start_date=first.isoformat(), timezone=timezone, day_offset=1)
    return by_cadence


def batch_models_key(every: Every) -> dg.AssetKey:
    """The asset that builds dbt's models over hours, over weeks, or over months."""
    return dg.AssetKey(["quality", f"models_of_{every}s"])


def _offset(monitor: Monitor, day: dt.date) -> tuple[dt.timedelta, str]:
    """How far a monitor's clock is ahead of UTC, on one fixed day, so that all processes agree."""
    there = dt.datetime.combine(day, dt.time(), monitor.zone)
    return there.utcoffset() or dt.timedelta(0), monitor.timezone


def with_partitions(
    assets: Iterable[Asset], partitions: dg.DailyPartitionsDefinition
) -> list[Asset]:
    """The same assets with these partitions for each that has days."""

    def partitioned(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.partitions_def is None:
            return spec
        return spec.replace_attributes(partitions_def=partitions)

    return list(dg.map_asset_specs(partitioned, assets))


def in_one_run(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The asset, of which a range of days is one run.

    dbt starts once and the reference is read once, however many days there are. `dagster.asset`
    warns at each start that its parameter for this is beta; a finished asset takes it as well.
    """
    return asset.with_attributes(backfill_policy=dg.BackfillPolicy.single_run())


def keys_of(
    context: dg.AssetExecutionContext, cadence: Cadence = DAILY_BATCHES
) -> dict[dt.date, str]:
    """Batches of this run, first to last, each with its partition's key."""
    batches = ((batch_of_key(key), key) for key in context.partition_keys)
    # An hour is told by the clock of its monitor, whatever the partitions' is.
    return {cadence.start(batch) if cadence.is_hourly else batch: key for batch, key in batches}


def days_of(
    context: dg.AssetExecutionContext, cadence: Cadence = DAILY_BATCHES
) -> Sequence[dt.date]:
    """Days of this run, or its other batches, first to last."""
    return list(keys_of(context, cadence))


# When a batch is due, as cron writes days: it ended the night before. An hour, the one before.
DUE: dict[Every, str] = {"hour": "* * *", "day": "* * *", "week": "* * 1", "month": "1 * *"}
# An hourly monitor of which nothing was computed for so long.
LATE_HOURS = dt.timedelta(hours=4)


def monitor_asset(
    step: str,
    monitor: Monitor,
    partitions: Partitions,
    *,
    kinds: set[str],
    deps: Sequence[dg.AssetKey],
    runbook: str,
) -> Callable[[Callable[..., None]], dg.AssetsDefinition]:
    """Make a function the asset of one step of a monitor; it is retried when the warehouse goes.

    Parameters
    ----------
    runbook : str
        Its description, with the monitor's fields in braces.
    """
    # After each batch by noon in the monitor's zone something was computed since midnight. The
    # schedule runs at six: that leaves it six hours, and a person the afternoon.
    freshness = (
        dg.FreshnessPolicy.time_window(fail_window=LATE_HOURS)
        if monitor.every == "hour"
        else dg.FreshnessPolicy.cron(
            deadline_cron=f"0 12 {DUE[monitor.every]}",
            lower_bound_delta=dt.timedelta(hours=12),
            timezone=monitor.timezone,
        )
    )

    def made(function: Callable[..., None]) -> dg.AssetsDefinition:
        asset = dg.asset(
            key=[step, monitor.name],
            group_name=step,
            owners=[f"team:{monitor.owner}"],
            kinds=kinds,
            partitions_def=partitions,
            deps=deps,
            description=runbook.format(**dict(monitor)),
            freshness_policy=freshness,
            tags={} if monitor.every == "day" else {EVERY_TAG: monitor.every},
        )
        return in_one_run(asset(retried_when_disconnected()(function)))

    return made
