"""Judges columns whose new normal somebody accepted, or declared, in place of the reference period.

Such a column is calibrated anew, as on a reference of its own: the days from the accepted one on,
as far as they lie before the judged day, at most 28. Until there are three it is not judged, and
few of them are held against how much the reference's days vary. Each day's verdict rests on days
before it only, so that computing days in any order ends in the same rows.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import sqlalchemy as sa

from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import ColumnEvidence, ColumnNull, calibrate_anew, judge_column
from driftmeter.alarms.event_days import EventDays
from driftmeter.monitors import baselines
from driftmeter.monitors.baselines import AcceptedNormal, accepted_batches
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS
from driftmeter.quality.counts import Counts
from driftmeter.quality.histograms import ColumnPart, load_counts


@dataclass(frozen=True)
class Today:
    """What a day is judged by.

    Attributes
    ----------
    unready : dict of str to dict of ColumnPart to str
        Columns with an accepted normal in force, each with the parts that it cannot judge yet.
    """

    calibration: Calibration
    evidence: Mapping[ColumnPart, ColumnEvidence]
    unready: dict[str, dict[ColumnPart, str]]


@dataclass
class Accepted:
    """Accepted normals of a monitor, applied to days of a span.

    Parameters
    ----------
    counts : mapping of ColumnPart to Counts
        Of every day from `first` to `last`.
    named : EventDays
        The known events of these days.
    """

    connection: sa.Connection
    monitor: Monitor
    counts: Mapping[ColumnPart, Counts]
    first: dt.date
    last: dt.date
    named: EventDays
    _loaded: dict[dt.date, dict[ColumnPart, Counts]] = field(default_factory=dict)
    _judged: dict[tuple[ColumnPart, AcceptedNormal, int], "Judged"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._normals = baselines.accepted_normals(self.connection, self.monitor)
        # Of incidents that came after it was accepted; those before are what was accepted.
        self._excluded = {
            normal: baselines.excluded_days(
                self.connection,
                self.monitor,
                self.monitor.cadence.batches(normal.from_date, self.last),
                normal.in_force_on,
            )
            for normal in self._normals
        }

    def on(
        self, day: dt.date, calibration: Calibration, evidence: Mapping[ColumnPart, ColumnEvidence]
    ) -> Today:
        """The calibration and evidence of a day, those of accepted columns by their own normal."""
        in_force = baselines.normals_in_force(self._normals, day)
        if not in_force:
            return Today(calibration, evidence, {})
        columns, rows = dict(calibration.columns), dict(calibration.reference_rows)
        judged, unready = dict(evidence), {name: dict[ColumnPart, str]() for name in in_force}
        for part in [part for part in evidence if part.column in in_force]:
            own = self._judge(in_force[part.column], part, day, calibration)
            if isinstance(own, str):
                unready[part.column][part] = own
            else:
                columns[part], rows[part], judged[part] = own
        return Today(replace(calibration, columns=columns, reference_rows=rows), judged, unready)

    def _judge(
        self, normal: AcceptedNormal, part: ColumnPart, day: dt.date, calibration: Calibration
    ) -> "Judged | str":
        """The part calibrated on its own days, its rows and evidence; or why it cannot be yet."""
        days = normal.days(day, self.monitor.cadence)
        key = (part, normal, len(days))
        if key not in self._judged:
            usual = self._usual(normal, part, days)
            if isinstance(usual, str):
                return usual
            column = calibrate_anew(usual, calibration.columns.get(part))
            evidence = self._evidence(column, normal, part)
            self._judged[key] = (column, float(usual.known.sum()), evidence)
        return self._judged[key]

    def _usual(self, normal: AcceptedNormal, part: ColumnPart, days: list[dt.date]) -> Counts | str:
        """Counts of the days that are the part's normal, or why they are none yet."""
        first = normal.from_date
        if first not in self._loaded:
            cadence = self.monitor.cadence
            last = cadence.after(first, accepted_batches(cadence) - 1)
            self._loaded[first] = load_counts(self.connection, self.monitor, first, last)
        counts = self._loaded[first].get(part)
        since = f"{normal.what or 'accepted as normal'} from {first} on"
        if counts is None or not counts.known[: len(days)].any():
            return f"{since}, without a value of it since"
        excluded = self._excluded[normal]
        usable = np.array([day not in excluded for day in days])
        usable &= counts.rows[: len(days)] >= (1 if part.is_all_rows else self.monitor.min_rows)
        if usable.sum() < LEAST_DAYS:
            return f"{since}: {usable.sum()} of {LEAST_DAYS} days that it takes are known"
        return counts.only(np.flatnonzero(usable))

    def _evidence(
        self, column: ColumnNull, normal: AcceptedNormal, part: ColumnPart
    ) -> ColumnEvidence:
        """What speaks against calm on each day of the span; before the normal's first, nothing."""
        cadence, excluded = self.monitor.cadence, self._excluded[normal]
        days = cadence.batches(self.first, self.last)
        is_since = np.array([cadence.between(normal.from_date, day) >= 0 for day in days])
        counts = self.counts[part].with_rows_on(is_since)
        is_excluded = np.array([day in excluded for day in days])
        calm = self.named.without({part: counts})[part]
        evidence = judge_column(column, calm, is_excluded)
        return self.named.judged(evidence, part, column, counts, is_excluded, {})


# A calibrated part, its known rows, and what speaks against calm by day.
Judged = tuple[ColumnNull, float, ColumnEvidence]
