"""Reads from a run's tags which days and monitors it is for."""

import datetime as dt
from collections.abc import Iterable, Mapping

import dagster as dg

from driftmeter.monitors.cadence import DAILY, Cadence, Every
from driftmeter.monitors.config import Days, Monitor

MONITOR_TAG = "driftmeter/monitor"
# The tags that Dagster documents for a run over a range of partitions; it exports no names of them.
DAY_TAG = "dagster/partition"
FIRST_DAY_TAG = "dagster/asset_partition_range_start"
LAST_DAY_TAG = "dagster/asset_partition_range_end"


def chain_of(every: Every) -> str:
    """Name of the job that runs all steps over batches of one length."""
    return {"day": "daily", "week": "weekly", "month": "monthly"}[every] + "_chain"


def range_tags(days: Days, only: str | None = None) -> dict[str, str]:
    """Tags of a run over a range of days, of one monitor or of all."""
    return {
        FIRST_DAY_TAG: days.from_date.isoformat(),
        LAST_DAY_TAG: days.to_date.isoformat(),
        **({MONITOR_TAG: only} if only else {}),
    }


def days_of_tags(tags: Mapping[str, str]) -> Days | None:
    """The days of a run, one or a range; None of a run without any."""
    first = tags.get(FIRST_DAY_TAG) or tags.get(DAY_TAG)
    last = tags.get(LAST_DAY_TAG) or tags.get(DAY_TAG)
    return Days.model_validate({"from": first, "to": last}) if first and last else None


def ended_batches(monitor: Monitor, days: Days) -> Days | None:
    """First and last batch with one of these days, of those that have ended; None without any."""
    cadence = monitor.cadence
    if cadence == DAILY:
        return days
    newest = cadence.ended_before(dt.datetime.now(monitor.zone).date())
    first, last = cadence.start(days.from_date), min(cadence.start(days.to_date), newest)
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
