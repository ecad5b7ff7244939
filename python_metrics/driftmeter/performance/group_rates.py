"""Statistics of each group of a protected column beside all other rows, from counts of a day.

Of a classifier they are the rates of Hardt, Price and Srebro ("Equality of opportunity in
supervised learning", 2016) and calibration: the share of rows that are predicted positive, that
share among rows whose outcome is positive and among those whose outcome is negative, and the mean
predicted probability less the share of positives. Of a regression they are the mean prediction and
the mean error. Rows without a group count for none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from driftmeter.monitors.config import Monitor
from driftmeter.performance.proportions import difference_interval, ratio_interval
from driftmeter.performance.stored_verdicts import least_rows
from driftmeter.quality.counts import Floats

SELECTION, TRUE_POSITIVE, FALSE_POSITIVE = (
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
)
CALIBRATION, PREDICTION, ERROR = "calibration", "mean_prediction", "mean_error"
RATES = (SELECTION, TRUE_POSITIVE, FALSE_POSITIVE)
STATISTICS = {
    "classification": (*RATES, CALIBRATION),
    "regression": (PREDICTION, ERROR),
}
# What is known without a label.
OF_PREDICTIONS = (SELECTION, PREDICTION)
# The group of rows whose protected column is empty.
MISSING = "(missing)"
COUNTS = (
    "row_count", "predicted_count", "labelled_count", "selected_count", "true_positive",
    "false_positive", "false_negative", "true_negative",
)  # fmt: skip
MEANS = ("prediction_mean", "prediction_deviation", "error_mean", "error_deviation")
COMPARED = [
    "partition_date", "column_name", "group_value", "metric", "row_count", "other_count", "value",
    "other_value", "difference", "lower", "upper", "ratio", "ratio_lower", "ratio_upper", "hits",
    "other_hits", "offset", "square", "other_square",
]  # fmt: skip


@dataclass(frozen=True)
class GroupSide:
    """One statistic on each day, of one group or of all other rows; arrays of shape (days, groups).

    Attributes
    ----------
    rows : array of float
        That it is a mean of.
    total, square : array of float
        Sum of what it is a mean of, and of its squares.
    hits : array of float
        Rows that are predicted positive, or whose outcome is positive; 0 of a regression.
    """

    rows: Floats
    total: Floats
    square: Floats
    hits: Floats

    @property
    def mean(self) -> Floats:
        """NaN over no rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mean: Floats = np.where(self.rows > 0, self.total / self.rows, np.nan)
        return mean

    @property
    def of_others(self) -> "GroupSide":
        """Of each group all rows of the other ones."""
        parts = (self.rows, self.total, self.square, self.hits)
        rows, total, square, hits = (part.sum(axis=1, keepdims=True) - part for part in parts)
        return GroupSide(rows, total, np.maximum(square, 0.0), hits)

    def mean_variance(self) -> Floats:
        """Sampling variance of the mean; NaN of fewer than two rows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            of_rows = np.maximum(self.square / self.rows - self.mean**2, 0.0)
            variance: Floats = np.where(self.rows > 1, of_rows / (self.rows - 1), np.nan)
        return variance


def compare_groups(monitor: Monitor, counts: pd.DataFrame) -> pd.DataFrame:
    """Every statistic of each group and day beside that of the other groups' rows.

    Parameters
    ----------
    counts : pandas.DataFrame
        Rows of ``metrics.group_counts`` of one monitor. A day without rows may have none, or one
        without a group. A group that a day has no row of gets a row all the same.

    Returns
    -------
    pandas.DataFrame
        Columns `COMPARED`. ``lower`` and ``upper`` are the 95% interval of the difference of two
        rates (Newcombe 1998), or of two means (Welch 1947). Of selection rates ``ratio`` is that to
        the highest one, with Miettinen and Nurminen's interval (1985). ``offset`` is what the
        difference of two shares of ``hits`` has beside the difference of the statistic: 0 of a
        rate, and of calibration the difference of the mean predicted probabilities.
    """
    parts = [
        _of_column(monitor, str(name), of_column)
        for name, of_column in counts[counts["group_value"].notna()].groupby("column_name")
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COMPARED)


def _of_column(monitor: Monitor, name: str, counts: pd.DataFrame) -> pd.DataFrame:
    known = counts[counts["group_value"] != MISSING]
    days = np.array(sorted(counts["partition_date"].unique()), dtype=object)
    groups = sorted(known["group_value"].unique())
    if not groups:
        return pd.DataFrame(columns=COMPARED)
    index = pd.MultiIndex.from_product([days, groups], names=["partition_date", "group_value"])
    grid = known.set_index(["partition_date", "group_value"])[[*COUNTS, *MEANS]].astype(float)
    grid = grid.reindex(index).fillna(0.0)
    table = {column: grid[column].to_numpy().reshape(len(days), len(groups)) for column in grid}
    return pd.concat(
        [
            _long(monitor, metric, days, groups, side_of(metric, table)).assign(column_name=name)
            for metric in STATISTICS[monitor.task]
        ]
    )[COMPARED]


def side_of(metric: str, table: Mapping[str, Floats]) -> GroupSide:
    """One statistic's rows and sums, from counts by day and group."""
    positive = table["true_positive"] + table["false_negative"]
    negative = table["false_positive"] + table["true_negative"]
    if metric in RATES:
        rows, hits = {
            SELECTION: (table["predicted_count"], table["selected_count"]),
            TRUE_POSITIVE: (positive, table["true_positive"]),
            FALSE_POSITIVE: (negative, table["false_positive"]),
        }[metric]
        return GroupSide(rows, hits, hits, hits)
    rows = table["predicted_count" if metric == PREDICTION else "labelled_count"]
    kind = "prediction" if metric == PREDICTION else "error"
    mean, deviation = table[f"{kind}_mean"], table[f"{kind}_deviation"]
    hits = positive if metric == CALIBRATION else np.zeros_like(rows)
    return GroupSide(rows, rows * mean, rows * (deviation**2 + mean**2), hits)


