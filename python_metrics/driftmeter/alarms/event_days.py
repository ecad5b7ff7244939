"""Judges days of known events, such as holidays: they may differ, and are not silent.

A day whose event the reference has seen on three days or more is held against these. Any other is
held against the reference with a wider day variance: an event is expected to move a column by three
times what days usually do. Days of events tell nothing of calm ones, so that the reference is
fitted without them, and no window, trailing baseline or record holds them.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from driftmeter.alarms.column import ColumnEvidence, ColumnNull, calibrate_anew, judge_column
from driftmeter.alarms.day_null import USUAL
from driftmeter.alarms.few_days import of_event
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS
from driftmeter.quality.counts import Counts
from driftmeter.quality.histograms import ColumnPart

# Standard deviation of known events over that of usual days: of a column `USUAL`, of an error that
# share of it, of the logarithm of rows `USUAL_OF_ROWS` (benchmarks/known_events.py).
TIMES_USUAL = 3.0
# A day of an event is judged by itself.
ALONE = {1: 1.0}
KNOWN_EVENTS = sa.text(
    "select partition_date, min(known_event) as event from metrics.drift"
    " where monitor = :monitor and partition_date between :first and :last"
    " and known_event is not null and segment is null group by 1 order by 1"
)
# Nulls of the events that the reference has seen often enough, by name.
SeenEvents = Mapping[str, Mapping[ColumnPart, ColumnNull]]


@dataclass(frozen=True)
class EventDays:
    """Known events of days that follow each other.

    Attributes
    ----------
    names : tuple of (str or None)
        Of each day its event; None of a day like others.
    """

    names: tuple[str | None, ...]

    @classmethod
    def among(cls, monitor: Monitor, days: Sequence[dt.date]) -> "EventDays":
        """The known events of days."""
        return cls(tuple(monitor.event_on(day) for day in days))

    @property
    def is_event(self) -> npt.NDArray[np.bool_]:
        """By day, whether it is part of one; shape (days,)."""
        return np.array([name is not None for name in self.names], dtype=bool)

    def without(self, counts: Mapping[ColumnPart, Counts]) -> Mapping[ColumnPart, Counts]:
        """The counts with days of events as days without rows."""
        if not any(self.names):
            return counts
        return {part: each.with_rows_on(~self.is_event) for part, each in counts.items()}

    def seen(
        self, columns: Mapping[ColumnPart, ColumnNull], counts: Mapping[ColumnPart, Counts]
    ) -> dict[str, dict[ColumnPart, ColumnNull]]:
        """Columns fitted to the days of each event that has enough of them, as on a reference.

        Parameters
        ----------
        columns : mapping of ColumnPart to ColumnNull
            Fitted to the days without an event.
        """
        found: dict[str, dict[ColumnPart, ColumnNull]] = {}
        for name in sorted({name for name in self.names if name}):
            is_named = np.array([each == name for each in self.names])
            of_name = {part: counts[part].only(is_named) for part in columns}
            found[name] = {
                part: calibrate_anew(days, columns[part])
                for part, days in of_name.items()
                if (days.rows > 0).sum() >= LEAST_DAYS
            }
        return found

    def judged(
        self,
        evidence: ColumnEvidence,
        part: ColumnPart,
        column: ColumnNull,
        counts: Counts,
        excluded: npt.NDArray[np.bool_] | None,
        seen: SeenEvents,
    ) -> ColumnEvidence:
        """The evidence of a column's calm days, with that of its days of events.

        Parameters
        ----------
        evidence : ColumnEvidence
            Of the counts without these days.
        """
        told = {name for name in self.names if name and part in seen.get(name, {})}
        widened = self._places({name for name in self.names if name} - told)
        if len(widened):
            no_baseline = self.is_event if excluded is None else excluded | self.is_event
            wider = judge_column(wider_for_event(column), counts, no_baseline)
            evidence = _with(evidence, widened, wider, widened)
        for name in told:
            places = self._places({name})
            own = replace(seen[name][part], windows=ALONE)
            of_days = judge_column(own, counts.only(places))
            # The days before were held against other days.
            of_days = replace(of_days, trailing_p_value=np.full(len(places), np.nan))
            evidence = _with(evidence, places, of_days, np.arange(len(places)))
        return evidence

    def _places(self, names: set[str]) -> npt.NDArray[np.int64]:
        return np.flatnonzero([name in names for name in self.names])


def judged_events(
    connection: sa.Connection, monitor: str, first: dt.date, last: dt.date
) -> list[str]:
    """A sentence for each judged day of a span that is part of a known event."""
    asked = {"monitor": monitor, "first": first, "last": last}
    return [
        f"{row.partition_date} is a known event: {row.event}"
        for row in connection.execute(KNOWN_EVENTS, asked)
    ]


def wider_for_event(column: ColumnNull) -> ColumnNull:
    """The column's null for a day of an event that its reference has not seen."""
    more = of_event(column.scale, (TIMES_USUAL * USUAL) ** 2)
    null = replace(column.null, day_variance=column.null.day_variance + more)
    return replace(column, null=null, windows=ALONE)


def _with(
    evidence: ColumnEvidence,
    places: npt.NDArray[np.int64],
    other: ColumnEvidence,
    taken: npt.NDArray[np.int64],
) -> ColumnEvidence:
    """The evidence with another one's days in some places."""
    values = {}
    for each in fields(evidence):
        mine, its = getattr(evidence, each.name), getattr(other, each.name)
        # A name may be longer than those that were there.
        values[each.name] = np.array(mine, dtype=np.result_type(mine, its))
        values[each.name][places] = its[taken]
    return ColumnEvidence(**values)
