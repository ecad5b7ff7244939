"""Labels that are overdue: missing after `label_delay_days`, where the reference's had come."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.arrival.labels_due import newest_day
from driftmeter.incidents.breach import Breach
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import counted_days

# Of every day with rows whether its labels are overdue: more of them are missing than the
# reference's days allow. Labels that are not due yet are not judged, so that they are not here.
OVERDUE = sa.text(
    "select days.partition_date as day, verdict.observed, verdict.expected"
    " from metrics.partitions as days left join metrics.drift_scored as verdict"
    " on verdict.monitor = days.monitor and verdict.partition_date = days.partition_date"
    " and verdict.column_name = :target and verdict.segment is null"
    " and verdict.statistic = 'missing' and verdict.observed > verdict.expected"
    " and (verdict.is_drifted or verdict.is_slow)"
    " where days.monitor = :monitor and days.row_count > 0 order by 1"
)


@dataclass(frozen=True)
class LateLabels:
    """A day with overdue labels, and the days in a row that it is one of.

    Attributes
    ----------
    day : date
    first, last : date
        Of the days in a row.
    days_late : int
        How long ago the labels of the first were due.
    missing, expected : float
        Share of the day's labels that are missing, and of such a reference day's.
    """

    day: dt.date
    first: dt.date
    last: dt.date
    days_late: int
    missing: float
    expected: float

    def breach(self, monitor: Monitor) -> Breach:
        """What it says of the day."""
        late = counted_days(self.days_late)
        rows = "rows" if self.first == self.last else f"the rows of {_span(self.day, self.day)}"
        sentence = (
            f"Labels of {_span(self.first, self.last)} are {late} late: {monitor.target} is missing"
            f" in {self.missing:.0%} of {rows}, reference {self.expected:.0%}."
        )
        if not monitor.label_delay_days:
            sentence += " If labels take longer than their rows, declare `label_delay_days`."
        evidence = {
            "share": self.missing,
            "reference_share": self.expected,
            "first_day": self.first.isoformat(),
            "last_day": self.last.isoformat(),
            "days_late": self.days_late,
        }
        target = str(monitor.target)
        return Breach("late_labels", sentence, target, columns=(target,), evidence=evidence)


def late_labels(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, LateLabels]:
    """Days whose labels are overdue by the newest day that was computed."""
    newest = newest_day(connection, monitor)
    if monitor.target is None or newest is None:
        return {}
    asked = {"monitor": monitor.name, "target": monitor.target}
    in_a_row: list[list[sa.Row[tuple[dt.date, float, float]]]] = [[]]
    for row in connection.execute(OVERDUE, asked):
        if row.observed is None:
            in_a_row.append([])
        else:
            in_a_row[-1].append(row)
    late = {}
    for rows in filter(None, in_a_row):
        first, last = rows[0].day, rows[-1].day
        days_late = (newest - first).days - monitor.label_delay_days + 1
        for row in rows:
            shares = row.observed, row.expected
            late[row.day] = LateLabels(row.day, first, last, days_late, *shares)
    return late


def _span(first: dt.date, last: dt.date) -> str:
    """Days as people write them: 12 to 14 March 2026."""
    end = f"{last.day} {last:%B %Y}"
    if first == last:
        return end
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {end}"
    return f"{first.day} {first:%B %Y} to {end}"
