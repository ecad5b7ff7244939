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

from python_metrics.calibration.verdicts import policy_of
from python_metrics.drift.inference_rows import VERSION, every_day, read_rows
from python_metrics.incidents.alarm import Alarm
from python_metrics.incidents.arrival import Partition, of_state, of_volume, reference_counts
from python_metrics.incidents.breach import Breach
from python_metrics.incidents.cause import Day, causes, is_broad
from python_metrics.incidents.distance import Bins, fit_bins
from python_metrics.incidents.importance import feature_importance
from python_metrics.incidents.relations import (
    Relations,
    correlation_shift,
    fit_relations,
    is_plain,
)
from python_metrics.monitors.config import Monitor
from python_metrics.performance.cause import OTHER_MODEL, cause_of_error, row_losses
from python_metrics.performance.concept import concept_alarms
from python_metrics.performance.daily_error import (
    CAPPED,
    ErrorAlarm,
    daily_errors,
    error_alarms,
    most_loss,
)
from python_metrics.performance.estimated_alarm import EstimatedAlarm, estimated_alarms

# Part of a day's signature: other diagnoses of the same alarms must be written anew.
VERSION_OF_DIAGNOSES = "7"
# Rows of either side that a diagnosis reads: shares to a hundredth, whatever the day's size.
MOST_ROWS = 20_000
# With fewer rows of its weekday a day is held against the whole reference.
FEWEST_ROWS = 500
# An alarm so little over its threshold does not explain an error that rose plainly.
FAINT = 1.3


@dataclass(frozen=True)
class Background:
    """What a monitor's days are diagnosed against; its rows are read when first needed."""

    connection: sa.Connection
    monitor: Monitor
    _like: dict[int, pd.DataFrame] = field(default_factory=dict)

    @cached_property
    def reference(self) -> pd.DataFrame:
        """Rows of the reference, a sample where there are many."""
        span = self.monitor.reference
        return self._rows(every_day(span.from_date, span.to_date))

    @cached_property
    def bins(self) -> dict[str, Bins]:
        """Bins of every column, from the whole reference."""
        return {
            name: fit_bins(column.kind, self.reference[name])
            for name, column in self.monitor.columns.items()
        }

    @cached_property
    def importance(self) -> dict[str, float]:
        """How much of the prediction hangs on each feature."""
        return feature_importance(self.monitor, self.reference)

    @cached_property
    def relations(self) -> Relations:
        """How features go together, in the whole reference."""
        return fit_relations(self.monitor.features, self.reference)

    def day(self, day: dt.date) -> Day:
        """A day's rows beside those of the reference's same weekday."""
        return Day(
            self.monitor,
            self._like_day(day.weekday()),
            self._rows([day]),
            self.bins,
            self.importance,
            self.relations,
        )

    def _like_day(self, weekday: int) -> pd.DataFrame:
        if weekday not in self._like:
            span = self.monitor.reference
            every = every_day(span.from_date, span.to_date)
            self._like[weekday] = self._rows([day for day in every if day.weekday() == weekday])
        found = self._like[weekday]
        return found if len(found) >= FEWEST_ROWS else self.reference

    def _rows(self, days: Sequence[dt.date]) -> pd.DataFrame:
        found = read_rows(self.connection, self.monitor, days, most_rows=MOST_ROWS)
        return found.drop(columns=VERSION)


