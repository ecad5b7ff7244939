"""Decides which errors of a monitor's days, realised or estimated, are alarms.

They are alarms under the conditions that a column is one: significant at their family's share of
the day's level, large enough to matter, and new beside the days before. An estimate must also have
a record: of earlier days whose labels have come, the truth must have been inside its interval
nearly as often as it says. Tests are stored when a day is measured and decided here afterwards, so
that another policy, or other days before, decide the same tests again.
"""

import datetime as dt
from collections.abc import Callable, Collection, Sequence

import numpy as np
import pandas as pd
import sqlalchemy as sa
from scipy import special

from driftmeter.alarms.alike_hours import DaysOfHours
from driftmeter.alarms.day_null import (
    LEAST_FREEDOM,
    MOST_CORRELATION,
    MOST_DEVIATIONS,
    USUAL,
    correlation_of_days,
    correlation_within,
    moving_sum,
    tail,
)
from driftmeter.alarms.decision import decide_day
from driftmeter.alarms.event_days import TIMES_USUAL
from driftmeter.alarms.told import clear_of
from driftmeter.alarms.trailing import HISTORY, p_value_of_news
from driftmeter.arrival.labels_due import newest_day
from driftmeter.monitors.baselines import excluded_days
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.hour import Hour
from driftmeter.performance.daily_error import CAPPED_ERROR
from driftmeter.performance.intervals import to_digits
from driftmeter.performance.outcomes import LOSS
from driftmeter.performance.stored_errors import finish
from driftmeter.quality.counts import Floats, Ints
from driftmeter.warehouse.turn import alone

# Name of the metric: how much more wrong a day is than its inputs explain, as a share.
EXCESS = "excess_error"
# A smaller rise of the error, as a share of it, is no incident, however certain it is.
LEAST_RISE = 0.1
# An estimate speaks where no more than this share of labels has come.
FEW_LABELS = 0.5
# Days that are judged together, and their share of a test's level: a day alone finds a step on its
# first day, a month a small loss that lasts (benchmarks/performance.py).
WINDOWS = {1: 0.6, 7: 0.2, 28: 0.2}
# Earlier days that a decision rests on: a window, the baseline before it, and those on which the
# same would have been an alarm.
RESTS_ON = 2 * max(WINDOWS) + HISTORY
# Of the record of an interval at 95%: the share of days inside, and how many must have told
# (benchmarks/performance.py).
LEAST_INSIDE = 0.85
FEWEST_DAYS = 10
TESTS = sa.text(
    "select partition_date as day, metric, kind, model_version, value, lower, reference_value,"
    " expected, deviation, p_value from metrics.performance where monitor = :monitor"
    " and segment is null and p_value is not null and partition_date between :first and :last"
    " order by partition_date, kind, metric, model_version"
)
# The reference's own days, which the first judged ones are held against too.
REFERENCE = sa.text(
    "select partition_date as day, metric, kind, difference, deviation"
    " from metrics.reference_errors"
    " where monitor = :monitor and partition_date <= :last order by 1"
)
# What came true beside what was estimated, and how often days before were inside their interval.
RECORD = sa.text(
    "select realised.label_coverage, count(*) filter (where truth.value is not null) as days,"
    " avg((truth.value between guess.lower and guess.upper)::integer) as share_inside"
    " from metrics.performance as realised"
    " left join metrics.performance as guess on guess.monitor = realised.monitor"
    " and guess.metric = realised.metric and guess.kind = 'estimated' and guess.segment is null"
    " and guess.lower is not null and guess.partition_date < realised.partition_date"
    " left join metrics.performance as truth on truth.monitor = guess.monitor"
    " and truth.partition_date = guess.partition_date and truth.metric = guess.metric"
    " and truth.model_version is not distinct from guess.model_version"
    " and truth.kind = 'realised' and truth.state = 'final' and truth.segment is null"
    " and truth.value is not null"
    " where realised.monitor = :monitor and realised.metric = :metric"
    " and realised.kind = 'realised' and realised.segment is null"
    " and realised.partition_date = :day"
    " and realised.model_version is not distinct from :model_version group by 1"
)
WRITE = sa.text(
    "update metrics.performance set threshold_p = :threshold_p, is_alarm = :is_alarm,"
    " window_days = :window_days, window_p_value = :window_p_value, is_beyond = :is_beyond"
    " where monitor = :monitor and partition_date = :day and metric = :metric and kind = :kind"
    " and segment is null and model_version is not distinct from :model_version"
    " and (threshold_p, is_alarm, window_days, window_p_value, is_beyond) is distinct from"
    " (:threshold_p, :is_alarm, :window_days, :window_p_value, :is_beyond)"
)
WRITTEN = ("threshold_p", "is_alarm", "window_days", "window_p_value", "is_beyond")


