"""Everything that was wrong on one day of one monitor, read from the warehouse."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
import sqlalchemy as sa

from driftmeter.arrival.column_changes import ColumnChange
from driftmeter.arrival.inference_rows import VERSION, read_rows
from driftmeter.arrival.reference_counts import reference_counts
from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.arrival import (
    Partition,
    days_between_batches,
    of_columns,
    of_state,
)
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.cause import Day, causes, is_broad
from driftmeter.incidents.distance import Bins, fit_bins
from driftmeter.incidents.importance import feature_importance
from driftmeter.incidents.late_labels import LateLabels
from driftmeter.incidents.relations import Relations, correlation_shift, fit_relations, is_plain
from driftmeter.incidents.words import told_apart
from driftmeter.monitors.baselines import AcceptedNormal, accepted_normals
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import every_day
from driftmeter.performance.alarms import ErrorAlarm, EstimatedAlarm
from driftmeter.performance.daily_error import CAPPED
from driftmeter.performance.error_cause import OTHER_MODEL_RATIO, Learners, cause_of_error
from driftmeter.performance.losses import row_losses

# Part of a day's signature: other diagnoses of the same alarms must be written anew.
VERSION_OF_DIAGNOSES = "9"
# Rows of either side that a diagnosis reads: shares to a hundredth, whatever the day's size.
MOST_ROWS = 20_000
# With fewer rows of its weekday a day is held against the whole reference.
FEWEST_ROWS = 500
# An alarm so little over its threshold does not explain an error that rose plainly.
FAINT_RATIO = 1.3


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
        return rows_of(self.connection, self.monitor, self.days)

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
        return fit_relations(self.monitor.features, self.rows)

    def like(self, weekday: int) -> pd.DataFrame:
        """Rows of one weekday; all where these are few."""
        if weekday not in self._like:
            days = [day for day in self.days if day.weekday() == weekday]
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

    def day(self, day: dt.date) -> Day:
        """A day's rows beside those of the same weekday that are its normal."""
        days = self._days(day)
        if days not in self._normals:
            self._normals[days] = Normal(self.connection, self.monitor, days)
        normal = self._normals[days]
        return Day(
            self.monitor,
            normal.like(day.weekday()),
            rows_of(self.connection, self.monitor, [day]),
            normal.bins,
            normal.importance,
            normal.relations,
            normal.learners(day.weekday()),
        )

    @cached_property
    def _accepted(self) -> list[AcceptedNormal]:
        return accepted_normals(self.connection, self.monitor)

    def _days(self, day: dt.date) -> tuple[dt.date, ...]:
        """Of a column's newest accepted normal, as all columns were on these days."""
        newest = [normal for normal in self._accepted if normal.in_force_on <= day][-1:]
        span = self.monitor.reference
        return tuple(newest[0].days(day) if newest else every_day(span.from_date, span.to_date))


