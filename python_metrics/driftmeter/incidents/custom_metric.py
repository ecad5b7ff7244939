"""Breaches of a team's own metrics."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from driftmeter.alarms.not_judged import listed
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.fold import Away
from driftmeter.incidents.words import amount, told_apart
from driftmeter.monitors.config import Monitor
from driftmeter.performance.custom_metrics import reads


def of_custom_metrics(monitor: Monitor, verdicts: pd.DataFrame) -> dict[dt.date, list[Breach]]:
    """Breaches of each day, one a metric and direction, from `judge_metrics`.

    What the model leans on is one breach a day, since the shares of all features make 1.
    """
    breaches: dict[dt.date, list[Breach]] = {}
    alarms = verdicts[verdicts["is_alarm"].astype(bool)]
    is_share = np.array([monitor.attributed(name) is not None for name in alarms["metric"]], bool)
    for day, shares in alarms[is_share].groupby("partition_date", sort=False):
        breaches.setdefault(day, []).append(_of_attributions(monitor, shares))
    alarms = alarms[~is_share]
    alarms = alarms.assign(rose=alarms["effect"] > 0, p=alarms["window_p_value"].astype(float))
    alarms["is_part"] = alarms["segment"].notna()
    alarms = alarms.sort_values(["partition_date", "metric", "is_part", "p"], kind="stable")
    for (day, *_), of_metric in alarms.groupby(["partition_date", "metric", "rose"], sort=False):
        first, *others = (_breach(monitor, row) for row in of_metric.to_dict("records"))
        breaches.setdefault(day, []).append(_with_parts(first, others))
    return breaches


def _with_parts(first: Breach, others: Sequence[Breach]) -> Breach:
    """What a metric shows over all rows, or most plainly, with the segments that show it too."""
    if not others:
        return first
    named = [f"{other.segment} = {other.segment_value}" for other in others]
    return replace(
        first,
        diagnosis=f"{first.diagnosis.removesuffix('.')}; also of {listed(named)}.",
        evidence={**first.evidence, "segments": named},
    )


def away_metrics(verdicts: pd.DataFrame) -> dict[dt.date, set[Away]]:
    """Metrics that are beyond the reference on each day, be it new or not."""
    away: dict[dt.date, set[Away]] = {}
    for row in verdicts[verdicts["is_beyond"].astype(bool)].itertuples():
        part = Away(row.metric, row.segment or "", row.segment_value or "")
        away.setdefault(row.partition_date, set()).add(part)
    return away


def _of_attributions(monitor: Monitor, alarms: pd.DataFrame) -> Breach:
    """What the model leans on more and less than it did, the largest change first."""
    by_size = alarms.iloc[np.argsort(-alarms["effect"].abs().to_numpy(dtype=float), kind="stable")]
    rows = [(row, _breach(monitor, row)) for row in by_size.to_dict("records")]
    of_direction: dict[str, list[str]] = {}
    for row, breach in rows:
        now, usual = (f"{breach.evidence[name]:.1%}" for name in ("value", "expected"))
        window = int(row["window_days"])
        over = f" over the last {monitor.cadence.counted(window)}" if window > 1 else ""
        feature = monitor.attributed(row["metric"])
        of_direction.setdefault("more" if row["effect"] > 0 else "less", []).append(
            f"{feature} ({now} of all attributions{over}, usually {usual})"
        )
    said = " and ".join(f"{how} on {listed(names)}" for how, names in of_direction.items())
    first = rows[0][1]
    return replace(
        first,
        diagnosis=f"The model leans {said}.",
        columns=tuple(breach.columns[0] for _, breach in rows),
        evidence={
            **first.evidence,
            "shares": [
                {
                    "feature": monitor.attributed(row["metric"]),
                    "share": breach.evidence["value"],
                    "usual_share": breach.evidence["expected"],
                }
                for row, breach in rows
            ],
            "cause": {"columns": [monitor.attributed(row["metric"]) for row, _ in rows]},
        },
    )


def _breach(monitor: Monitor, row: Mapping[Any, Any]) -> Breach:
    metric, segment, day = str(row["metric"]), row["segment"], row["partition_date"]
    effect, expected = float(row["effect"]), float(row["expected"])
    days, unit = int(row["window_days"]), monitor.metrics[metric].unit
    # Of several days together their mean; what is expected of each may differ.
    value = float(row["value"]) if days == 1 else expected + effect
    now, usual = told_apart(value, expected)
    where = f" of {segment} = {row['segment_value']}" if segment else ""
    verb = "fell" if effect < 0 else "rose"
    cadence = monitor.cadence
    weekday = ""
    if row["is_by_weekday"] and days == 1:
        weekday = f" {cadence.on_usual(day, of_month=cadence.every == 'month')}"
    over = f" {cadence.one} over the last {cadence.counted(days)}" if days > 1 else ""
    between = f" ({amount(row['lower'])} to {amount(row['upper'])})" if days == 1 else ""
    return Breach(
        "metric_change",
        f"{metric}{where} {verb} to {amount(now, unit)}{over}, usually about"
        f" {amount(usual, unit)}{between}{weekday}.",
        column_name=metric,
        columns=(metric,),
        segment=str(segment) if segment else None,
        segment_value=str(row["segment_value"]) if segment else None,
        strength=abs(effect) / float(row["deviation"]),
        evidence={
            "value": value,
            "expected": expected,
            "lower": row["lower"],
            "upper": row["upper"],
            "effect": effect,
            "unit": unit,
            "worse": monitor.metrics[metric].worse,
            "days": days,
            "p_value": row["window_p_value"],
            "direction": 1 if effect > 0 else -1,
            # What a page of its day draws.
            "cause": {
                "columns": [name for name in monitor.columns if reads(monitor, metric, name)]
            },
        },
    )
