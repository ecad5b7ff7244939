"""A monitor's calibration: every column and segment, fitted on its reference days once."""

from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from driftmeter.alarms.cache import Calibration, load, save
from driftmeter.alarms.classifier_null import fit_classifier_null
from driftmeter.alarms.column import calibrate_column
from driftmeter.arrival.labels_due import last_due
from driftmeter.monitors.config import JUDGING_VERSION, Monitor
from driftmeter.quality.histograms import load_counts


def calibrate(
    engine: sa.Engine, monitor: Monitor, config_hash: str, cache: Path | None = None
) -> Calibration:
    """Calibrate a monitor, or read what was calibrated for the same rows and configuration.

    Parameters
    ----------
    config_hash : str
        Hash of the monitor's configuration and of the reference's rows.
    cache : Path, optional
        Directory of calibrations.
    """
    days = monitor.reference
    with engine.connect() as connection:
        # Of a reference that goes on to the newest days, labels may be to come.
        due = min(last_due(connection, monitor), days.to_date)
    name = f"{monitor.name}-{config_hash}-{due}-{JUDGING_VERSION}.npz"
    file = cache / name if cache else None
    if file is not None and file.exists():
        return load(file)
    with engine.begin() as connection:
        counts = load_counts(connection, monitor, days.from_date, days.to_date)
        classifier = fit_classifier_null(connection, monitor)
    every_day = [part.rows > 0 for part in counts.values()]
    # Of a table that is filled once a week most days have no rows, and tell nothing of its parts.
    has_rows = np.any(every_day, axis=0) if every_day else np.zeros(0, dtype=bool)
    reference_days = int(has_rows.sum())
    usual = {
        part: part_counts
        for part, part_counts in counts.items()
        if reference_days and _is_usual(part_counts.rows[has_rows], monitor)
    }
    calibration = Calibration(
        columns={part: calibrate_column(part_counts) for part, part_counts in usual.items()},
        reference_days=reference_days,
        reference_rows={
            part: float(part_counts.known.sum()) for part, part_counts in usual.items()
        },
        classifier=classifier,
    )
    if file is not None:
        save(calibration, file)
    return calibration


def _is_usual(rows: Any, monitor: Monitor) -> bool:
    """Whether a segment has rows enough on most days with rows to be judged by the day."""
    return bool(np.median(rows) >= monitor.min_rows)