def rows_of(connection: sa.Connection, monitor: Monitor, days: Sequence[dt.date]) -> pd.DataFrame:
    """Monitored columns of days, a sample where they have many rows."""
    return read_rows(connection, monitor, days, most_rows=MOST_ROWS).drop(columns=VERSION)


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
    columns : mapping of date to sequence of ColumnChange
        Of the inference table.
    labels : mapping of date to LateLabels
        That are overdue.
    """

    alarms: Mapping[dt.date, Sequence[Alarm]]
    errors: Mapping[dt.date, ErrorAlarm]
    estimates: Mapping[dt.date, EstimatedAlarm]
    volume: Mapping[dt.date, Breach] = field(default_factory=dict)
    columns: Mapping[dt.date, Sequence[ColumnChange]] = field(default_factory=dict)
    labels: Mapping[dt.date, LateLabels] = field(default_factory=dict)


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
    state = of_state(day)
    if of_table and state and state.kind == "schema_change":
        # That a column is gone is told once.
        state = None
    breaches = [breach for breach in (state, of_table, volume) if breach is not None]
    if day.state == "fresh" and day.day in evidence.labels:
        breaches.append(evidence.labels[day.day].breach(background.monitor))
    alarms, error = evidence.alarms.get(day.day, ()), evidence.errors.get(day.day)
    estimate = evidence.estimates.get(day.day) if error is None else None
    is_wrong = error is not None or any(alarm.is_new for alarm in alarms)
    if day.state == "fresh" and (is_wrong or (estimate and alarms)):
        rows = background.day(day.day)
        breaches += breaches_of_rows(rows, alarms, error, is_estimated=estimate is not None)
    return _with_estimate(breaches, estimate, background.monitor) if estimate else breaches


def breaches_of_rows(
    day: Day, alarms: Sequence[Alarm], error: ErrorAlarm | None, is_estimated: bool = False
) -> list[Breach]:
    """Breaches that the rows of a day show, the most important first.

    Parameters
    ----------
    alarms : sequence of Alarm
        Of the day, and what is away from the reference though it is no news.
    error : ErrorAlarm or None
        Of the day's labels.
    is_estimated : bool
        Whether the error is too high by estimate.
    """
    breaches = causes(day, alarms, error_rose=error is not None or is_estimated)
    if error is None and not (breaches and breaches[0].column_name == day.monitor.prediction):
        return breaches
    if not breaches or not _is_of_inputs(breaches[0], day.monitor):
        of_error = _of_error(day, error, alarms, breaches)
        return [of_error] if of_error else breaches
    assert error is not None
    first = breaches[0]
    news = [breach for breach in breaches if not breach.evidence.get("is_lasting")]
    # Such inputs are within what the model knows, and what it usually makes of them too; and what
    # has lasted came without this error before.
    is_known = first.kind == "mix_shift" or first.strength < FAINT_RATIO or first not in news
    is_enough = _can_carry(first, error, day)
    if is_known or not is_enough:
        of_error = _of_error(day, error, alarms, breaches)
        assert of_error is not None
        off = float(of_error.evidence.get("prediction_ratio", 0.0))
        if not is_enough or off >= OTHER_MODEL_RATIO or of_error.kind == "concept_drift":
            # A pair that no longer goes together may be found on either way.
            return [of_error, *(breach for breach in news if breach.columns != of_error.columns)]
    # Inputs that are wrong make wrong predictions: one story, told once.
    return [_with_error(first, error), *(breach for breach in news if breach is not first)]


def _with_estimate(
    breaches: Sequence[Breach], estimate: EstimatedAlarm, monitor: Monitor
) -> list[Breach]:
    """What inputs that are wrong will do to the error, or the estimate alone."""
    sentence, evidence = _estimated(estimate), {"estimate": vars(estimate)}
    of_inputs = (b for b in breaches if b.column_name and _is_of_inputs(b, monitor))
    first = next(of_inputs, None)
    if first is None:
        alone = Breach(
            "performance_drop",
            f"{sentence[0].upper()}{sentence[1:]}.",
            column_name=monitor.prediction,
            columns=(monitor.prediction, str(monitor.target)),
            strength=estimate.value / estimate.expected,
            evidence=evidence,
        )
        return [*breaches, alone]
    together = replace(
        first,
        diagnosis=f"{first.diagnosis[:-1]}; {sentence}.",
        evidence={**first.evidence, **evidence},
    )
    return [together if breach is first else breach for breach in breaches]


def _is_of_inputs(breach: Breach, monitor: Monitor) -> bool:
    if breach.kind == "correlation_shift":
        # The classifier sees labels too: without a pair of inputs it is their relation that went.
        return is_plain(breach)
    return breach.column_name != monitor.prediction


def _can_carry(breach: Breach, error: ErrorAlarm, day: Day) -> bool:
    """Whether the rows that changed are enough for the rise, were each as wrong as rows get."""
    share = float(breach.evidence.get("share_of_others", 1.0))
    labelled = day.reference[day.reference[str(day.monitor.target)].notna()]
    most = float(np.nanquantile(row_losses(day.monitor, labelled), CAPPED))
    return share * (most - error.expected) >= error.error - error.expected


def _with_error(breach: Breach, error: ErrorAlarm) -> Breach:
    diagnosis = f"{breach.diagnosis[:-1]}; the {_rose(error)}."
    return replace(breach, diagnosis=diagnosis, evidence={**breach.evidence, "error": vars(error)})


def _rose(error: ErrorAlarm) -> str:
    rose, expected = told_apart(error.error, error.expected)
    return f"{error.metric} rose to {rose}, {error.beside} {expected}"


def _estimated(estimate: EstimatedAlarm) -> str:
    value, expected = told_apart(estimate.value, estimate.expected)
    lower, upper = told_apart(estimate.lower, estimate.upper)
    return (
        f"the {estimate.metric} is estimated at {value} ({lower} to {upper}), reference"
        f" {expected}; its labels are still to come"
    )


def _of_error(
    day: Day, error: ErrorAlarm | None, alarms: Sequence[Alarm], breaches: Sequence[Breach]
) -> Breach | None:
    """What an error that rose, or predictions that moved alone, are put down to."""
    monitor = day.monitor
    changed = {str(alarm.column) for alarm in alarms if alarm.column in monitor.features}
    cause = cause_of_error(monitor, day.learners, day.rows, changed)
    if error is None and cause.prediction_ratio < OTHER_MODEL_RATIO:
        return None
    if error:
        # Inputs that never went together so are new to any model; but a column that changed in
        # many rows goes with the others in another way for that alone.
        broad = {name for breach in breaches if is_broad(breach) for name in breach.columns}
        pair = correlation_shift(day.relations, day.rows, moved=changed, without=broad)
        if is_plain(pair):
            return _with_error(pair, error)
    of_inputs = bool(breaches) and _is_of_inputs(breaches[0], monitor)
    moved = () if of_inputs else [name for breach in breaches for name in breach.columns]
    strength = breaches[0].strength if breaches and not of_inputs else 0.0
    reason = cause.reason[0].upper() + cause.reason[1:]
    of_target = [monitor.target] if monitor.target and error else []
    return Breach(
        cause.kind,
        f"The {_rose(error)}: {cause.reason}." if error else f"{reason}.",
        column_name=monitor.target if cause.kind == "concept_drift" else monitor.prediction,
        columns=tuple(dict.fromkeys([*of_target, monitor.prediction, *moved])),
        strength=error.error / error.expected if error else strength,
        evidence={
            **(vars(error) if error else {}),
            "prediction_ratio": cause.prediction_ratio,
            "explained_by_inputs": cause.explained_by_inputs,
        },
    )


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
        [vars(alarm) for alarm in of_error if alarm],
        # A day without one has the signature that it had before changes of columns were noted.
        *(vars(change) for change in evidence.columns.get(day, ())),
        *([str(partition.gap)] if partition.gap else []),
        *([vars(evidence.labels[day])] if day in evidence.labels else []),
    ]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]
