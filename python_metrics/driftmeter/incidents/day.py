"""Everything that was wrong on one day of one monitor, read from the warehouse."""

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial

import pandas as pd
import sqlalchemy as sa

from driftmeter.arrival.column_changes import ColumnChange
from driftmeter.arrival.inference_rows import DAY, VERSION, read_rows
from driftmeter.arrival.new_words import new_words
from driftmeter.arrival.reference_counts import reference_counts
from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.arrival import (
    Partition,
    days_between_batches,
    of_columns,
    of_state,
)
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.cause import Day, causes
from driftmeter.incidents.distance import Bins, fit_bins
from driftmeter.incidents.event import one_event, with_volume
from driftmeter.incidents.importance import feature_importance
from driftmeter.incidents.late_labels import LateLabels
from driftmeter.incidents.loss import Loss, of_estimate, of_loss, of_other_predictions
from driftmeter.incidents.new_version import NewVersion
from driftmeter.incidents.relations import Relations, fit_relations
from driftmeter.monitors.baselines import AcceptedNormal, accepted_normals
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS
from driftmeter.performance.alarms import ErrorAlarm, EstimatedAlarm
from driftmeter.performance.error_cause import Learners

# Part of a day's signature: other diagnoses of the same alarms must be written anew.
VERSION_OF_DIAGNOSES = "22"
# Rows of either side that a diagnosis reads: shares to a hundredth, whatever the day's size.
MOST_ROWS = 20_000
# Days before that tell whether a change came at once.
DAYS_BEFORE = 14
# With fewer rows of its weekday a day is held against the whole reference.
FEWEST_ROWS = 500
# Where evidence says which share of a day's rows a finding is about.
PARTS = ("share_of_rows", "share", "share_of_others")


@dataclass(frozen=True)
class Normal:
    """Days that others are diagnosed against; their rows are read when first needed."""

    connection: sa.Connection
    monitor: Monitor
    days: tuple[dt.date, ...]
    _like: dict[int, pd.DataFrame] = field(default_factory=dict)
    _learners: dict[int, Learners] = field(default_factory=dict)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Rows of these days, a sample where there are many."""
        return self._rows_by_day.drop(columns=DAY)

    @cached_property
    def _rows_by_day(self) -> pd.DataFrame:
        return rows_of(self.connection, self.monitor, self.days, with_day=True)

    @cached_property
    def bins(self) -> dict[str, Bins]:
        """Bins of every column, from all of these days."""
        return {
            name: fit_bins(column.kind, self.rows[name])
            for name, column in self.monitor.columns.items()
        }

    @cached_property
    def importance(self) -> dict[str, float]:
        """How much of the prediction hangs on each feature."""
        return feature_importance(self.monitor, self.rows)

    @cached_property
    def relations(self) -> Relations:
        """How features go together, on all of these days."""
        days = self._rows_by_day[DAY].to_numpy()
        return fit_relations(self.monitor.features, self.rows, days)

    def like(self, weekday: int) -> pd.DataFrame:
        """Rows of one weekday, hour or month of the year; all where these are few."""
        cadence = self.monitor.cadence
        if cadence.every == "month" and not cadence.tells_months(self.days):
            return self.rows
        if weekday not in self._like:
            days = [day for day in self.days if cadence.level(day) == weekday]
            self._like[weekday] = rows_of(self.connection, self.monitor, days)
        rows = self._like[weekday]
        return rows if len(rows) >= FEWEST_ROWS else self.rows

    def learners(self, weekday: int) -> Learners:
        """What the rows of `like` make one expect."""
        if weekday not in self._learners:
            self._learners[weekday] = Learners(self.monitor, self.like(weekday))
        return self._learners[weekday]


@dataclass(frozen=True)
class DiagnosisBackground:
    """What a monitor's days are diagnosed against: the reference, or what was accepted since."""

    connection: sa.Connection
    monitor: Monitor
    _normals: dict[tuple[dt.date, ...], Normal] = field(default_factory=dict)

    def day(self, day: dt.date, columns: Collection[str | None]) -> Day:
        """A day's rows beside those of the same weekday that are its normal.

        Parameters
        ----------
        columns : collection of str or None
            Those that differ on the day.
        """
        days = self._days(day, columns)
        if days not in self._normals:
            self._normals[days] = Normal(self.connection, self.monitor, days)
        normal = self._normals[days]
        return Day(
            self.monitor,
            normal.like(self.monitor.cadence.level(day)),
            rows_of(self.connection, self.monitor, [day]),
            normal.bins,
            normal.importance,
            normal.relations,
            normal.learners(self.monitor.cadence.level(day)),
            partial(self._before, day),
            # Asked for more than once by what tells the same words.
            cache(partial(new_words, self.connection, self.monitor, day)),
        )

    def _before(self, day: dt.date) -> pd.DataFrame:
        """Rows of the days just before one, a sample where there are many."""
        days = [self.monitor.cadence.after(day, -number) for number in range(1, DAYS_BEFORE + 1)]
        return rows_of(self.connection, self.monitor, days, with_day=True)

    @cached_property
    def _accepted(self) -> list[AcceptedNormal]:
        return accepted_normals(self.connection, self.monitor)

    def _days(self, day: dt.date, columns: Collection[str | None]) -> tuple[dt.date, ...]:
        """Of a column's newest accepted normal, as all columns were on these days.

        A declared change re-anchors its own columns, and no others.
        """
        cadence = self.monitor.cadence
        newest = [
            normal
            for normal in self._accepted
            if normal.in_force_on <= day
            and len(normal.days(day, cadence)) >= LEAST_DAYS
            and (normal.what is None or normal.column in columns)
        ][-1:]
        return tuple(newest[0].days(day, cadence) if newest else self.monitor.reference_batches)