def settle_days(engine: sa.Engine, monitor: Monitor, days: Sequence[dt.date]) -> None:
    """Decide what rests on other days too, once days are measured.

    That is which errors are alarms, beside the days before, and which days before have waited long
    enough for their labels to be final.
    """
    with engine.begin() as connection:
        # Two runs would mark the same days in another order, and wait for each other.
        alone(connection, f"settled performance {monitor.name}")
        finish(connection, monitor, newest_day(connection, monitor))
        write_decisions(connection, monitor, min(days), max(days))


def write_decisions(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> None:
    """Decide the stored tests of a span, and of the later days that rest on it, and note it."""
    rows = decided_errors(connection, monitor, first, monitor.cadence.after(last, RESTS_ON))
    if rows.empty:
        return
    keys = ["day", "metric", "kind", "model_version"]
    rows = rows[[*keys, *WRITTEN]].assign(monitor=monitor.name).astype(object)
    connection.execute(WRITE, rows.where(rows.notna(), None).to_dict("records"))


def decided_errors(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """The stored tests of a span's errors, decided by the monitor's policy; writes nothing.

    Returns
    -------
    pandas.DataFrame
        Columns ``day``, ``metric``, ``kind``, ``model_version``, ``threshold_p`` and ``is_alarm``
        among others.
    """
    before = monitor.cadence.after(first, -RESTS_ON)
    asked = {"monitor": monitor.name, "first": before, "last": last}
    tests, reference = (rows_of_query(connection, query, asked) for query in (TESTS, REFERENCE))
    if tests.empty:
        return tests.assign(**{name: [] for name in WRITTEN})
    days = monitor.cadence.batches(tests["day"].min(), tests["day"].max())
    tests = decide_tests(monitor, tests, reference, excluded_days(connection, monitor, days))
    tests = tests[tests["day"] >= first].reset_index(drop=True)
    # An alarm is beyond the reference, too.
    for row in tests[tests["is_beyond"] & (tests["kind"] == "estimated")].itertuples():
        has_record = _has_record(connection, monitor, row)
        tests.loc[row.Index, ["is_alarm", "is_beyond"]] = has_record & row.is_alarm, has_record
    return tests


def decide_tests(
    monitor: Monitor,
    tests: pd.DataFrame,
    reference: pd.DataFrame,
    excluded: Collection[dt.date] = (),
) -> pd.DataFrame:
    """Tests of errors with what is decided of them.

    Parameters
    ----------
    tests : pandas.DataFrame
        Columns ``day``, ``metric``, ``kind`` ('realised' or 'estimated'), ``model_version``,
        ``value``, ``lower``, ``reference_value``, ``expected``, ``deviation`` and the two-sided
        ``p_value``.
    reference : pandas.DataFrame
        Columns ``day``, ``metric``, ``kind``, ``difference`` and ``deviation``, of the reference's
        own days.
    excluded : collection of date
        Days that no trailing baseline may hold.

    Returns
    -------
    pandas.DataFrame
        And of the window that speaks loudest ``window_days``, ``window_p_value`` (two-sided,
        weighed by the window's share), ``trailing_p_value``, ``effect``, the mean difference from
        what was expected, and ``rise``, the share by which its error is beyond that;
        ``threshold_p``, which half of the p-value must not exceed, ``is_beyond``, whether the
        error is beyond the reference, and ``is_alarm``, whether that is new too.
    """
    tests = tests.reset_index(drop=True)
    # The day's error is that of all its versions; what its inputs explain is each version's.
    version = tests["model_version"].where(tests["metric"] != CAPPED_ERROR, None)
    judged = [
        loudest_windows(monitor, series, before, excluded)
        for (kind, metric, _), series in tests.groupby(
            ["kind", "metric", version.rename("of")], dropna=False
        )
        for before in [reference[(reference["kind"] == kind) & (reference["metric"] == metric)]]
    ]
    tests = tests.join(pd.concat(judged))
    # Of a single day the whole interval of an estimate must be above.
    above = tests["lower"].astype(float) > tests["reference_value"].astype(float)
    is_told = (tests["kind"] == "realised") | (tests["window_days"] > 1) | above
    family = tests["kind"].map({"realised": "error", "estimated": "estimate"})
    return decide_windows(
        monitor,
        tests.assign(
            series=tests["kind"],
            family=family,
            group=family,
            # A better model is nobody's incident.
            is_worse=tests["rise"] > 0,
            is_large=(tests["rise"] > LEAST_RISE) & is_told,
            sides=2,
        ),
    )


def decide_windows(monitor: Monitor, tests: pd.DataFrame) -> pd.DataFrame:
    """Each day's loudest windows with what is decided of them, those of one family together.

    Parameters
    ----------
    tests : pandas.DataFrame
        Columns ``day`` and those of `loudest_windows`; ``series``, which an alarm is an alarm of,
        ``family`` and within it ``group``, which share the level (`SHARES`); ``is_worse``, whether
        the difference is of the kind that alarms, ``is_large``, whether it matters, and ``sides``,
        1 or 2: what a two-sided p-value is divided by.

    Returns
    -------
    pandas.DataFrame
        The same with ``threshold_p``, ``is_beyond`` and ``is_alarm``.
    """
    p_values = tests[["window_p_value", "trailing_p_value"]].astype(float)
    beyond, new = (
        np.where(tests["is_worse"], each.max(axis=1) / tests["sides"], 1.0)
        for each in (p_values[["window_p_value"]], p_values)
    )
    groups, is_large = (tests[name].to_numpy() for name in ("group", "is_large"))
    threshold = np.full(len(tests), np.nan)
    is_beyond, is_alarm = np.zeros((2, len(tests)), dtype=bool)
    for (_, family), places in tests.groupby(["day", "family"]).indices.items():
        verdicts = decide_day(monitor, groups[places], new[places], family)
        threshold[places] = verdicts.threshold_p
        is_alarm[places] = verdicts.is_significant & is_large[places]
        is_beyond[places] = (beyond[places] <= verdicts.threshold_p) & is_large[places]
    tests = tests.assign(threshold_p=threshold, is_beyond=is_beyond, is_alarm=is_alarm)
    return tests.assign(is_alarm=is_alarm & ~_is_told(tests, monitor.cadence))


def _is_told(tests: pd.DataFrame, cadence: Cadence) -> "pd.Series[bool]":
    """Several days together that would have been an alarm within a month before: no news."""
    alarmed = tests[tests["is_alarm"]]
    alarms = set(zip(alarmed["series"], alarmed["day"], strict=True))
    known = pd.Series(False, index=tests.index)
    for row in alarmed[alarmed["window_days"] > 1].itertuples():
        known[row.Index] = any(
            (row.series, cadence.after(row.day, -number)) in alarms
            for number in range(1, max(WINDOWS) + 1)
        )
    return known


def loudest_windows(
    monitor: Monitor,
    series: pd.DataFrame,
    before: pd.DataFrame,
    excluded: Collection[dt.date],
    least_rise: float | None = LEAST_RISE,
    at_least: Callable[[int, Floats], Floats] | None = None,
) -> pd.DataFrame:
    """Each day's loudest window: how certain it is, how new, and how large; index of the series.

    Days of a window that are further off than a calm day gets count as such a day: what creeps is
    many small steps, and one wild day must not alarm for a month. A day of a known event is in no
    window, and is judged by itself against a wider deviation.

    Parameters
    ----------
    series : pandas.DataFrame
        Tests of one metric. With a column ``scale`` a known event is expected to move them by a
        share of that, else of what is expected.
    least_rise : float, optional
        A window that rose by no more than this share comes after all that did. None: the most
        certain comes first, whatever it is by.
    at_least : callable, optional
        Given a window's length and the p-values of the series' days, gives those that they have at
        least: of counts whose tails are thicker than a normal's.
    """
    cadence, event_on = monitor.cadence, monitor.event_on
    first = min([*before["day"], *series["day"]])
    days = cadence.batches(first, max(series["day"]))
    places = np.array([cadence.between(first, day) for day in series["day"]])
    earlier = np.array([cadence.between(first, day) for day in before["day"]], dtype=np.int64)
    usual = series["reference_value"].to_numpy(dtype=float)
    of_inputs = series["metric"].iloc[0] == EXCESS
    difference, deviation = (np.full(len(days), np.nan) for _ in range(2))
    difference[earlier], deviation[earlier] = before["difference"], before["deviation"]
    difference[places] = series["value"].to_numpy(float) - series["expected"].to_numpy(float)
    deviation[places] = series["deviation"]
    is_event = np.array([event_on(day) is not None for day in days])
    calm_ones = earlier[~is_event[earlier]]
    reference = [difference[calm_ones], deviation[calm_ones]]
    correlation, count = _correlation(*reference), max(len(calm_ones), 1)
    freedom = count - 1.0
    if cadence.is_hourly and len(calm_ones):
        levels = np.array([cadence.level(days[place]) for place in calm_ones])
        correlation, freedom = _of_whole_days(reference[0], reference[1], levels, correlation)
    p_value = series["p_value"].to_numpy(dtype=float)
    if is_event.any():
        # An excess is a share already.
        usual_size = np.abs(series.get("scale", series["expected"]).to_numpy(dtype=float))
        one = 1.0 if of_inputs else usual_size
        wider = np.hypot(deviation[places], TIMES_USUAL * USUAL * one)
        told = is_event[places]
        deviation[places] = np.where(told, wider, deviation[places])
        of_event = 2 * special.ndtr(-np.abs(difference[places]) / wider)
        p_value = np.where(told, np.fmax(p_value, of_event), p_value)
    calm = np.clip(difference, -MOST_DEVIATIONS * deviation, MOST_DEVIATIONS * deviation)
    calm[is_event] = np.nan
    is_excluded = np.array([day in excluded for day in days]) | is_event
    p_values, quiet = [p_value], cadence.quiet
    means = [difference[places]]
    clear = clear_of(cadence)
    news = [p_value_of_news(difference, deviation, is_excluded, quiet=quiet, clear=clear)]
    for length in list(WINDOWS)[1:]:
        p_value, mean = _of_several_days(calm, deviation, length, count, correlation, freedom)
        p_values.append(p_value[places])
        means.append(mean[places])
        news.append(p_value_of_news(difference, deviation, is_excluded, mean, length, quiet, clear))
    if at_least is not None:
        p_values = [at_least(*of_window) for of_window in zip(WINDOWS, p_values, strict=True)]
    weighed = np.array(p_values) / np.array(list(WINDOWS.values()))[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        of_day = series["value"].to_numpy(float) / usual - 1
        rises = np.array(means) if of_inputs else np.array([of_day, *(np.array(means[1:]) / usual)])
    # A small loss that lasts is certain, and no alarm: it must not hide what alarms.
    order = weighed
    if least_rise is not None:
        order = np.where(rises > least_rise, weighed, 1 + weighed)
    loudest = np.argmin(np.where(np.isfinite(order), order, np.inf), axis=0)
    each = np.arange(len(series))
    lengths = np.array(list(WINDOWS))[loudest]
    trailing = np.array(news)[:, places][loudest, each]
    rise = rises[loudest, each]
    return pd.DataFrame(
        {
            "window_days": lengths,
            # To the digits that do not hang on how many days are decided together.
            "window_p_value": pd.Series(
                map(to_digits, np.minimum(weighed[loudest, each], 1.0)), series.index, float
            ),
            "trailing_p_value": trailing,
            "effect": np.array(means)[loudest, each],
            "rise": rise,
        },
        index=series.index,
    )


def _of_several_days(
    calm: Floats,
    deviation: Floats,
    length: int,
    reference_days: int,
    correlation: float,
    freedom: float,
) -> tuple[Floats, Floats]:
    """Two-sided p-value and mean of each day's last `length` days; NaN where these are few.

    The variance of their sum is that of an autoregressive process of order one, and as much of each
    day's more as the mean of the reference's days lacks.
    """
    known = np.isfinite(calm) & np.isfinite(deviation)
    count, total, variance = (
        moving_sum(np.where(known, daily, 0.0), length)
        for daily in (np.ones(len(calm)), calm, deviation**2)
    )
    mean = total / np.maximum(count, 1)
    within = correlation_within(np.array([correlation]), length)
    inflation = 1 + 2 * float(within[0])
    of_mean = inflation / np.maximum(count, 1)
    spread = variance / np.maximum(count, 1) * (of_mean + inflation / reference_days)
    deviations = mean / np.sqrt(np.where(known, spread, np.nan))
    of_each = np.full(len(calm), max(freedom, LEAST_FREEDOM))
    p_value = tail(deviations, of_each, np.zeros(len(calm)))
    return np.where(known & (count >= length / 2), p_value, np.nan), mean


def _correlation(difference: Floats, deviation: Floats) -> float:
    """How much the error of a reference day goes on to the next; 0 where they are few."""
    if len(difference) < FEWEST_DAYS or not difference.any():
        return 0.0
    standardized = difference / deviation
    found = float((standardized[:-1] * standardized[1:]).sum() / (standardized**2).sum())
    # One standard error more: a little too small a correlation adds up over a window.
    return float(np.clip(found + 1 / np.sqrt(len(difference)), 0, MOST_CORRELATION))


def _of_whole_days(
    difference: Floats, deviation: Floats, levels: Ints, correlation: float
) -> tuple[float, float]:
    """How much an hour's error goes on to the next, and degrees of freedom of several hours.

    Both as far as whole days move, which an hour and the next one do not tell.
    """
    standardized = (difference / deviation)[:, None]
    hours = DaysOfHours.of(standardized, np.isfinite(standardized), levels, np.zeros(1))
    of_days = correlation_of_days(hours.inflation(), hours.hours)
    return max(correlation, float(of_days[0])), float(hours.freedom[0])


def rows_of_query(
    connection: sa.Connection, query: sa.TextClause, asked: dict[str, object]
) -> pd.DataFrame:
    """Rows of a query as a frame, its columns there though it has none."""
    result = connection.execute(query, asked)
    names, rows = list(result.keys()), result.all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=names)
    for place, name in enumerate(names):
        # Hours stay the keys that they are.
        if rows and isinstance(rows[0][place], Hour):
            frame[name] = pd.Series([row[place] for row in rows], frame.index, object)
    return frame


def _has_record(connection: sa.Connection, monitor: Monitor, test: object) -> bool:
    """Whether an estimate may speak: labels do not yet, and it has been right before."""
    record = record_of(connection, monitor, test.day, test.model_version)  # type: ignore[attr-defined]
    if record is None or (record.label_coverage or 0) >= FEW_LABELS:
        return False
    # Where no label has come yet, the reference's own days are the record: intervals are as wide
    # as it takes to hold them.
    return record.days == 0 or (
        record.days >= FEWEST_DAYS and float(record.share_inside or 0) >= LEAST_INSIDE
    )


def record_of(
    connection: sa.Connection, monitor: Monitor, day: dt.date, version: str | None
) -> "sa.Row[tuple[float | None, int, float | None]] | None":
    """Label coverage of a day, and how many days before told, and which share was inside."""
    asked = {"monitor": monitor.name, "metric": LOSS[monitor.task], "day": day}
    return connection.execute(RECORD, {**asked, "model_version": version}).one_or_none()