def _long(
    monitor: Monitor, metric: str, days: Floats, groups: list[str], side: GroupSide
) -> pd.DataFrame:
    others = side.of_others
    difference = side.mean - others.mean
    lower, upper = (
        difference_interval(side.hits, side.rows, others.hits, others.rows)
        if metric in RATES
        else welch_interval(side, others)
    )
    offset = np.zeros_like(difference)
    if metric == CALIBRATION:
        with np.errstate(divide="ignore", invalid="ignore"):
            offset = difference + side.hits / side.rows - others.hits / others.rows
    ratio, ratio_lower, ratio_upper = np.full((3, *difference.shape), np.nan)
    if metric == SELECTION:
        ratio, ratio_lower, ratio_upper = _ratio_to_highest(monitor, side)
    shape = difference.shape
    columns = {
        "partition_date": np.repeat(days, shape[1]),
        "group_value": np.tile(np.array(groups, dtype=object), shape[0]),
        "row_count": side.rows,
        "other_count": others.rows,
        "value": side.mean,
        "other_value": others.mean,
        "difference": difference,
        "lower": lower,
        "upper": upper,
        "ratio": ratio,
        "ratio_lower": ratio_lower,
        "ratio_upper": ratio_upper,
        "hits": side.hits,
        "other_hits": others.hits,
        "offset": offset,
        "square": side.square,
        "other_square": others.square,
    }
    return pd.DataFrame({name: np.ravel(values) for name, values in columns.items()}).assign(
        metric=metric
    )


def welch_interval(side: GroupSide, others: GroupSide) -> tuple[Floats, Floats]:
    """95% interval of the difference of two means (Welch 1947)."""
    own, other = side.mean_variance(), others.mean_variance()
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (own + other) ** 2 / (
            own**2 / (side.rows - 1) + other**2 / (others.rows - 1)
        )  # of Satterthwaite
        reach = special.stdtrit(freedom, 0.975) * np.sqrt(own + other)
    # Two constants do not vary.
    reach = np.where((own + other) == 0, 0.0, reach)
    difference = side.mean - others.mean
    return difference - reach, difference + reach


def _ratio_to_highest(monitor: Monitor, side: GroupSide) -> tuple[Floats, Floats, Floats]:
    """Each day's rates over the highest of a group with enough rows, with the 95% interval."""
    least = np.array([least_rows(monitor, of_group) for of_group in side.rows.T])
    rates = np.where(side.rows >= least, side.mean, -np.inf)
    highest = np.argmax(rates, axis=1)[:, None]
    count, rows = (np.take_along_axis(each, highest, axis=1) for each in (side.hits, side.rows))
    is_known = np.isfinite(rates.max(axis=1, keepdims=True)) & (side.rows > 0) & (count > 0)
    is_itself = np.arange(rates.shape[1]) == highest
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(is_known, side.mean / (count / rows), np.nan)
    lower, upper = ratio_interval(side.hits, side.rows, count, rows)
    has_interval = is_known & ~is_itself
    upper = np.where(np.isfinite(upper), upper, np.nan)
    return ratio, np.where(has_interval, lower, np.nan), np.where(has_interval, upper, np.nan)
