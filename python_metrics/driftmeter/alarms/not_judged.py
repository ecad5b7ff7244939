"""Which columns of a monitor are not judged, and why: one answer for all commands and pages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.requirements import ENOUGH_DAYS, LEAST_DAYS

# Column names in one sentence.
MOST_NAMES = 5
NOT_JUDGED = sa.text(
    "select monitor, partition_date, partition_start, reason, column_names, is_every_column,"
    " every, timezone from metrics.not_judged join metrics.monitors using (monitor)"
    " where monitor = any(:monitors) order by monitor, reason"
)

# By the newest verdicts, for a reference may grow; days that were judged before these said it were
# compared with the declared ones.
REFERENCE_DAYS = sa.text(
    "select reference.monitor, coalesce(max(monitors.every), 'day') as every,"
    " coalesce((select max(drift.reference_days) from metrics.drift"
    " where drift.monitor = reference.monitor and drift.method = 'day_level'"
    " and drift.partition_date = (select max(partition_date) from metrics.partitions"
    " where partitions.monitor = reference.monitor and partitions.state = 'fresh')),"
    " count(distinct profile.partition_date)) as days"
    " from (select distinct on (monitor) monitor, from_date, to_date from metrics.baselines"
    " where kind = 'fixed' and monitor = any(:monitors) order by monitor, computed_at desc)"
    " as reference left join metrics.monitors as monitors using (monitor)"
    " join metrics.column_profile as profile"
    " on profile.monitor = reference.monitor and profile.metric = 'row_count'"
    " and profile.segment is null and profile.value > 0"
    " and profile.partition_date between reference.from_date and reference.to_date group by 1"
)


@dataclass(frozen=True)
class NotJudged:
    """What of a monitor is not judged for one reason.

    Attributes
    ----------
    columns : tuple of str
        Empty where it is every column.
    reason : str
        What is wrong; where there is something to do, that is its second sentence.
    day : str or None
        The day that the reason is about; None where it holds for every day.
    """

    monitor: str
    columns: tuple[str, ...]
    reason: str
    day: str | None = None

    @property
    def shows(self) -> str:
        """What is not judged and why, without what to do."""
        return f"{self._subject}: {self.reason.partition('. ')[0]}"

    @property
    def fix(self) -> str:
        """What to do about it."""
        named = self.reason.partition(". ")[2]
        return named or "check that its rows are complete; `min_rows` says how many are needed"

    @property
    def sentence(self) -> str:
        """All of it, for people."""
        return f"{self._subject}: {self.reason}."

    @property
    def _subject(self) -> str:
        if not self.columns:
            return f"{self.monitor} judges no day"
        names = listed(self.columns)
        if self.day is None:
            return f"{self.monitor} does not judge {names}"
        return f"{self.monitor} did not judge {names} on {self.day}"


def listed(names: Sequence[str]) -> str:
    """Names for a sentence, the first few of many."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def not_judged(connection: sa.Connection, monitors: Collection[str]) -> list[NotJudged]:
    """What of these monitors was not judged on their newest fresh day; labels to come aside."""
    return [
        NotJudged(
            row.monitor,
            () if row.is_every_column else tuple(row.column_names),
            row.reason,
            None if "reference period" in row.reason else _batch_of(row),
        )
        for row in connection.execute(NOT_JUDGED, {"monitors": list(monitors)})
    ]


def _batch_of(row: "sa.Row[Any]") -> str:
    cadence = Cadence.of(row.every, row.timezone)
    return cadence.name(row.partition_start) if cadence.is_hourly else str(row.partition_date)


def with_wide_thresholds(connection: sa.Connection, monitors: Collection[str]) -> dict[str, str]:
    """One sentence for each of these monitors whose reference period has few days."""
    counted = connection.execute(REFERENCE_DAYS, {"monitors": list(monitors)})
    return {
        row.monitor: f"{row.monitor} finds only larger changes: its reference period has"
        f" {Cadence(row.every).counted(row.days)} with rows, and thresholds are wide with fewer"
        f" than {ENOUGH_DAYS}"
        for row in counted
        if LEAST_DAYS <= row.days < ENOUGH_DAYS
    }
