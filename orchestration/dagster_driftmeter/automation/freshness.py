"""When Dagster calls a monitor's assets overdue."""

import datetime as dt

import dagster as dg

from driftmeter.monitors.config import Monitor


def freshness_policy(monitor: Monitor) -> dg.FreshnessPolicy:
    """Each day by noon in the monitor's zone, something was computed since its midnight.

    The schedule runs at six: that leaves it six hours, and a person the afternoon.
    """
    return dg.FreshnessPolicy.cron(
        deadline_cron="0 12 * * *",
        lower_bound_delta=dt.timedelta(hours=12),
        timezone=monitor.timezone,
    )
