"""Everything that was wrong on one day of one monitor, read from the warehouse."""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import sqlalchemy as sa

from python_metrics.calibration.verdicts import policy_of
from python_metrics.drift.inference_rows import VERSION, read_rows
from python_metrics.incidents.arrival import Partition, of_state, of_volume, reference_counts
from python_metrics.incidents.breach import Breach
from python_metrics.incidents.cause import Alarm, Day, causes
from python_metrics.incidents.importance import feature_importance
from python_metrics.monitors.config import Monitor
from python_metrics.performance.cause import cause_of_error
from python_metrics.performance.daily_error import ErrorAlarm, daily_errors, error_alarms

# Part of a day's signature: other diagnoses of the same alarms must be written anew.
VERSION_OF_DIAGNOSES = "1"
# Rows of either side that a diagnosis reads: shares to a hundredth, whatever the day's size.
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Background:
    """What a monitor's days are diagnosed against; its rows are read when first needed."""

    connection: sa.Connection
    monitor: Monitor

    @cached_property
    def reference(self) -> pd.DataFrame:
        """Rows of the reference, a sample where there are many."""
        days = self.monitor.reference
        return self.rows(days.from_date, days.to_date)

    @cached_property
    def importance(self) -> dict[str, float]:
        """How much of the prediction hangs on each feature."""
        return feature_importance(self.monitor, self.reference)

    def rows(self, first: dt.date, last: dt.date) -> pd.DataFrame:
        """Rows of days, a sample where there are many."""
        found = read_rows(self.connection, self.monitor, first, last)
        if len(found) > MOST_ROWS:
            found = found.sample(MOST_ROWS, random_state=1)
        return found.drop(columns=VERSION).reset_index(drop=True)


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
    span = monitor.reference
    errors = error_alarms(
        monitor,
        daily_errors(connection, monitor, span.from_date, span.to_date),
        daily_errors(connection, monitor, days[0].day, days[-1].day),
        level,
    )
    found = {}
    for day in days:
        arrived = [of_state(day), volume.get(day.day)]
        said = [breach for breach in arrived if breach is not None]
        if day.state == "fresh" and (alarms.get(day.day) or day.day in errors):
            rows = Day(
                monitor,
                background.reference,
                background.rows(day.day, day.day),
                background.importance,
            )
            said += breaches_of_rows(rows, alarms.get(day.day, ()), errors.get(day.day))
        found[day.day] = said
    return found


def breaches_of_rows(day: Day, alarms: Sequence[Alarm], error: ErrorAlarm | None) -> list[Breach]:
    """Breaches that the rows of a day show, the most important first."""
    monitor, found = day.monitor, causes(day, alarms)
    if error is None:
        return found
    numbers = {"metric": error.metric, "error": error.error, "reference_error": error.expected}
    rose = f"{error.metric} rose to {error.error:.3g}, reference {error.expected:.3g}"
    if found and found[0].column_name != monitor.prediction:
        # Inputs that are wrong make wrong predictions: one story, told once.
        first = found[0]
        told = f"{first.diagnosis[:-1]}; the {rose}."
        found[0] = Breach(
            **{**vars(first), "diagnosis": told, "evidence": {**first.evidence, "error": numbers}}
        )
        return found
    cause = cause_of_error(monitor, day.reference, day.rows)
    target = str(monitor.target)
    moved = [column for breach in found for column in breach.columns]
    return [
        Breach(
            cause.kind,
            f"The {rose}: {cause.says}.",
            column_name=target if cause.kind == "concept_drift" else monitor.prediction,
            columns=tuple(dict.fromkeys([target, monitor.prediction, *moved])),
            strength=error.error / error.expected,
            evidence={
                **numbers,
                "p_value": error.p_value,
                "labelled": error.labelled,
                "prediction_ratio": cause.prediction_ratio,
                "explained_by_inputs": cause.explained_by_inputs,
            },
        )
    ]


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
