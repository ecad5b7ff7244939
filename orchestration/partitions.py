"""The one partitions definition: a day, for every asset that has days."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

# From before anybody's first day. Keys are calendar days; each monitor says in which time zone.
# East of Greenwich a day ends before it does in UTC, so the day that is on in UTC counts too.
DAILY = dg.DailyPartitionsDefinition(start_date="2009-01-01", end_offset=1)
# A range is one run: dbt starts once and the reference is read once, however many days there are.
ONE_RUN = dg.BackfillPolicy.single_run()


def days_of(context: dg.AssetExecutionContext) -> Sequence[dt.date]:
    """Days of this run, first to last."""
    return [dt.date.fromisoformat(key) for key in context.partition_keys]
