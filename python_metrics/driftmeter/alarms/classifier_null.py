"""How well the domain classifier separates calm reference days from each other."""

import datetime as dt
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import sqlalchemy as sa

from driftmeter.alarms.day_null import DayNull, fit_day_null
from driftmeter.arrival.inference_rows import MOST_REFERENCE_ROWS, read_rows
from driftmeter.drift.domain_classifier import FOLDS, MOST_ROWS, ROW_VARIANCE, DomainClassifier
from driftmeter.monitors.cadence import HOURS
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import ENOUGH_DAYS

# Each batch that is tried costs a fit: of many hours every so many, at all hours of the day.
MOST_TRIED = 96


def _some(days: Sequence[dt.date]) -> Sequence[dt.date]:
    step = -(-len(days) // MOST_TRIED)
    while math.gcd(step, HOURS) > 1:
        step += 1
    return days[::step]


def fit_classifier_null(connection: sa.Connection, monitor: Monitor) -> DayNull | None:
    """How well single reference days can be told from the others; None where too few can be tried.

    A day stands out by its weekday and its weather with nothing wrong, so the areas of calm days,
    not 0.5, are what a new day is held against.
    """
    days = _some(monitor.reference_batches)
    most = max(MOST_REFERENCE_ROWS // len(days), MOST_ROWS)
    frames = {
        day: frame
        for day in days
        if len(
            frame := read_rows(connection, monitor, [day], most_rows=most, with_projections=True)[
                monitor.compared_together
            ]
        )
        >= max(monitor.min_rows, FOLDS)
    }
    if len(frames) < ENOUGH_DAYS:
        return None
    reference = pd.concat(frames.values(), ignore_index=True)
    classifier = DomainClassifier(reference, monitor.target)
    of_row = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames.values()])
    areas = [
        classifier.score(frame, leave_out=of_row == number)
        for number, frame in enumerate(frames.values())
    ]
    sizes = [min(len(frame), MOST_ROWS) for frame in frames.values()]
    return fit_day_null(
        np.array(areas)[:, None],
        np.array(sizes, dtype=float)[:, None],
        np.array([ROW_VARIANCE]),
        np.array([monitor.cadence.level(day) for day in frames]),
        levels=monitor.cadence.levels,
    )