def breaches_of_days(
    background: Background,
    days: Sequence[Partition],
    alarms: Mapping[dt.date, Sequence[Alarm]],
) -> dict[dt.date, list[Breach]]:
    """Breaches of each day, the most important first."""
    connection, monitor = background.connection, background.monitor
    if not days:
        return {}
    level = policy_of(monitor).level
    volume = of_volume(reference_counts(connection, monitor), days, level)
    span, most = monitor.reference, most_loss(connection, monitor)
    daily = daily_errors(connection, monitor, days[0].day, days[-1].day, most)
    usual = daily_errors(connection, monitor, span.from_date, span.to_date, most)
    # An error may be as ever and yet too large: easier rows came.
    errors = concept_alarms(connection, monitor, daily, level) | error_alarms(
        monitor, usual, daily, level
    )
    estimated = estimated_alarms(connection, monitor, days[0].day, days[-1].day)
    found = {}
    for day in days:
        arrived = [of_state(day), volume.get(day.day)]
        said = [breach for breach in arrived if breach is not None]
        todays, error = alarms.get(day.day, ()), errors.get(day.day)
        is_estimated = day.day in estimated and error is None
        is_asked = error is not None or any(alarm.is_new for alarm in todays)
        if day.state == "fresh" and (is_asked or (is_estimated and todays)):
            said += breaches_of_rows(background.day(day.day), todays, error, is_estimated)
        if is_estimated:
            said = _with_estimate(said, estimated[day.day], monitor)
        found[day.day] = said
    return found


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
    if not _can_carry(first, error, day):
        of_error = _of_error(day, error, alarms, breaches)
        if of_error:
            return [of_error, *news]
    if first.kind == "mix_shift" or first.strength < FAINT or first not in news:
        # Such inputs are within what the model knows, and what it usually makes of them too; and
        # what has lasted came without this error before.
        of_error = _of_error(day, error, alarms, breaches)
        is_other = of_error and float(of_error.evidence.get("prediction_ratio", 0.0)) >= OTHER_MODEL
        if of_error and (is_other or of_error.kind == "concept_drift"):
            return [of_error, *news]
    # Inputs that are wrong make wrong predictions: one story, told once.
    return [_with_error(first, error), *(breach for breach in news if breach is not first)]


def _with_estimate(
    said: Sequence[Breach], estimate: EstimatedAlarm, monitor: Monitor
) -> list[Breach]:
    """What inputs that are wrong will do to the error, or the estimate alone."""
    of_inputs = [
        place
        for place, each in enumerate(said)
        if each.column_name and _is_of_inputs(each, monitor)
    ]
    evidence = {"estimate": vars(estimate)}
    if not of_inputs:
        alone = Breach(
            "performance_drop",
            f"{estimate.says[0].upper()}{estimate.says[1:]}.",
            column_name=monitor.prediction,
            columns=(monitor.prediction, str(monitor.target)),
            strength=estimate.value / estimate.expected,
            evidence=evidence,
        )
        return [*said, alone]
    place = of_inputs[0]
    first = said[place]
    together = replace(
        first,
        diagnosis=f"{first.diagnosis[:-1]}; {estimate.says}.",
        evidence={**first.evidence, **evidence},
    )
    return [*said[:place], together, *said[place + 1 :]]


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
    told = f"{breach.diagnosis[:-1]}; the {_rose(error)}."
    return replace(breach, diagnosis=told, evidence={**breach.evidence, "error": vars(error)})


def _rose(error: ErrorAlarm) -> str:
    return f"{error.metric} rose to {error.error:.3g}, {error.beside} {error.expected:.3g}"


def _of_error(
    day: Day, error: ErrorAlarm | None, alarms: Sequence[Alarm], breaches: Sequence[Breach]
) -> Breach | None:
    """What an error that rose, or predictions that moved alone, are put down to."""
    monitor = day.monitor
    changed = {str(alarm.column) for alarm in alarms if alarm.column in monitor.features}
    cause = cause_of_error(monitor, day.reference, day.rows, changed)
    if error is None and cause.prediction_ratio < OTHER_MODEL:
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


def signature(partition: Partition, alarms: Sequence[Alarm]) -> str:
    """Hash of all that a day's breaches rest on, 16 hexadecimal digits."""
    content = [
        VERSION_OF_DIAGNOSES,
        partition.state,
        partition.reason,
        partition.row_count,
        partition.fingerprint,
        partition.config_hash,
        sorted(json.dumps(vars(alarm), sort_keys=True) for alarm in alarms),
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
