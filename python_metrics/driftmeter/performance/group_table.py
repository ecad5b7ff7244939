"""What is stored of a batch's groups, for people and programs."""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.performance.group_rates import SELECTION, STATISTICS

OF_DAY = sa.text(
    "select column_name, group_value, metric, row_count, other_count, value, other_value,"
    " difference, lower, upper, expected, ratio, ratio_lower, ratio_upper, is_beyond, is_alarm,"
    " reason from metrics.group_verdicts where monitor = :monitor and partition_date = :day"
    " and column_name = any(:columns)"
    " order by array_position(cast(:columns as text[]), column_name),"
    " array_position(cast(:metrics as text[]), metric), group_value"
)


@dataclass(frozen=True)
class GroupRow:
    """A statistic of a group beside that of all other rows, on one day.

    Attributes
    ----------
    row_count, other_count : int
        Rows that either is a rate or a mean of.
    difference, lower, upper : float or None
        And its 95% interval.
    expected : float or None
        The reference's difference; None where the day is not judged.
    ratio, ratio_lower, ratio_upper : float or None
        Of a selection rate, that to the highest of any group with enough rows.
    reason : str or None
        Why it is not judged.
    """

    column_name: str
    group_value: str
    metric: str
    row_count: int
    other_count: int
    value: float | None
    other_value: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    expected: float | None
    ratio: float | None
    ratio_lower: float | None
    ratio_upper: float | None
    is_beyond: bool
    is_alarm: bool
    reason: str | None

    @property
    def verdict(self) -> str:
        """In a word; what is not judged says why."""
        if self.is_alarm or self.is_beyond:
            return "alarm" if self.is_alarm else "lasting"
        return self.reason or ("calm" if self.expected is not None else "")


def groups_of_day(connection: sa.Connection, monitor: Monitor, day: dt.date) -> list[GroupRow]:
    """Every group and statistic of a day, as it was judged; none of a day that was not."""
    asked = {
        "monitor": monitor.name,
        "day": day,
        "columns": list(monitor.protected),
        "metrics": list(STATISTICS[monitor.task]),
    }
    return [GroupRow(*row) for row in connection.execute(OF_DAY, asked)]


def lowest_ratios(rows: list[GroupRow]) -> list[GroupRow]:
    """Of each protected column the group with the lowest selection rate beside the highest one.

    A ratio below 0.8 is what the four-fifths rule of the Uniform Guidelines on Employee Selection
    Procedures (1978, 29 CFR 1607.4 D) takes for evidence of adverse impact.
    """
    ratios = [row for row in rows if row.metric == SELECTION and row.ratio is not None]
    columns = dict.fromkeys(row.column_name for row in ratios)
    return [
        min((row for row in ratios if row.column_name == name), key=lambda row: row.ratio or 0.0)
        for name in columns
    ]
