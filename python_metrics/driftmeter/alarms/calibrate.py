"""Calibrates a monitor: fits every column and segment on its reference days, once."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from driftmeter import settings
from driftmeter.alarms.classifier_null import fit_classifier_null
from driftmeter.alarms.column import ColumnNull, calibrate_columns
from driftmeter.alarms.day_null import DayNull
from driftmeter.alarms.event_days import EventDays, SeenEvents
from driftmeter.arrival.labels_due import last_due, last_due_by
from driftmeter.monitors.cadence import DAILY, Cadence
from driftmeter.monitors.config import JUDGING_VERSION, Monitor
from driftmeter.monitors.requirements import LEAST_DAYS, too_few_days
from driftmeter.quality.counts import Counts
from driftmeter.quality.histograms import ColumnPart, load_counts


@dataclass(frozen=True)
class Calibration:
    """What calm looks like for a monitor.

    Attributes
    ----------
    columns : dict of ColumnPart to ColumnNull
    reference_days : int
        Days with rows that it rests on, those of known events left out.
    reference_rows : dict of ColumnPart to float
        Rows of the reference with a value, by column and segment.
    classifier : DayNull or None
        Of the domain classifier's area, one statistic.
    cadence : Cadence
        What a day is: the first one of a batch.
    events : mapping of str to mapping of ColumnPart to ColumnNull
        Of known events that the reference has seen on days enough.
    grows : bool
        Whether days that come will be added to its reference.
    """

    columns: dict[ColumnPart, ColumnNull]
    reference_days: int
    reference_rows: dict[ColumnPart, float]
    classifier: DayNull | None
    cadence: Cadence = DAILY
    events: SeenEvents = field(default_factory=dict)
    grows: bool = False

    @property
    def too_short(self) -> str | None:
        """Why it cannot keep a budget, or None where it can."""
        enough = self.reference_days >= LEAST_DAYS
        if enough:
            return None
        return too_few_days(self.reference_days, self.cadence, grows=self.grows)


def calibrate(
    engine: sa.Engine, monitor: Monitor, config_hash: str, cache: Path | None = None
) -> Calibration:
    """Calibrate a monitor.

    Parameters
    ----------
    config_hash : str
        Hash of the monitor's configuration and of the reference's rows.
    cache : Path, optional
        Directory that keeps what is slow to fit, the domain classifier's null, for the next run of
        the same rows and configuration.
    """
    with engine.connect() as connection:
        # Of a reference that goes on to the newest days, labels may be to come.
        due = min(last_due(connection, monitor), monitor.reference_span[1])
    name = f"{monitor.name}-classifier-{config_hash}-{due}-{JUDGING_VERSION}.npz"
    every = monitor.reference_batches
    with engine.begin() as connection:
        counts = load_counts(connection, monitor, every[0], every[-1])
        classifier = _classifier_null(connection, monitor, cache / name if cache else None)
    return _fitted(monitor, every, counts, classifier)


def calibrate_on(
    connection: sa.Connection,
    monitor: Monitor,
    classifier: DayNull | None,
    days: Sequence[dt.date],
    judged: dt.date,
) -> Calibration:
    """Calibrate a monitor on other days than its first ones.

    Parameters
    ----------
    classifier : DayNull or None
        As the first days have it.
    days : sequence of date
        In order.
    judged : date
        The day that is to be judged. Labels that are due on later days are not looked at, so that
        it makes no difference when it is.
    """
    if not days:
        return Calibration({}, 0, {}, classifier)
    every = monitor.cadence.batches(days[0], days[-1])
    is_chosen = np.isin(np.array(every), np.array(days))
    last_label = last_due_by(monitor, judged)
    has_labels = is_chosen & np.array([day <= last_label for day in every])
    counts = {
        part: each.with_rows_on(has_labels if part.column == monitor.target else is_chosen)
        for part, each in load_counts(connection, monitor, every[0], every[-1]).items()
    }
    return _fitted(monitor, every, counts, classifier)


def _fitted(
    monitor: Monitor,
    days: Sequence[dt.date],
    all_counts: Mapping[ColumnPart, Counts],
    classifier: DayNull | None,
) -> Calibration:
    """Fit every column and segment to days in a row; those of known events by themselves."""
    named = EventDays.among(monitor, days)
    counts = named.without(all_counts)
    rows_by_day = [part.rows > 0 for part in counts.values()]
    # Of a table that is filled once a week most days have no rows, and tell nothing of its parts.
    has_rows = np.any(rows_by_day, axis=0) if rows_by_day else np.zeros(0, dtype=bool)
    reference_days = int(has_rows.sum())
    usual = {
        part: part_counts
        for part, part_counts in counts.items()
        if reference_days and (part.is_all_rows or _is_usual(part_counts.rows[has_rows], monitor))
    }
    columns = calibrate_columns(usual)
    return Calibration(
        columns=columns,
        reference_days=reference_days,
        reference_rows={
            part: float(part_counts.known.sum()) for part, part_counts in usual.items()
        },
        classifier=classifier,
        cadence=monitor.cadence,
        events=named.seen(columns, all_counts),
        grows=monitor.reference.first is not None,
    )


def _classifier_null(
    connection: sa.Connection, monitor: Monitor, file: Path | None
) -> DayNull | None:
    """The null of the domain classifier's area, read from the file where it is kept."""
    if file is not None and file.exists():
        # Plain arrays: reading them runs nothing.
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        # One that an earlier version kept may have fewer fields or levels, and is fitted again.
        is_whole = {*arrays} == {each.name for each in fields(DayNull)}
        if not arrays or (is_whole and len(arrays["level"]) == monitor.cadence.levels):
            return DayNull(**arrays) if arrays else None
    null = fit_classifier_null(connection, monitor)
    if file is not None:
        settings.make_private(file.parent)
        new = file.with_suffix(".new.npz")
        np.savez(new, **(vars(null) if null else {}))
        new.rename(file)
    return null


def _is_usual(rows: Any, monitor: Monitor) -> bool:
    """Whether a segment has rows enough on most days with rows to be judged by the day."""
    return bool(np.median(rows) >= monitor.min_rows)
