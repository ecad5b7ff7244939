"""Inputs changed, or the relation did: realised error against what inputs make one expect."""

import datetime as dt

import pandas as pd
import sqlalchemy as sa

from python_metrics.monitors.config import Monitor
from python_metrics.performance.daily_error import BUDGET_SHARE, LEAST_RISE, WORDS, ErrorAlarm

# Name of the metric: how much more wrong a day is than its inputs explain, as a share.
EXCESS = "excess_error"
QUERY = sa.text(
    "select partition_date as day, value, p_value, row_count from metrics.performance"
    " where monitor = :monitor and metric = :metric and segment is null"
    " and partition_date between :first and :last and p_value is not null"
)


def is_concept_drift(excess: float, p_value: float, level: float) -> bool:
    """Whether a day is more wrong than its inputs explain.

    Parameters
    ----------
    excess : float
        Mean loss beyond the expected one, over the expected one.
    p_value : float
        Two-sided; only a rise counts.
    level : float
        Chance of a false alarm that one day may take in all; the error has its share of it.
    """
    return p_value / 2 < level * BUDGET_SHARE and excess > LEAST_RISE


def concept_alarms(
    connection: sa.Connection, monitor: Monitor, daily: pd.DataFrame, level: float
) -> dict[dt.date, ErrorAlarm]:
    """Days more wrong than their inputs explain, though perhaps no more wrong than others.

    Parameters
    ----------
    daily : pandas.DataFrame
        Of `daily_errors`: the days that are asked for.
    """
    if daily.empty:
        return {}
    mean = dict(zip(daily["day"], daily["mean"], strict=True))
    span = {"monitor": monitor.name, "metric": EXCESS, "first": min(mean), "last": max(mean)}
    return {
        row.day: ErrorAlarm(
            metric=WORDS[monitor.task],
            error=float(mean[row.day]),
            expected=float(mean[row.day]) / (1 + row.value),
            p_value=row.p_value,
            threshold_p=level * BUDGET_SHARE,
            labelled=row.row_count,
            beside="expected of such inputs",
        )
        for row in connection.execute(QUERY, span)
        if row.day in mean and is_concept_drift(row.value, row.p_value, level)
    }
