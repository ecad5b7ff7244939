"""The rows of a day that its intervals are drawn from."""

import datetime as dt
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from driftmeter.arrival.inference_rows import VERSION
from driftmeter.drift.threads import one_thread
from driftmeter.monitors.config import Monitor
from driftmeter.performance.class_metrics import intervals_of_classes, with_log_loss
from driftmeter.performance.estimator import SegmentOfRows
from driftmeter.performance.intervals import (
    Interval,
    Weights,
    bootstrap,
    draw_weights,
    labelled_rows,
)


@dataclass(frozen=True)
class Sample:
    """Labelled rows of a day, and how often each comes in each replicate.

    Attributes
    ----------
    rows : pandas.DataFrame
        With ``prediction`` and ``target`` as numbers, shape (rows, columns); of several classes as
        text.
    weights : array of int, shape (rows, replicates)
    """

    monitor: Monitor
    rows: pd.DataFrame
    weights: Weights

    def intervals(
        self, version: str | None, part: SegmentOfRows, labelled: int
    ) -> dict[str, Interval]:
        """How far each metric of a version and part reaches to either side.

        Parameters
        ----------
        labelled : int
            Labelled rows of that part, in all.
        """
        chosen = rows_in(self.monitor, self.rows, version, part)
        if self.monitor.task == "multiclass":
            return intervals_of_classes(self.rows[chosen], labelled, self.weights[chosen])
        prediction, target = (
            self.rows[name].to_numpy()[chosen] for name in ("prediction", "target")
        )
        # Products of matrices this small are done before a second thread has begun.
        with one_thread("blas"):
            return bootstrap(self.monitor.task, prediction, target, labelled, self.weights[chosen])


def sample_of(monitor: Monitor, day: dt.date, frame: pd.DataFrame) -> Sample:
    """Draw the weights of a day's rows.

    Rows without a label have some too, so that a label that comes late changes none of the others.
    The seed is the day's own: the same whatever else is measured with it.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows of the day, or a sample of them, in the order of their id.
    """
    generator = np.random.default_rng(zlib.crc32(f"{monitor.name} {day}".encode()))
    weights = draw_weights(len(frame), generator)
    frame = frame.reset_index(drop=True)
    rows = labelled_rows(frame, monitor.prediction, str(monitor.target), monitor.task)
    if monitor.task == "multiclass":
        rows = with_log_loss(rows)
    return Sample(monitor, rows, weights[rows.index])


def rows_in(
    monitor: Monitor, frame: pd.DataFrame, version: str | None, part: SegmentOfRows
) -> npt.NDArray[np.bool_]:
    """Which rows of a frame are of a version and part; shape (rows,)."""
    chosen = frame[VERSION] == version if version is not None else frame[VERSION].isna()
    segment, value = part
    if segment is not None:
        chosen &= frame[monitor.segment_columns[segment]] == value
    inside: npt.NDArray[np.bool_] = chosen.to_numpy(dtype=bool)
    return inside
