"""Which days a day is compared with, where the reference grows or rolls on.

The declared days fix what is measured: bins, scores and expected errors. What columns, segments and
the number of rows are judged by goes on from there, by calm days only. Whether a day is calm is
told by its own verdicts and those of the days before it, so that running days in any order, or
again, ends in the same reference.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from driftmeter.monitors.cadence import DAILY
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.hour import day_of

STORED = sa.text(
    "select partitions.partition_date as day, coalesce(bool_or(drift.is_drifted or drift.is_slow),"
    " false) as is_away from metrics.partitions left join metrics.drift as drift"
    " on drift.monitor = partitions.monitor and drift.partition_date = partitions.partition_date"
    " and drift.method in ('day_level', 'domain_classifier')"
    " where partitions.monitor = :monitor and partitions.partition_date > :first"
    " and partitions.drift_state = 'fresh' and partitions.row_count > 0 group by 1"
)


def grows(monitor: Monitor) -> bool:
    """Whether the monitor's reference goes on from its declared days."""
    return bool(monitor.reference.first or monitor.reference.rolling)


@dataclass
class GrowingReference:
    """The reference of each day of a monitor, as far as the days before it are judged.

    Attributes
    ----------
    with_rows : collection of date
        The declared days that have rows.
    excluded : collection of date
        Days of known events, and of incidents that are acknowledged or excluded.
    away : dict of date to bool
        Of each judged day after the declared ones that has rows: whether something alarmed, or was
        still away from the reference.
    """

    monitor: Monitor
    with_rows: Collection[dt.date]
    excluded: Collection[dt.date]
    away: dict[dt.date, bool] = field(default_factory=dict)

    def days(self, judged: dt.date) -> list[dt.date]:
        """Days that a day is compared with, all of them before it, in order."""
        span = self.monitor.reference
        cadence, declared = self.monitor.cadence, self.monitor.reference_batches
        if span.first:
            return [*declared, *self._grown(judged, self._missing)]
        # It moves on once a week, so that a week's days are judged by the same.
        last = cadence.after(self._monday(judged), -1)
        if last <= declared[-1]:
            return declared
        between = cadence.batches(cadence.after(declared[-1]), last)
        calm = [*declared, *self._calm(between)]
        return calm[-max(round(7 * (span.rolling or 1) / cadence.days), 1) :]

    def _monday(self, day: dt.date) -> dt.date:
        """The first day, or hour, of a day's week; a week or a month itself."""
        cadence = self.monitor.cadence
        if cadence.is_hourly:
            return cadence.start(day_of(day) - dt.timedelta(days=day.weekday()))
        is_daily = cadence == DAILY
        return day - dt.timedelta(days=day.weekday()) if is_daily else day

    def in_turn(self, days: Sequence[dt.date]) -> Iterator[tuple[Sequence[dt.date], list[dt.date]]]:
        """Days in order, those together that have the same reference, each time with that.

        Whoever judges them notes in `away` what is found, before asking for the next ones.
        """
        while days:
            alike = self.alike(days)
            yield alike, self.days(alike[0])
            days = days[len(alike) :]

    def alike(self, days: Sequence[dt.date]) -> Sequence[dt.date]:
        """The first of these days, in order, and those after it that have the same reference."""
        first, span = days[0], self.monitor.reference
        if span.first:
            missing = self._missing
            # Of hours the last day is complete once another has begun.
            grown = self._grown(first, missing)
            days_of = sorted({day_of(batch) for batch in grown})
            is_full = len(days_of) >= missing and (not grown or day_of(first) > days_of[-1])
            return days if is_full else days[:1]
        return [day for day in days if self._monday(day) == self._monday(first)]

    @property
    def _missing(self) -> int:
        """Batches that the declared ones lack of `first`; of hours days."""
        known = {day_of(batch) for batch in self.with_rows if batch not in self.excluded}
        return max((self.monitor.reference.first or 0) - len(known), 0)

    def _grown(self, judged: dt.date, missing: int) -> list[dt.date]:
        """Calm batches before one, of so many days or other batches, the earliest."""
        later = self._calm(sorted(batch for batch in self.away if batch < judged))
        last = sorted({day_of(batch) for batch in later})[:missing]
        return [batch for batch in later if last and day_of(batch) <= last[-1]]

    def _calm(self, days: Iterable[dt.date]) -> list[dt.date]:
        """Those of the days that are calm, and were for a week."""
        return [day for day in days if day not in self.excluded and not self._was_away(day)]

    def _was_away(self, day: dt.date) -> bool:
        cadence = self.monitor.cadence
        before = (cadence.after(day, -number) for number in range(cadence.quiet + 1))
        return any(self.away.get(each, False) for each in before)


def stored_days(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, bool]:
    """Judged days after the declared reference that have rows, and whether something was away."""
    asked = {"monitor": monitor.name, "first": monitor.reference_span[1]}
    rows: Mapping[dt.date, bool] = dict(connection.execute(STORED, asked).tuples().all())
    return dict(rows)
