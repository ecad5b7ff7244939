"""Which column of vectors moved, where only all columns together tell a day."""

import numpy as np
import pandas as pd

from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.breach import Breach
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.derived_columns import derived_name, projected_names
from driftmeter.quality.counts import Floats

# By so many standard errors the mean of a projection moves that is named.
PLAIN_ERRORS = 5.0


def moved_vectors(
    monitor: Monitor, reference: pd.DataFrame, rows: pd.DataFrame, together: Alarm
) -> Breach | None:
    """The vectors whose mean is most elsewhere; None where no projection shows one.

    Parameters
    ----------
    reference, rows : pandas.DataFrame
        With the projections of the vectors.
    together : Alarm
        That of all columns together.
    """
    moved = {name: _moved(reference, rows, projected_names(name)) for name in monitor.vectors}
    vector, (size, errors) = max(moved.items(), key=lambda one: one[1][1], default=("", (0.0, 0.0)))
    if errors <= PLAIN_ERRORS:
        return None
    norm = derived_name(vector, "norm")
    return Breach(
        "correlation_shift",
        f"{vector} has moved: the mean of its vectors is {size:.2g} standard deviations from the"
        " reference's, though no other column has changed.",
        column_name=norm,
        columns=(norm,),
        strength=together.ratio,
        evidence={
            "area": together.score,
            "threshold": together.threshold,
            "vector": vector,
            "deviations": size,
            "errors": errors,
        },
    )


def _moved(reference: pd.DataFrame, rows: pd.DataFrame, names: list[str]) -> tuple[float, float]:
    """By how much the mean of a projection moved most: in standard deviations, and in errors."""
    before, now = _known(reference, names), _known(rows, names)
    if len(before) < 2 or not len(now):
        return 0.0, 0.0
    spread = np.maximum(before.std(axis=0), 1e-300)
    sizes = np.abs(now.mean(axis=0) - before.mean(axis=0)) / spread
    most = float(sizes.max())
    return most, most / float(np.sqrt(1 / len(before) + 1 / len(now)))


def _known(frame: pd.DataFrame, names: list[str]) -> Floats:
    numbers: Floats = frame[names].to_numpy(dtype=float)
    return numbers[np.isfinite(numbers).all(axis=1)]
