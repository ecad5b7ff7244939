"""Breaches of groups that must be treated alike."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from driftmeter.alarms.not_judged import listed
from driftmeter.incidents.breach import Breach, group_cause
from driftmeter.incidents.fold import Away
from driftmeter.incidents.words import amount, shown, told_apart
from driftmeter.monitors.config import Monitor
from driftmeter.performance.group_rates import CALIBRATION, RATES


def of_groups(monitor: Monitor, verdicts: pd.DataFrame) -> dict[dt.date, list[Breach]]:
    """Breaches of each day, one a protected column, from `judge_groups`."""
    breaches: dict[dt.date, list[Breach]] = {}
    alarms = verdicts[verdicts["is_alarm"].astype(bool)]
    keys = ["partition_date", "column_name"]
    alarms = alarms.assign(p=alarms["window_p_value"].astype(float))
    alarms = alarms.sort_values([*keys, "p", "group_value", "metric"], kind="stable")
    for (day, _), of_column in alarms.groupby(keys, sort=False):
        first, *others = of_column.to_dict("records")
        breaches.setdefault(day, []).append(_breach(monitor, first, others))
    return breaches


def away_groups(verdicts: pd.DataFrame) -> dict[dt.date, set[Away]]:
    """Protected columns whose groups are less alike than in the reference, be it new or not."""
    away: dict[dt.date, set[Away]] = {}
    for row in verdicts[verdicts["is_beyond"].astype(bool)].itertuples():
        away.setdefault(row.partition_date, set()).add(Away(group_cause(row.column_name)))
    return away


def _breach(
    monitor: Monitor, row: Mapping[Any, Any], others: Sequence[Mapping[Any, Any]]
) -> Breach:
    column, group, days = str(row["column_name"]), str(row["group_value"]), int(row["window_days"])
    own, other = (float(row[name]) for name in ("window_value", "window_other_value"))
    expected = float(row["expected"])
    named = [f"{_words(one['metric'])} of {_where(one)}" for one in others]
    also = f"; also {listed(named)}" if named else ""
    over = f" over the last {monitor.cadence.counted(days)}" if days > 1 else ""
    return Breach(
        "group_difference",
        f"{group_sentence(str(row['metric']), _where(row) + over, own, other, expected)}{also}.",
        column_name=column,
        columns=(column,),
        segment=column,
        segment_value=group,
        strength=abs(float(row["effect"])) / float(row["deviation"]),
        evidence={
            "metric": row["metric"],
            "group": group,
            "value": own,
            "other_value": other,
            "difference": own - other,
            "expected": expected,
            "lower": row["lower"],
            "upper": row["upper"],
            "row_count": row["row_count"],
            "other_count": row["other_count"],
            "effect": row["effect"],
            "days": days,
            "p_value": row["window_p_value"],
            "also": named,
            # What a page of its day draws.
            "cause": {
                "columns": [
                    name for name in (column, monitor.prediction) if name in monitor.columns
                ]
            },
        },
    )


def group_sentence(metric: str, where: str, own: float, other: float, expected: float) -> str:
    """What a group's statistic is beside that of the others, and what it usually is.

    Parameters
    ----------
    where : str
        The group, and the days where these are several.
    own, other, expected : float
        The group's value, that of the others, and the usual difference.
    """
    if metric == CALIBRATION:
        return (
            f"predictions of {where} are {_apart(own)} the share of positives, those of the others"
            f" {_apart(other)} (difference {_points(own - other)}; reference"
            f" {_points(expected)})"
        )
    if metric in RATES:
        difference, usual = _apart(own - other), _apart(expected)
        values = f"{own:.1%} against {other:.1%}"
    else:
        values = " against ".join(map(amount, told_apart(own, other)))
        difference, usual = (_away(each, amount) for each in (own - other, expected))
    return (
        f"{_words(metric)} of {where} is {difference} that of the others"
        f" ({values}; reference: {usual.removesuffix(' as')})"
    )


def _where(row: Mapping[Any, Any]) -> str:
    return f"{row['column_name']} = {shown(row['group_value'])}"


def _words(metric: str) -> str:
    return metric.replace("_", " ")


def _apart(share: float) -> str:
    """How far a share is from another: ``12.1 points below``."""
    return _away(share, lambda size: f"{100 * size:.1f} points")


def _points(share: float) -> str:
    return f"{100 * share:.1f} points"


def _away(difference: float, written: Callable[[float], str]) -> str:
    size = written(abs(difference))
    if size == written(0.0):
        return "the same as"
    return f"{size} {'below' if difference < 0 else 'above'}"
