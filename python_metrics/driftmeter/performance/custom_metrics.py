"""Decides which values of a team's own metrics are alarms.

What a metric's SQL computes is not known, so that no sampling noise follows from the number of
rows: how far calm days are apart is learned from the values of the reference's days, by weekday
where these show one. Then a value is judged as an error is (`decided`): over a day, a week and four
weeks, significant at its family's share of the day's level, large enough, and new.
"""

import datetime as dt
import re
from collections.abc import Collection

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import ENOUGH_DAYS
from driftmeter.performance.decided import decide_windows, loudest_windows, rows_of_query
from driftmeter.performance.intervals import NINETY_FIVE
from driftmeter.performance.stored_verdicts import (
    VerdictTable,
    in_reference,
    least_rows,
    waits_for_labels,
    with_decision,
)
from driftmeter.performance.usual_value import fit_usual

FIGURES = ("expected", "lower", "upper", "deviation", "p_value", "window_p_value", "threshold_p")
# What is stored of a value; the first four columns tell it from others.
TYPES = {
    "partition_date": pa.date32(),
    **dict.fromkeys(("metric", "segment", "segment_value", "unit"), pa.string()),
    "value": pa.float64(),
    "row_count": pa.int64(),
    **dict.fromkeys(FIGURES, pa.float64()),
    "window_days": pa.int64(),
    **dict.fromkeys(("is_beyond", "is_alarm"), pa.bool_()),
    "reason": pa.string(),
}
STORED = tuple(TYPES)
VALUES = sa.text(
    "select custom.partition_date, custom.metric, custom.segment, custom.segment_value,"
    " custom.value, custom.row_count, custom.reason, days.row_count as rows, days.labelled_count"
    " from metrics.custom_metrics as custom"
    " left join metrics.partitions as days using (monitor, partition_date)"
    " where custom.monitor = :monitor and custom.metric = any(:metrics)"
    " and (days.monitor is not null or custom.partition_date between :first and :last)"
    " order by 2, 3 nulls first, 4, 1"
)
VERDICTS = VerdictTable("metrics.custom_metric_verdicts", TYPES, keys=4)


def judge_metrics(
    connection: sa.Connection, monitor: Monitor, excluded: Collection[dt.date] = ()
) -> pd.DataFrame:
    """Every stored value of a monitor's own metrics, with what is decided of it; writes nothing."""
    first, last = monitor.reference_span
    asked = {"metrics": list(monitor.metrics), "first": first, "last": last}
    rows = pd.DataFrame()
    if monitor.metrics:
        rows = rows_of_query(connection, VALUES, {"monitor": monitor.name, **asked})
    return decide_metrics(monitor, rows, excluded)


def decide_metrics(
    monitor: Monitor, rows: pd.DataFrame, excluded: Collection[dt.date] = ()
) -> pd.DataFrame:
    """Values of metrics with what is decided of them.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns ``partition_date``, ``metric``, ``segment``, ``segment_value``, ``value``,
        ``row_count`` and ``reason``; ``rows`` and ``labelled_count`` of the whole day, null of one
        that was not measured. With the days of the reference.
    excluded : collection of date
        Days that no trailing baseline may hold.

    Returns
    -------
    pandas.DataFrame
        Columns `STORED`, and of days that were judged ``effect``, the mean difference of the
        window from what is expected, and ``is_by_weekday``, whether that depends on the weekday.
    """
    if rows.empty:
        return pd.DataFrame(columns=[*STORED, "effect", "is_by_weekday"])
    rows = rows.astype({"value": float, "segment": object, "segment_value": object})
    keys = [rows[name].fillna("") for name in ("metric", "segment", "segment_value")]
    rows = pd.concat([_judged(monitor, series, excluded) for _, series in rows.groupby(keys)])
    return _decided(monitor, rows.sort_values(["partition_date"], kind="stable", ignore_index=True))


