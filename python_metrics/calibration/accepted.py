"""Columns whose normal is no longer the reference's: somebody accepted what they became.

Such a column is calibrated anew, as on a reference of its own: the days from the accepted one on,
as far as they lie before the judged day, at most 28. Until there are 14 it is not judged. Each
day's verdict rests on days before it only, so that computing days in any order ends in the same
rows.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np
import sqlalchemy as sa

from python_metrics import baselines
from python_metrics.baselines import ACCEPTED, AcceptedNormal
from python_metrics.calibration.cache import Calibration
from python_metrics.calibration.column import (
    ColumnEvidence,
    ColumnNull,
    calibrate_column,
    judge_column,
)
from python_metrics.calibration.counts import Counts
from python_metrics.calibration.histograms import Part, load_counts
from python_metrics.drift.inference_rows import every_day
from python_metrics.monitors.config import Monitor

# Two of each weekday. With 14 calm days an alarm that should come on 0.2% of days comes on 0.4% at
# most (400 simulated columns of each kind, days wandering by 5%), with 10 on 0.65%, 28 on 0.3%.
FEWEST_DAYS = 14


@dataclass(frozen=True)
class Today:
    """What a day is judged by.

    Attributes
    ----------
    unready : dict of str to dict of Part to str
        Columns with an accepted normal in force, each with the parts that it cannot judge yet.
    """

    calibration: Calibration
    evidence: Mapping[Part, ColumnEvidence]
    unready: dict[str, dict[Part, str]]


@dataclass
class Accepted:
    """Accepted normals of a monitor, applied to days of a span.

    Parameters
    ----------
    counts : mapping of Part to Counts
        Of every day from `first` to `last`.
    """

    connection: sa.Connection
    monitor: Monitor
    counts: Mapping[Part, Counts]
    first: dt.date
    last: dt.date
    _loaded: dict[dt.date, dict[Part, Counts]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._normals = baselines.accepted_normals(self.connection, self.monitor)
        # Of incidents that came after it was accepted; those before are what was accepted.
        self._excluded = {
            normal: baselines.excluded_days(
                self.connection,
                self.monitor,
                every_day(normal.from_date, self.last),
                normal.in_force_on,
            )
            for normal in self._normals
        }

    def on(
        self, day: dt.date, calibration: Calibration, evidence: Mapping[Part, ColumnEvidence]
    ) -> Today:
        """The calibration and evidence of a day, those of accepted columns by their own normal."""
        in_force = baselines.normals_in_force(self._normals, day)
        if not in_force:
            return Today(calibration, evidence, {})
        columns, rows = dict(calibration.columns), dict(calibration.reference_rows)
        judged, unready = dict(evidence), {name: dict[Part, str]() for name in in_force}
        place = (day - self.first).days
        for part in [part for part in evidence if part.column in in_force]:
            normal = in_force[part.column]
            usual = self._usual(normal, part, day)
            if isinstance(usual, str):
                unready[part.column][part] = usual
                continue
            columns[part], rows[part] = calibrate_column(usual), float(usual.known.sum())
            judged[part] = self._evidence(columns[part], normal, part, place)
        return Today(replace(calibration, columns=columns, reference_rows=rows), judged, unready)

    def _usual(self, normal: AcceptedNormal, part: Part, day: dt.date) -> Counts | str:
        """Counts of the days that are the part's normal, or why they are none yet."""
        first = normal.from_date
        if first not in self._loaded:
            last = first + dt.timedelta(days=ACCEPTED - 1)
            self._loaded[first] = load_counts(self.connection, self.monitor, first, last)
        counts = self._loaded[first].get(part)
        if counts is None or not counts.known.any():
            return f"accepted as normal from {first} on, without a value of it since"
        days = normal.days(day)
        excluded = self._excluded[normal]
        usable = np.array([each not in excluded for each in days])
        usable &= counts.rows[: len(days)] >= self.monitor.min_rows
        if usable.sum() < FEWEST_DAYS:
            return (
                f"accepted as normal from {first} on: {usable.sum()} days of it are known,"
                f" {FEWEST_DAYS} are needed"
            )
        return counts.only(np.flatnonzero(usable))

    def _evidence(
        self, column: ColumnNull, normal: AcceptedNormal, part: Part, place: int
    ) -> ColumnEvidence:
        """What speaks against calm on one day, as the last place of a span that ends with it."""
        start = max((normal.from_date - self.first).days, 0)
        days = every_day(
            self.first + dt.timedelta(days=start), self.first + dt.timedelta(days=place)
        )
        excluded = self._excluded[normal]
        since = judge_column(
            column,
            self.counts[part].only(np.arange(start, place + 1)),
            np.array([each in excluded for each in days]),
        )
        return ColumnEvidence(
            **{f.name: np.repeat(getattr(since, f.name)[-1:], place + 1) for f in fields(since)}
        )
