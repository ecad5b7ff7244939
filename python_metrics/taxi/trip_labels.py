"""Labels that come later than their rows, or never: how the demo's are delayed, and when they land.

Dates are the data's own: a label has landed once a day as late as its own was loaded, so that a
replay of history sees labels come as they would have come.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from driftmeter.arrival.changed_days import mark_days_stale
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.copy import copy_in

LATE = pa.schema(
    [("partition_date", pa.date32()), ("trip_id", pa.int64()), ("lands_on", pa.date32())]
)
SPACE = 2.0**64
# What a run passes to take every label in, however late: the reference is long past.
EVERY_LABEL = dt.date.max


@dataclass(frozen=True)
class LabelDelay:
    """When labels come: a geometric number of days after their row, or never.

    Attributes
    ----------
    mean_days : float
        Mean of the number of days; 0 is with the row.
    dropped : float
        Share of labels that never come, 0 to 1.
    """

    mean_days: float = 0.0
    dropped: float = 0.0

    def __post_init__(self) -> None:
        if self.mean_days < 0:
            raise DriftmeterError(
                f"{self.mean_days:g} is below 0",
                where="--label-delay",
                fix="give a mean number of days, such as 3",
            )
        if not 0 <= self.dropped < 1:
            raise DriftmeterError(
                f"{self.dropped:g} is not from 0 to below 1",
                where="--labels-dropped",
                fix="give a share, such as 0.02",
            )

    def late_labels(self, day: dt.date, trip_ids: pa.ChunkedArray) -> pa.Table:
        """Rows of ``raw.late_labels``: those whose label does not come with them.

        Drawn from each trip's id alone, so that loading a day again draws the same.
        """
        if not self.mean_days and not self.dropped:
            return LATE.empty_table()
        ids = trip_ids.to_numpy().astype(np.uint64)
        # Two numbers from 0 to 1 of each trip; the second is a hash of the first.
        first = pd.util.hash_array(ids)
        lost, when = (number.astype(float) / SPACE for number in (first, pd.util.hash_array(first)))
        days = np.zeros(len(ids), dtype=np.int64)
        if self.mean_days:
            stays = np.log(self.mean_days / (1 + self.mean_days))
            days = np.floor(np.log(np.maximum(1 - when, 1e-12)) / stays).astype(np.int64)
        is_lost = lost < self.dropped
        is_late = is_lost | (days > 0)
        lands_on = [
            None if gone else day + dt.timedelta(days=int(number))
            for gone, number in zip(is_lost[is_late], days[is_late], strict=True)
        ]
        return pa.table(
            {
                "partition_date": [day] * len(lands_on),
                "trip_id": ids[is_late].astype(np.int64),
                "lands_on": lands_on,
            },
            schema=LATE,
        )


def take_labels(connection: sa.Connection, day: dt.date, late: pa.Table, taken_on: dt.date) -> None:
    """Replace what a day's labels wait for, and note by when they were taken in."""
    connection.execute(
        sa.text("delete from raw.late_labels where partition_date = :day"), {"day": day}
    )
    copy_in(connection, "raw.late_labels", late)
    connection.execute(
        sa.text(
            "insert into raw.labels_taken values (:day, :taken_on)"
            " on conflict (partition_date) do update set taken_on = excluded.taken_on"
        ),
        {"day": day, "taken_on": taken_on},
    )


def newest_loaded(engine: sa.Engine) -> dt.date | None:
    """The newest day that was loaded: today, as far as the data goes."""
    with engine.connect() as connection:
        newest: dt.date | None = connection.scalar(
            sa.text("select max(partition_date) from raw.loads where state <> 'missing'")
        )
    return newest


def mark_landed(engine: sa.Engine, today: dt.date, monitors: Iterable[str]) -> list[dt.date]:
    """Call stale each measured day of which a label has landed since, and no other."""
    query = sa.text(
        "select distinct partition_date"
        " from raw.late_labels join raw.labels_taken using (partition_date)"
        " where lands_on > taken_on and lands_on <= :today"
    )
    with engine.begin() as connection:
        landed = list(connection.scalars(query, {"today": today}))
        reason = "labels came after the day was measured"
        return mark_days_stale(connection, monitors, landed, reason, ("fresh",))
