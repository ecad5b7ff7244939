"""Days whose error is plainly too high by estimate, while their labels are still to come.

An estimate may speak only where labels do not yet, and only with a record: of the days whose labels
have come since, the truth must have been inside its interval nearly as often as it says.
"""

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa

from python_metrics.monitors.config import Monitor
from python_metrics.performance.daily_error import LEAST_RISE, WORDS

METRIC = {"regression": "mae", "classification": "brier"}
# With more labels than this the realised error speaks for itself.
FEW_LABELS = 0.5
# Of an interval at 95%; and so many days must have told.
LEAST_INSIDE = 0.85
FEWEST_DAYS = 10
QUERY = sa.text(
    "select estimated.partition_date as day, estimated.value, estimated.lower, estimated.upper,"
    " estimated.reference_value, record.share_inside, record.days"
    " from metrics.performance as estimated"
    " join metrics.performance as realised using (monitor, partition_date, model_version, metric)"
    " join metrics.estimate_track_record as record using (monitor, metric)"
    " where monitor = :monitor and metric = :metric"
    " and partition_date between :first and :last"
    " and estimated.kind = 'estimated' and realised.kind = 'realised'"
    " and estimated.segment is null and realised.segment is null and record.segment is null"
    " and realised.label_coverage < :few"
    " and estimated.lower > estimated.reference_value * (1 + :rise)"
    " and record.days >= :fewest and record.share_inside >= :least"
)


@dataclass(frozen=True)
class EstimatedAlarm:
    """A day whose whole interval is above the reference, by more than matters.

    Attributes
    ----------
    value, lower, upper, expected : float
        The estimate, its 95% interval, and the reference's.
    share_inside : float
        Of the record.
    days : int
        Of the record.
    """

    metric: str
    value: float
    lower: float
    upper: float
    expected: float
    share_inside: float
    days: int

    @property
    def says(self) -> str:
        """In words."""
        return (
            f"the {self.metric} is estimated at {self.value:.3g} ({self.lower:.3g} to"
            f" {self.upper:.3g}), reference {self.expected:.3g}; its labels are still to come"
        )


def estimated_alarms(
    connection: sa.Connection, monitor: Monitor, first: dt.date, last: dt.date
) -> dict[dt.date, EstimatedAlarm]:
    """Days of a span on which the estimate may speak, and does."""
    asked = {
        "monitor": monitor.name,
        "metric": METRIC[monitor.task],
        "first": first,
        "last": last,
        "few": FEW_LABELS,
        "rise": LEAST_RISE,
        "fewest": FEWEST_DAYS,
        "least": LEAST_INSIDE,
    }
    return {
        row.day: EstimatedAlarm(
            WORDS[monitor.task],
            row.value,
            row.lower,
            row.upper,
            row.reference_value,
            float(row.share_inside),
            int(row.days),
        )
        for row in connection.execute(QUERY, asked)
    }
