"""Reads from a run's tags which days and monitors it is for."""

import datetime as dt
from collections.abc import Iterable, Mapping

import dagster as dg

from driftmeter.monitors.config import Days, Monitor

MONITOR_TAG = "driftmeter/monitor"
# The tags that Dagster documents for a run over a range of partitions; it exports no names of them.
DAY_TAG = "dagster/partition"
FIRST_DAY_TAG = "dagster/asset_partition_range_start"
LAST_DAY_TAG = "dagster/asset_partition_range_end"


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


def monitors_of(
    context: dg.AssetExecutionContext, monitors: Mapping[str, Monitor]
) -> Iterable[str]:
    """Names of the monitors of this run."""
    only = context.run.tags.get(MONITOR_TAG)
    return [only] if only else list(monitors)


def in_a_row(days: Iterable[dt.date]) -> list[Days]:
    """Days as spans without a gap, in order."""
    spans: list[list[dt.date]] = []
    for day in sorted(set(days)):
        if spans and day - spans[-1][1] == dt.timedelta(days=1):
            spans[-1][1] = day
        else:
            spans.append([day, day])
    return [Days(**{"from": first, "to": last}) for first, last in spans]
