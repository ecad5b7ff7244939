"""Labels that are missing after `label_delay_days`, where the reference's had come.

They are late while no later day has its own. Once one has, they are values that are missing: a
flight that was cancelled never gets a delay.
"""

import datetime as dt
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa

from driftmeter.arrival.labels_due import last_due, newest_day
from driftmeter.incidents.breach import Breach, Kind
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import counted_days

# Of every day with rows whether its labels are overdue: more of them are missing than the
# reference's days allow. Labels that are not due yet are not judged.
OVERDUE = sa.text(
    "select days.partition_date as day, verdict.observed, verdict.expected,"
    " verdict.monitor is not null as is_judged, coalesce(verdict.is_drifted, false) as is_new,"
    " coalesce(verdict.statistic = 'missing' and verdict.observed > verdict.expected"
    " and (verdict.is_drifted or verdict.is_slow), false) as is_overdue"
    " from metrics.partitions as days left join metrics.drift as verdict"
    " on verdict.monitor = days.monitor and verdict.partition_date = days.partition_date"
    " and verdict.column_name = :target and verdict.segment is null"
    " and verdict.method = 'day_level' and verdict.status = 'ok'"
    " where days.monitor = :monitor and days.row_count > 0 order by 1"
)


# Share of missing labels from which on nobody asks which ones came.
NEARLY_ALL = 0.95


@dataclass(frozen=True)
class LateLabels:
    """A day with overdue labels, and the days in a row that it is one of.

    Attributes
    ----------
    day : date
    first, last : date
        Of the days in a row.
    days_late : int
        How long ago the labels of the first were due; 0 where a later day has its own.
    missing, expected : float
        Share of the day's labels that are missing, and of such a reference day's.
    is_passed : bool
        Whether a later day has its labels.
    """

    day: dt.date
    first: dt.date
    last: dt.date
    days_late: int
    missing: float
    expected: float
    is_passed: bool

    def breach(self, monitor: Monitor) -> Breach:
        """What it says of the day."""
        target = str(monitor.target)
        late = f"are {counted_days(self.days_late)} late"
        if self.is_passed:
            late = "have not come, though those of later days have"
        rows = (
            "rows"
            if self.first == self.last
            else f"the rows of {_span(self.day, self.day, monitor.cadence)}"
        )
        labels = "Labels" if self.missing >= NEARLY_ALL else "Some labels"
        sentence = (
            f"{labels} of {_span(self.first, self.last, monitor.cadence)} {late}: {target} is"
            f" missing in {self.missing:.0%} of {rows}, reference {self.expected:.0%}."
        )
        if not (monitor.label_delay_days or self.is_passed):
            sentence += " If labels take longer than their rows, declare `label_delay_days`."
        evidence = {
            "share": self.missing,
            "reference_share": self.expected,
            "first_day": self.first.isoformat(),
            "last_day": self.last.isoformat(),
            **({} if self.is_passed else {"days_late": self.days_late}),
        }
        kind: Kind = "missing_values" if self.is_passed else "late_labels"
        return Breach(kind, sentence, target, columns=(target,), evidence=evidence)


def late_labels(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, LateLabels]:
    """Days whose labels are missing by the newest day that was computed.

    While they are late every day of them is one; of missing values that last the first days are.
    """
    newest = newest_day(connection, monitor)
    if monitor.target is None or newest is None:
        return {}
    asked = {"monitor": monitor.name, "target": monitor.target}
    every = connection.execute(OVERDUE, asked).all()
    due = last_due(connection, monitor)
    has_labels = [row.day for row in every if row.is_judged and not row.is_overdue]
    newest_known = max((day for day in has_labels if day <= due), default=dt.date.min)
    late = {}
    for is_overdue, group in groupby(every, lambda row: row.is_overdue):
        if not is_overdue:
            continue
        rows = list(group)
        first, last = rows[0].day, rows[-1].day
        is_passed = last < newest_known
        # What no longer waits must not be another finding each day.
        waited = 0 if is_passed else (newest - first).days - monitor.label_delay_days + 1
        for row in rows:
            if row.is_new or not is_passed:
                shares = row.observed, row.expected, is_passed
                late[row.day] = LateLabels(row.day, first, last, waited, *shares)
    return late


def _span(first: dt.date, last: dt.date, cadence: Cadence) -> str:
    """Days as people write them: 12 to 14 March 2026."""
    if cadence.is_hourly:
        return cadence.name(first) + ("" if first == last else f" to {cadence.name(last)}")
    end = f"{last.day} {last:%B %Y}"
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {end}"
    return f"{first.day} {first:%B %Y} to {end}"