def _judged(monitor: Monitor, rows: pd.DataFrame, excluded: Collection[dt.date]) -> pd.DataFrame:
    """One metric of one part of the days, beside its reference days."""
    days = rows["partition_date"]
    rows = rows.assign(
        unit=monitor.metrics[rows["metric"].iloc[0]].unit,
        is_judged=False, is_by_weekday=False, window_days=pd.NA,
        **dict.fromkeys((*FIGURES, "effect", "trailing_p_value"), np.nan),
    )  # fmt: skip
    is_reference = in_reference(monitor, days)
    usual = rows[is_reference]
    least = least_rows(monitor, usual["row_count"].to_numpy(dtype=float))
    usual = usual[np.isfinite(usual["value"]) & (usual["row_count"] >= least)]
    if (too_few := _too_few(usual, monitor.cadence)) is not None:
        return rows.assign(reason=rows["reason"].fillna(too_few))
    null = fit_usual(usual, monitor.cadence)
    is_known = np.isfinite(rows["value"]) & (rows["row_count"] >= least)
    few = rows["row_count"].map("{:,} rows; ".format) + f"{least:,.0f} are needed"
    rows["reason"] = rows["reason"].where(is_known | rows["reason"].notna(), few)
    known = rows[is_known]
    judged = null.judge(known)
    reach = NINETY_FIVE * judged.deviation
    figures = {
        "expected": judged.expected, "deviation": judged.deviation, "p_value": judged.p_value,
        "lower": judged.expected - reach, "upper": judged.expected + reach,
    }  # fmt: skip
    for name, numbers in figures.items():
        rows.loc[known.index, name] = numbers
    rows["is_by_weekday"] = bool(np.ptp(null.level) > 0)
    is_usual = rows.index.isin(usual.index)
    waits = _waits_for_labels(monitor, rows) & ~is_usual
    rows["reason"] = rows["reason"].where(~waits | rows["reason"].notna(), "labels are due later")
    rows["is_judged"] = is_known & ~waits & ~is_reference
    before = rows[is_usual].assign(difference=rows["value"] - rows["expected"])
    tests = rows[rows["is_judged"]]
    if not tests.empty:
        tests = tests.assign(reference_value=tests["expected"])
        named = {"partition_date": "day"}
        windows = loudest_windows(
            monitor,
            tests.rename(columns=named),
            before.rename(columns=named),
            excluded,
            least_rise=None,
        )
        for name in ("window_days", "window_p_value", "trailing_p_value", "effect"):
            rows.loc[tests.index, name] = windows[name]
    return rows


def _too_few(usual: pd.DataFrame, cadence: Cadence) -> str | None:
    """Why these reference days do not tell how a metric varies; None where they do."""
    if len(usual) < ENOUGH_DAYS:
        have = cadence.counted(len(usual))
        return (
            f"{have} of the reference period have a value of it, and {ENOUGH_DAYS} are needed."
            " Widen `reference` in its YAML"
        )
    if np.ptp(usual["value"]) == 0:
        return (
            "it has one value on every day of the reference period, which does not tell how far it"
            " may vary. Choose an expression that varies, or a longer reference period"
        )
    return None


def _waits_for_labels(monitor: Monitor, rows: pd.DataFrame) -> "pd.Series[bool]":
    """Days whose labels the metric reads and that has not got them."""
    if not reads(monitor, rows["metric"].iloc[0], str(monitor.target)):
        return pd.Series(False, index=rows.index)
    return waits_for_labels(monitor, rows)


def reads(monitor: Monitor, metric: str, column: str) -> bool:
    """Whether the SQL of a metric names a column, as a word or in quotes."""
    named = re.escape(column.replace('"', '""'))
    expression = monitor.metrics[metric].sql
    return re.search(rf"(?<![\w$]){named}(?![\w$])", expression, re.IGNORECASE) is not None


def _decided(monitor: Monitor, rows: pd.DataFrame) -> pd.DataFrame:
    """Values of all metrics, in order, the judged ones day by day at the family's level."""
    tests = rows[rows["is_judged"].astype(bool)]
    declared = [monitor.metrics[name] for name in tests["metric"]]
    effect = tests["effect"].to_numpy(dtype=float)
    sides = {"down": -1, "up": 1, "both": 0}
    side = np.array([sides[metric.worse] for metric in declared])
    is_worse = (side * effect > 0) | ((side == 0) & (effect != 0))
    where = tests["segment"].fillna("") + "=" + tests["segment_value"].fillna("")
    decided = decide_windows(
        monitor,
        tests.assign(
            day=tests["partition_date"],
            series=tests["metric"] + where,
            family="metrics",
            group=np.where(tests["segment"].isna(), "rows", "segments"),
            is_worse=is_worse,
            is_large=is_worse & (np.abs(effect) >= [metric.least_change for metric in declared]),
            # A p-value of one direction is half of that of both.
            sides=np.where(side == 0, 1, 2),
        ),
    )
    return with_decision(rows, decided)