def rows_of(
    connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date], *, with_day: bool = False
) -> pd.DataFrame:
    """Monitored columns of days, a sample where they have many rows."""
    rows = read_rows(
        connection,
        monitor,
        days,
        most_rows=MOST_ROWS,
        with_day=with_day,
        with_projections=True,
    )
    return rows.drop(columns=VERSION)


@dataclass(frozen=True)
class Evidence:
    """What was measured of a monitor's days that may be wrong, by day.

    Attributes
    ----------
    alarms : mapping of date to sequence of Alarm
        And columns that are still away from the reference.
    errors : mapping of date to ErrorAlarm
    estimates : mapping of date to EstimatedAlarm
    volume : mapping of date to Breach
        Days with an unusual number of rows.
    metrics : mapping of date to sequence of Breach
        Of the team's own, and of the differences between groups.
    columns : mapping of date to sequence of ColumnChange
        Of the inference table.
    labels : mapping of date to LateLabels
        That are overdue.
    versions : mapping of date to NewVersion
        Of the model, that began to score just before.
    """

    alarms: Mapping[dt.date, Sequence[Alarm]]
    errors: Mapping[dt.date, ErrorAlarm]
    estimates: Mapping[dt.date, EstimatedAlarm]
    volume: Mapping[dt.date, Breach] = field(default_factory=dict)
    metrics: Mapping[dt.date, Sequence[Breach]] = field(default_factory=dict)
    columns: Mapping[dt.date, Sequence[ColumnChange]] = field(default_factory=dict)
    labels: Mapping[dt.date, LateLabels] = field(default_factory=dict)
    versions: Mapping[dt.date, NewVersion] = field(default_factory=dict)


def breaches_of_days(
    background: DiagnosisBackground, days: Sequence[Partition], evidence: Evidence
) -> dict[dt.date, list[Breach]]:
    """Breaches of each day, the most important first."""
    if not days:
        return {}
    connection, monitor = background.connection, background.monitor
    # Between two batches of a table that is filled once a week nothing is missing.
    counts = reference_counts(connection, monitor)
    between = days_between_batches(connection, monitor, counts, days)
    return {
        day.day: [] if day.day in between else _breaches_of_day(background, day, evidence)
        for day in days
    }


