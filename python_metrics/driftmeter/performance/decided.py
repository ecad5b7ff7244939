"""Decides which errors of a monitor's days, realised or estimated, are alarms.

They are alarms under the conditions that a column is one: significant at their family's share of
the day's level, large enough to matter, and new beside the days before. An estimate must also have
a record: of earlier days whose labels have come, the truth must have been inside its interval
nearly as often as it says. Tests are stored when a day is measured and decided here afterwards, so
that another policy, or other days before, decide the same tests again.
"""

import datetime as dt
from collections.abc import Collection

import numpy as np
import pandas as pd
import sqlalchemy as sa

from driftmeter.alarms.decision import decide, level_of
from driftmeter.alarms.trailing import HISTORY, p_value_of_news
from driftmeter.monitors.baselines import excluded_days
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import every_day
from driftmeter.performance.daily_error import CAPPED_ERROR
from driftmeter.quality.counts import Floats

# Name of the metric: how much more wrong a day is than its inputs explain, as a share.
EXCESS = "excess_error"
# The metric whose estimate may be an alarm, and whose realised value tells how large an error is.
LOSS = {"regression": "mae", "classification": "brier"}
# A smaller rise of the error, as a share of it, is no incident, however certain it is.
LEAST_RISE = 0.1
# An estimate speaks where no more than this share of labels has come.
FEW_LABELS = 0.5
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
    "select partition_date as day, metric, kind, difference from metrics.reference_errors"
    " where monitor = :monitor and partition_date between :first and :last"
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
    "update metrics.performance set threshold_p = :threshold_p, is_alarm = :is_alarm"
    " where monitor = :monitor and partition_date = :day and metric = :metric and kind = :kind"
    " and segment is null and model_version is not distinct from :model_version"
    " and (threshold_p, is_alarm) is distinct from (:threshold_p, :is_alarm)"
)


def write_decisions(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> None:
    """Decide the stored tests of a span, and of the later days that rest on it, and note it."""
    rows = decided_errors(connection, monitor, first, last + HISTORY)
    if rows.empty:
        return
    keys = ["day", "metric", "kind", "model_version", "threshold_p", "is_alarm"]
    rows = rows[keys].assign(monitor=monitor.name).astype(object)
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
    before = first - HISTORY if first > dt.date.min + HISTORY else first
    asked = {"monitor": monitor.name, "first": before, "last": last}
    tests, reference = (_frame(connection, query, asked) for query in (TESTS, REFERENCE))
    if tests.empty:
        return tests.assign(threshold_p=[], is_alarm=[])
    days = every_day(tests["day"].min(), tests["day"].max())
    tests = decide_tests(monitor, tests, reference, excluded_days(connection, monitor, days))
    tests = tests[tests["day"] >= first].reset_index(drop=True)
    for row in tests[tests["is_alarm"] & (tests["kind"] == "estimated")].itertuples():
        tests.loc[row.Index, "is_alarm"] = _has_record(connection, monitor, row)
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
        Columns ``day``, ``metric``, ``kind`` and ``difference``, of the reference's own days.
    excluded : collection of date
        Days that no trailing baseline may hold.

    Returns
    -------
    pandas.DataFrame
        And ``rise``, the share by which an error is beyond what was expected,
        ``trailing_p_value``, ``threshold_p``, which half of the p-value must not exceed, and
        ``is_alarm``.
    """
    of_inputs = (tests["metric"] == EXCESS).to_numpy()
    value, expected = (tests[name].to_numpy(dtype=float) for name in ("value", "reference_value"))
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = np.where(of_inputs, value, value / expected - 1)
    tests = tests.assign(rise=rise, trailing_p_value=np.nan, threshold_p=np.nan, is_alarm=False)
    # The day's error is that of all its versions; what its inputs explain is each version's.
    version = tests["model_version"].where(tests["metric"] != CAPPED_ERROR, None)
    for (kind, metric, _), series in tests.groupby(
        ["kind", "metric", version.rename("of")], dropna=False
    ):
        before = reference[(reference["kind"] == kind) & (reference["metric"] == metric)]
        tests.loc[series.index, "trailing_p_value"] = _trailing_p(series, before, excluded)
    p_value = np.fmax(tests["p_value"], tests["trailing_p_value"]).to_numpy(dtype=float)
    # A better model is nobody's incident.
    one_sided = np.where(rise > 0, p_value / 2, 1.0)
    is_large = rise > LEAST_RISE
    for (_, kind), places in tests.reset_index(drop=True).groupby(["day", "kind"]).groups.items():
        family = "error" if kind == "realised" else "estimate"
        shares = np.full(len(places), 1 / len(places))
        verdicts = decide(one_sided[places], shares, level_of(monitor, family))
        rows = tests.index[places]
        tests.loc[rows, "threshold_p"] = verdicts.threshold_p
        tests.loc[rows, "is_alarm"] = verdicts.is_significant & is_large[places]
    whole_is_above = tests["lower"].astype(float) > tests["reference_value"].astype(float)
    tests["is_alarm"] &= (tests["kind"] == "realised") | whole_is_above
    return tests


def _trailing_p(
    series: pd.DataFrame, before: pd.DataFrame, excluded: Collection[dt.date]
) -> Floats:
    """P-value of each day's error beside the days before it; shape (tests,)."""
    differences = dict(zip(before["day"], before["difference"], strict=True))
    differences |= dict(zip(series["day"], series["value"] - series["expected"], strict=True))
    days = every_day(min(differences), max(series["day"]))
    difference = np.array([differences.get(day, np.nan) for day in days], dtype=float)
    places = [(day - days[0]).days for day in series["day"]]
    deviation = np.full(len(days), np.nan)
    deviation[places] = series["deviation"]
    is_excluded = np.array([day in excluded for day in days])
    p_value: Floats = p_value_of_news(difference, deviation, is_excluded)[places]
    return p_value


def _frame(
    connection: sa.Connection, query: sa.TextClause, asked: dict[str, object]
) -> pd.DataFrame:
    result = connection.execute(query, asked)
    return pd.DataFrame(result.mappings().all(), columns=list(result.keys()))


def _has_record(connection: sa.Connection, monitor: Monitor, test: object) -> bool:
    """Whether an estimate may speak: labels do not yet, and it has been right before."""
    record = record_of(connection, monitor, test.day, test.model_version)  # type: ignore[attr-defined]
    return record is not None and (
        (record.label_coverage or 0) < FEW_LABELS
        and record.days >= FEWEST_DAYS
        and float(record.share_inside or 0) >= LEAST_INSIDE
    )


def record_of(
    connection: sa.Connection, monitor: Monitor, day: dt.date, version: str | None
) -> "sa.Row[tuple[float | None, int, float | None]] | None":
    """Label coverage of a day, and how many days before told, and which share was inside."""
    asked = {"monitor": monitor.name, "metric": LOSS[monitor.task], "day": day}
    return connection.execute(RECORD, {**asked, "model_version": version}).one_or_none()
