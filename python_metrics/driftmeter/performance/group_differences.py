"""Decides on which days groups that must be treated alike are less alike than in the reference.

A group's statistic less that of all other rows is a difference whose sampling noise follows from
the rows of both, so that it has a day null as a column's statistic has. Of rates a tail that holds
at small counts goes beside it. Then a difference is judged as an error is (`decided`): over a day,
a week and four weeks, significant at its family's share of the day's level, large enough, and new.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from scipy import special

from driftmeter.alarms.day_null import USUAL, fit_day_null, judge_days, moving_sum
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS, MOST_GROUPS
from driftmeter.performance.decided import decide_windows, loudest_windows, rows_of_query
from driftmeter.performance.group_rates import (
    CALIBRATION,
    COUNTS,
    FALSE_POSITIVE,
    MEANS,
    MISSING,
    OF_PREDICTIONS,
    PREDICTION,
    RATES,
    TRUE_POSITIVE,
    compare_groups,
)
from driftmeter.performance.proportions import exact_p_value
from driftmeter.performance.stored_verdicts import (
    VerdictTable,
    in_reference,
    least_rows,
    waits_for_labels,
    with_decision,
)
from driftmeter.quality.counts import Floats

KEYS = ("partition_date", "column_name", "group_value", "metric")
OF_DAY = (
    "value", "other_value", "difference", "lower", "upper", "ratio", "ratio_lower", "ratio_upper",
)  # fmt: skip
FIGURES = ("expected", "deviation", "p_value", "window_p_value", "threshold_p")
TYPES = {
    "partition_date": pa.date32(),
    **dict.fromkeys(("column_name", "group_value", "metric"), pa.string()),
    **dict.fromkeys(("row_count", "other_count"), pa.int64()),
    **dict.fromkeys((*OF_DAY, *FIGURES), pa.float64()),
    "window_days": pa.int64(),
    **dict.fromkeys(("is_beyond", "is_alarm"), pa.bool_()),
    "reason": pa.string(),
}
VERDICTS = VerdictTable("metrics.group_verdicts", TYPES, keys=len(KEYS))
READ = sa.text(
    "select counts.partition_date, counts.column_name, counts.group_value,"
    f" {', '.join(f'counts.{name}' for name in (*COUNTS, *MEANS))},"
    " days.row_count as day_rows, days.labelled_count as day_labelled"
    " from metrics.group_counts as counts"
    " left join metrics.partitions as days using (monitor, partition_date)"
    " where counts.monitor = :monitor and counts.column_name = any(:columns)"
    " and (days.monitor is not null or counts.partition_date between :first and :last)"
    " order by 2, 3 nulls first, 1"
)
# What a decision has beside what is stored: of the window that speaks loudest the mean difference
# from what is expected, and both values over its days.
OF_WINDOW = ("effect", "window_value", "window_other_value")
# What a rate is a share of, where that is not every row.
COUNTED = {
    TRUE_POSITIVE: "rows with a positive outcome",
    FALSE_POSITIVE: "rows with a negative one",
}
# Counts of both sides of a day, which add up over several.
SUMMED = ("hits", "row_count", "other_hits", "other_count")
# A p-value above this is no alarm's, whatever an exact test says.
NO_ALARM = 0.05
# The least variance of one row, so that a constant has a null too.
LEAST_VARIANCE = 1e-12


def judge_groups(
    connection: sa.Connection, monitor: Monitor, excluded: Collection[dt.date] = ()
) -> pd.DataFrame:
    """Every group of a monitor on every day, with what is decided of it; writes nothing."""
    first, last = monitor.reference_span
    asked = {"columns": list(monitor.protected), "first": first, "last": last}
    counts = pd.DataFrame()
    if monitor.protected:
        counts = rows_of_query(connection, READ, {"monitor": monitor.name, **asked})
    return decide_groups(monitor, counts, excluded)


def decide_groups(
    monitor: Monitor, counts: pd.DataFrame, excluded: Collection[dt.date] = ()
) -> pd.DataFrame:
    """Groups of each day with what is decided of them.

    Parameters
    ----------
    counts : pandas.DataFrame
        Rows of ``metrics.group_counts``, the reference's days among them, with ``day_rows`` and
        ``day_labelled`` of the whole day, null of one that was not measured.
    excluded : collection of date
        Days that no trailing baseline may hold.

    Returns
    -------
    pandas.DataFrame
        Columns `TYPES` and `OF_WINDOW`.
    """
    compared = compare_groups(monitor, counts) if len(counts) else pd.DataFrame()
    if compared.empty:
        return pd.DataFrame(columns=[*TYPES, *OF_WINDOW])
    by_day = counts.groupby("partition_date")[["day_rows", "day_labelled"]].first()
    by_day = by_day.astype(float).set_axis(["rows", "labelled_count"], axis=1)
    compared = compared.join(by_day, on="partition_date").assign(
        reason=None, is_judged=False, window_days=pd.NA,
        **dict.fromkeys((*FIGURES, *OF_WINDOW, "trailing_p_value"), np.nan),
    )  # fmt: skip
    # A day without rows is said in the partition's own row.
    compared = compared[_has_rows(compared)]
    chosen = _chosen(monitor, counts)
    parts = [
        _judged(monitor, series.copy(), chosen[name], excluded)
        for (name, *_), series in compared.groupby(["column_name", "group_value", "metric"])
    ]
    return _decided(monitor, pd.concat(parts).sort_values([*KEYS], ignore_index=True))


def _has_rows(compared: pd.DataFrame) -> "pd.Series[bool]":
    """Whether the day has a row of any group."""
    has_any = compared["row_count"] + compared["other_count"] > 0
    return has_any.groupby([compared["partition_date"], compared["column_name"]]).transform("any")


@dataclass(frozen=True)
class ChosenGroups:
    """Groups of a column that are judged.

    Attributes
    ----------
    known : collection of str
        That the reference has a row of.
    judged : collection of str
        Those with the most rows; of two groups the smaller one, for what they differ by is the
        same.
    """

    known: Collection[str]
    judged: Collection[str]


def _chosen(monitor: Monitor, counts: pd.DataFrame) -> dict[str, ChosenGroups]:
    of_reference = counts[in_reference(monitor, counts["partition_date"])]
    of_reference = of_reference[of_reference["group_value"].notna()]
    chosen = dict.fromkeys(map(str, counts["column_name"].unique()), ChosenGroups((), ()))
    for name, of_column in of_reference.groupby("column_name"):
        rows = of_column.groupby("group_value")["row_count"].sum().drop(MISSING, errors="ignore")
        names = sorted(rows[rows > 0].index, key=lambda group: (-rows[group], group))
        judged = names[1:] if len(names) == 2 else names[:MOST_GROUPS]
        chosen[str(name)] = ChosenGroups(names, judged if len(names) > 1 else ())
    return chosen


def _judged(
    monitor: Monitor, rows: pd.DataFrame, choice: ChosenGroups, excluded: Collection[dt.date]
) -> pd.DataFrame:
    """One statistic of one group, beside its reference days."""
    metric, group = rows["metric"].iloc[0], rows["group_value"].iloc[0]
    is_reference = in_reference(monitor, rows["partition_date"])
    if group not in choice.judged:
        return rows.assign(reason=_why_not(choice, group))
    counts = rows[["row_count", "other_count"]].to_numpy(dtype=float)
    least = np.array([least_rows(monitor, side[is_reference]) for side in counts.T])
    is_enough = (counts >= least).all(axis=1) & np.isfinite(rows["difference"].to_numpy(float))
    is_usual = is_reference & is_enough
    usual = rows[is_usual]
    if len(usual) < LEAST_DAYS:
        have = monitor.cadence.counted(len(usual))
        too_few = (
            f"{have} of the reference period have rows of it and of the others, and {LEAST_DAYS}"
            " are needed. Widen `reference` in its YAML"
        )
        return rows.assign(reason=too_few)
    counted = COUNTED.get(metric, "rows")
    few = [
        f"{found:,.0f} {counted} of the {side}, and it takes {np.ceil(needed):,.0f}"
        for found, needed, side in (
            (own, least[0], "group") if own < least[0] else (other, least[1], "others")
            for own, other in counts
        )
    ]
    rows["reason"] = pd.Series(few, rows.index, dtype=object).where(~is_enough, None)
    waits = np.zeros(len(rows), dtype=bool)
    if metric not in OF_PREDICTIONS:
        waits = waits_for_labels(monitor, rows).to_numpy() & ~is_usual
        rows.loc[waits, "reason"] = "labels are due later"
    null = DifferenceNull(monitor, rows, usual)
    known = rows[is_enough]
    rows.loc[known.index, ["expected", "deviation", "p_value"]] = null.judge(known)
    rows["is_judged"] = is_enough & ~waits & ~is_reference
    tests = rows[rows["is_judged"].to_numpy(dtype=bool)]
    if tests.empty:
        return rows
    before = rows[is_usual].assign(difference=rows["difference"] - rows["expected"])
    days = {"partition_date": "day"}
    summed = SummedWindows(monitor, rows[is_enough & ~waits], tests)
    windows = loudest_windows(
        monitor,
        tests.assign(
            reference_value=tests["expected"], value=tests["difference"], scale=null.scale
        ).rename(columns=days),
        before.rename(columns=days),
        excluded,
        least_rise=None,
        at_least=summed.at_least,
    )
    for name in ("window_days", "window_p_value", "trailing_p_value", "effect"):
        rows.loc[tests.index, name] = windows[name]
    rows.loc[tests.index, ["window_value", "window_other_value"]] = summed.values(windows)
    return rows


def _why_not(choice: ChosenGroups, group: str) -> str | None:
    """Why a group is not judged; None of the other one of two, with which it is."""
    if group not in choice.known:
        return "the reference period has no row of it"
    if len(choice.known) == 1:
        return "the reference period has no other group"
    if len(choice.known) > MOST_GROUPS:
        return f"only the {MOST_GROUPS} groups with the most rows are judged"
    return None


class DifferenceNull:
    """The day null of one difference.

    Parameters
    ----------
    rows, usual : pandas.DataFrame
        All days of the statistic, and those of the reference that have enough rows.
    """

    def __init__(self, monitor: Monitor, rows: pd.DataFrame, usual: pd.DataFrame) -> None:
        self.monitor, self.metric = monitor, rows["metric"].iloc[0]
        self.variance = [
            self._variance(usual, *names)
            for names in (
                ("row_count", "value", "hits", "square"),
                ("other_count", "other_value", "other_hits", "other_square"),
            )
        ]
        total = sum(self.variance)
        values = usual["difference"].to_numpy(dtype=float)
        self.null = fit_day_null(
            values[:, None],
            self._rows(usual)[:, None],
            np.array([total]),
            self._weekdays(usual),
            prior=np.array([(USUAL * self.scale) ** 2]),
            levels=self.monitor.cadence.levels,
        )

    @property
    def scale(self) -> float:
        """The standard deviation of a row, by which events and unknown days are measured."""
        return float(np.sqrt(sum(self.variance) / 2))

    def judge(self, days: pd.DataFrame) -> Floats:
        """What is expected of days, the deviation of a calm one, and p-values; shape (days, 3)."""
        judged = judge_days(
            self.null,
            days["difference"].to_numpy(dtype=float),
            self._rows(days),
            self._weekdays(days),
        )
        p_value = judged.p_value.copy()
        for place in np.flatnonzero(p_value < NO_ALARM):
            row = days.iloc[place]
            p_value[place] = max(p_value[place], exact_of(self.metric, row, judged.expected[place]))
        return np.column_stack([judged.expected, judged.deviation, p_value])

    def _variance(self, usual: pd.DataFrame, rows: str, mean: str, hits: str, square: str) -> float:
        """Of one row in the reference; of a rate half a row more than was seen, on either side."""
        count = usual[rows].sum()
        if self.metric in RATES:
            share = (usual[hits].sum() + 0.5) / (count + 1)
            return float(share * (1 - share))
        of_all = (usual[rows] * usual[mean]).sum() / count
        return float(max(usual[square].sum() / count - of_all**2, LEAST_VARIANCE))

    def _rows(self, days: pd.DataFrame) -> Floats:
        """As many rows as a mean with the variance of both has the noise of the difference."""
        own, other = self.variance
        counts = days["row_count"].to_numpy(float), days["other_count"].to_numpy(float)
        noise: Floats = own / counts[0] + other / counts[1]
        return (own + other) / noise

    def _weekdays(self, days: pd.DataFrame) -> "np.typing.NDArray[np.int64]":
        level = self.monitor.cadence.level
        return np.array([level(day) for day in days["partition_date"]], dtype=np.int64)


def exact_of(metric: str, row: "pd.Series[float]", expected: float) -> float:
    """P-value of a day's or a window's counts that holds where they are small; 0 of means."""
    if metric not in (*RATES, CALIBRATION):
        return 0.0
    hits, rows, other_hits, other_rows = (float(row[name]) for name in SUMMED)
    # Of calibration: positives, whose share should differ by what predictions do.
    of_shares = float(row["offset"]) - expected if metric == CALIBRATION else expected
    return exact_p_value(hits, rows, other_hits, other_rows, of_shares)


class SummedWindows:
    """Values and exact p-values of windows, from counts over their days.

    Parameters
    ----------
    known, tests : pandas.DataFrame
        Days with enough rows, in order, and those of them that are judged.
    """

    def __init__(self, monitor: Monitor, known: pd.DataFrame, tests: pd.DataFrame) -> None:
        self.monitor, self.known, self.tests = monitor, known, tests
        self._summed: dict[int, pd.DataFrame] = {}

    def of_length(self, length: int) -> pd.DataFrame:
        """`sums_of_windows` of so many days, summed once."""
        if length not in self._summed:
            self._summed[length] = sums_of_windows(self.monitor, self.known, length)
        return self._summed[length]

    def at_least(self, length: int, p_values: Floats) -> Floats:
        """P-values of windows of so many days, no smaller than the exact ones."""
        places = np.flatnonzero(p_values < NO_ALARM)
        if length == 1 or not len(places) or self.known["metric"].iloc[0] == PREDICTION:
            # That of a day is exact by now.
            return p_values
        held: Floats = p_values.copy()
        summed = self.of_length(length)
        for place in places:
            row = summed.loc[self.tests["partition_date"].iloc[place]]
            exact = exact_of(self.known["metric"].iloc[0], row, float(row["expected"]))
            held[place] = max(held[place], exact)
        return held

    def values(self, windows: pd.DataFrame) -> Floats:
        """Both values over the days of each test's window; shape (tests, 2).

        Parameters
        ----------
        windows : pandas.DataFrame
            Column ``window_days``, by the index of the tests.
        """
        values = np.full((len(self.tests), 2), np.nan)
        lengths = windows.loc[self.tests.index, "window_days"].to_numpy(dtype=float)
        for length in np.unique(lengths[np.isfinite(lengths)]).astype(int):
            places = np.flatnonzero(lengths == length)
            days = self.tests["partition_date"].iloc[places]
            values[places] = self.of_length(length).loc[days, ["value", "other_value"]].to_numpy()
        return values


def sums_of_windows(monitor: Monitor, known: pd.DataFrame, length: int) -> pd.DataFrame:
    """Counts over the last days up to each day, and means of what is expected; by day."""
    cadence = monitor.cadence
    first, last = known["partition_date"].min(), known["partition_date"].max()
    days = cadence.batches(first, last)
    weighed = known.assign(
        own=known["row_count"] * known["value"],
        other=known["other_count"] * known["other_value"],
        offset=known["row_count"] * known["offset"],
        expected=known["row_count"] * known["expected"],
    )
    names = [*SUMMED, "own", "other", "offset", "expected"]
    by_day = weighed.set_index("partition_date")[names].astype(float).reindex(days).fillna(0.0)
    sums = {name: moving_sum(by_day[name].to_numpy(), length) for name in names}
    with np.errstate(divide="ignore", invalid="ignore"):
        sums["value"] = sums["own"] / sums["row_count"]
        sums["other_value"] = sums["other"] / sums["other_count"]
        for name in ("offset", "expected"):
            sums[name] = sums[name] / sums["row_count"]
    return pd.DataFrame(sums, index=pd.Index(days, name="partition_date"))


def _sides(p_value: Floats, effect: Floats, expected: Floats) -> Floats:
    """What a two-sided p-value is divided by, since groups that become more alike alarm nobody.

    It is 1 where the groups were alike, for then both directions are worse, and nearly 2 where they
    were far apart: the other direction is worse only from beyond the mirrored difference on, by the
    tail of a normal.
    """
    deviations = -special.ndtri(np.clip(p_value, 1e-300, 1) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        mirrored = deviations * (1 + 2 * np.abs(expected) / np.abs(effect))
        sides: Floats = 2 / (1 + special.ndtr(-mirrored) / special.ndtr(-deviations))
    return np.where(np.isfinite(sides), sides, 1.0)


def least_change(monitor: Monitor, rows: pd.DataFrame, metric: str) -> float:
    """The smallest change of a difference that matters: a share of rows, or of a mean in its unit.

    Parameters
    ----------
    rows : pandas.DataFrame
        All days of all groups.
    """
    if metric in (*RATES, CALIBRATION):
        return monitor.least_effect.share
    is_reference = in_reference(monitor, rows["partition_date"])
    usual = rows[is_reference & (rows["metric"] == metric) & (rows["row_count"] > 0)]
    count = usual["row_count"].sum()
    mean = (usual["row_count"] * usual["value"]).sum() / count
    spread = np.sqrt(max(usual["square"].sum() / count - mean**2, 0.0))
    return float(monitor.least_effect.shift * spread)


def _decided(monitor: Monitor, rows: pd.DataFrame) -> pd.DataFrame:
    """Groups of all columns, in order, the judged ones day by day at the family's level."""
    tests = rows[rows["is_judged"].astype(bool)]
    effect, expected = (tests[name].to_numpy(dtype=float) for name in ("effect", "expected"))
    # Groups that become more alike are nobody's incident.
    is_worse = np.abs(expected + effect) > np.abs(expected)
    by_metric = {metric: least_change(monitor, rows, metric) for metric in tests["metric"].unique()}
    least = tests["metric"].map(by_metric).to_numpy(dtype=float)
    decided = decide_windows(
        monitor,
        tests.assign(
            day=tests["partition_date"],
            series=tests["column_name"] + "=" + tests["group_value"] + ":" + tests["metric"],
            family="groups",
            group="groups",
            is_worse=is_worse,
            is_large=is_worse & (np.abs(effect) >= least),
            sides=_sides(tests["window_p_value"].to_numpy(dtype=float), effect, expected),
        ),
    )
    return with_decision(rows, decided)