def _breaches_of_day(
    background: DiagnosisBackground, day: Partition, evidence: Evidence
) -> list[Breach]:
    volume, changes = evidence.volume.get(day.day), evidence.columns.get(day.day, ())
    of_table = of_columns(changes, background.monitor, is_failed=day.state == "failed")
    state = of_state(day, background.monitor.cadence)
    if of_table and state and state.kind == "schema_change":
        # That a column is gone is told once.
        state = None
    breaches = [breach for breach in (state, of_table, volume) if breach is not None]
    if day.state == "fresh" and day.day in evidence.labels:
        breaches.append(evidence.labels[day.day].breach(background.monitor))
    of_metrics = evidence.metrics.get(day.day, ()) if day.state == "fresh" else ()
    alarms, error = evidence.alarms.get(day.day, ()), evidence.errors.get(day.day)
    estimate = evidence.estimates.get(day.day) if error is None else None
    is_wrong = error is not None or any(alarm.is_new for alarm in alarms)
    found: list[Breach] = []
    if day.state == "fresh" and (is_wrong or (estimate and alarms)):
        rows = background.day(day.day, {alarm.column for alarm in alarms})
        found = breaches_of_rows(rows, alarms, error, estimate)
    elif estimate:
        found = [of_estimate(background.monitor, estimate, ())]
    told = with_volume([*breaches, *found])
    # A loss comes first, then a metric of the team's own and groups that are less alike, and what
    # arrived before what it changed.
    told = [*of_metrics, *told]
    told.sort(key=lambda breach: breach.family != "performance")
    if day.day in evidence.versions:
        told = [evidence.versions[day.day].named(breach, background.monitor) for breach in told]
    return [_with_rows(breach, day) for breach in told]


def breaches_of_rows(
    day: Day,
    alarms: Sequence[Alarm],
    error: ErrorAlarm | None,
    estimate: EstimatedAlarm | None = None,
) -> list[Breach]:
    """Breaches that the rows of a day show: the loss first, then changes by their importance.

    Parameters
    ----------
    alarms : sequence of Alarm
        Of the day, and what is away from the reference though it is no news.
    error : ErrorAlarm or None
        Of the day's labels.
    estimate : EstimatedAlarm or None
        Of the error while labels are to come.
    """
    found = causes(day, alarms, error_rose=bool(error or estimate))
    news = one_event([breach for breach in found if not breach.evidence.get("is_lasting")])
    if error:
        loss = Loss(day, error, alarms, found)
        told = of_loss(loss)
        is_of_pair = told.evidence.get("cause", {}).get("kind") == "correlation_shift"
        is_told = is_of_pair and loss.pair.columns in [breach.columns for breach in news]
        return [told, *([loss.pair] if is_of_pair and not is_told else []), *news]
    if estimate:
        return [of_estimate(day.monitor, estimate, found), *news]
    if news and news[0].column_name == day.monitor.prediction:
        return [of_other_predictions(day, news[0]), *news[1:]]
    return news


def _with_rows(breach: Breach, day: Partition) -> Breach:
    """A breach with how many rows of the day it concerns."""
    part = next((breach.evidence[key] for key in PARTS if key in breach.evidence), 1.0)
    rows = round(float(part) * day.row_count)
    return replace(breach, evidence={**breach.evidence, "rows_concerned": rows})


def signature(partition: Partition, evidence: Evidence) -> str:
    """Hash of all that a day's breaches rest on, 16 hexadecimal digits."""
    day = partition.day
    of_error = (evidence.errors.get(day), evidence.estimates.get(day))
    content = [
        VERSION_OF_DIAGNOSES,
        partition.state,
        partition.reason,
        partition.row_count,
        partition.fingerprint,
        partition.config_hash,
        [vars(evidence.volume[day])] if day in evidence.volume else [],
        sorted(json.dumps(vars(alarm), sort_keys=True) for alarm in evidence.alarms.get(day, ())),
        [
            {name: part for name, part in vars(alarm).items() if name != "cost" or part}
            for alarm in of_error
            if alarm
        ],
        # A day without one has the signature that it had before changes of columns were noted.
        *(vars(change) for change in evidence.columns.get(day, ())),
        *(vars(breach) for breach in evidence.metrics.get(day, ())),
        *([str(partition.gap)] if partition.gap else []),
        *([partition.event] if partition.event else []),
        *([vars(evidence.labels[day])] if day in evidence.labels else []),
        *([vars(evidence.versions[day])] if day in evidence.versions else []),
    ]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]
