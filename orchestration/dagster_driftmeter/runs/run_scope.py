"""Reads from a run's tags which days and monitors it is for."""

import datetime as dt
from collections.abc import Iterable, Mapping
from zoneinfo import ZoneInfo

import dagster as dg

from driftmeter.monitors.cadence import DAILY, Cadence, Every
from driftmeter.monitors.config import Days, Monitor
from driftmeter.monitors.hour import Hour

MONITOR_TAG = "driftmeter/monitor"
# The tags that Dagster documents for a run over a range of partitions; it exports no names of them.
DAY_TAG = "dagster/partition"
FIRST_DAY_TAG = "dagster/asset_partition_range_start"
LAST_DAY_TAG = "dagster/asset_partition_range_end"
# Of a partition that is an hour: with its offset, for one hour of autumn is there twice.
HOUR_KEY = "%Y-%m-%d-%H:%M%z"


def chain_of(every: Every) -> str:
    """Name of the job that runs all steps over batches of one length."""
    names = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}
    return f"{names[every]}_chain"


def partition_key(batch: dt.date, timezone: str | None = None) -> str:
    """A batch's key in Dagster.

    Parameters
    ----------
    timezone : str, optional
        Of the partitions that are hours; UTC without it.
    """
    if isinstance(batch, dt.datetime):
        return Hour.of(batch, ZoneInfo(timezone or "UTC")).strftime(HOUR_KEY)
    return batch.isoformat()


def batch_of_key(key: str) -> dt.date:
    """The batch of such a key."""
    if len(key) == len("2026-01-01"):
        return dt.date.fromisoformat(key)
    hour = dt.datetime.strptime(key, HOUR_KEY)
    return Hour.of(hour, hour.tzinfo or dt.timezone.utc)


def range_tags(days: Days, only: str | None = None, timezone: str | None = None) -> dict[str, str]:
    """Tags of a run over a range of days, of one monitor or of all.

    Parameters
    ----------
    timezone : str, optional
        As `partition_key` takes it.
    """
    return {
        FIRST_DAY_TAG: partition_key(days.from_date, timezone),
        LAST_DAY_TAG: partition_key(days.to_date, timezone),
        **({MONITOR_TAG: only} if only else {}),
    }


def days_of_tags(tags: Mapping[str, str]) -> Days | None:
    """The days of a run, one or a range; None of a run without any."""
    first = tags.get(FIRST_DAY_TAG) or tags.get(DAY_TAG)
    last = tags.get(LAST_DAY_TAG) or tags.get(DAY_TAG)
    if not (first and last):
        return None
    return Days(**{"from": batch_of_key(first), "to": batch_of_key(last)})


def ended_batches(monitor: Monitor, days: Days) -> Days | None:
    """First and last batch with one of these days, of those that have ended; None without any."""
    cadence = monitor.cadence
    if cadence == DAILY:
        return days
    newest = cadence.ended_by(dt.datetime.now(monitor.zone))
    first, last = cadence.start(days.from_date), min(cadence.last(days.to_date), newest)
    return Days(**{"from": first, "to": last}) if first <= last else None


def monitors_of(
    context: dg.AssetExecutionContext, monitors: Mapping[str, Monitor]
) -> Iterable[str]:
    """Names of the monitors of this run."""
    only = context.run.tags.get(MONITOR_TAG)
    return [only] if only else list(monitors)


def in_a_row(days: Iterable[dt.date], cadence: Cadence = DAILY) -> list[Days]:
    """Days, or first days of batches, as spans without a gap, in order."""
    spans: list[list[dt.date]] = []
    for day in sorted(set(days)):
        if spans and day == cadence.after(spans[-1][1]):
            spans[-1][1] = day
        else:
            spans.append([day, day])
    return [Days(**{"from": first, "to": last}) for first, last in spans]
