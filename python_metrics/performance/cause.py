"""Why an error rose: other inputs, another model, or another world.

Two learners are fitted on the reference's rows, held back from those they are asked about: what the
model predicts for such inputs, and what comes true for such inputs. On a day whose error rose,

- predictions that are not what the model gave for such inputs: the model is not what it was;
- an error that such inputs had in the reference too: harder rows came;
- neither: the relation of inputs and outcome has changed, which is concept drift.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from python_metrics.calibration.counts import Floats
from python_metrics.encoding import Encoding
from python_metrics.monitors.config import Monitor
from python_metrics.performance.daily_error import CAPPED
from python_metrics.performance.losses import row_losses
from python_metrics.threads import one_thread

MOST_ROWS = 12_000
SEED = 11
FEWEST_LABELS = 200
# Predictions this many times as far from the model's as in the reference are another model's.
OTHER_MODEL_RATIO = 2.0
# So much of a rise in error is explained by inputs before they are its cause.
EXPLAINED_SHARE = 0.5


@dataclass(frozen=True)
class ErrorCause:
    """What an error's rise is put down to.

    Attributes
    ----------
    kind : {'concept_drift', 'performance_drop'}
    reason : str
    prediction_ratio : float
        How far predictions are from what the model gave for such inputs, over the reference's.
    explained_by_inputs : float
        Share of the rise that such inputs had in the reference too.
    """

    kind: Literal["concept_drift", "performance_drop"]
    reason: str
    prediction_ratio: float
    explained_by_inputs: float


def cause_of_error(
    monitor: Monitor,
    reference: pd.DataFrame,
    day: pd.DataFrame,
    changed: Collection[str] = (),
) -> ErrorCause:
    """Tell a changed relation from changed rows and from a changed model.

    Parameters
    ----------
    reference, day : pandas.DataFrame
        One column a monitored column; rows without a prediction are left out.
    changed : collection of str
        Features that are away from the reference: then inputs are not as before.
    """
    before, now = _usable(monitor, reference), _usable(monitor, day)
    if len(before) > MOST_ROWS:
        before = before.sample(MOST_ROWS, random_state=SEED)
    names = list(monitor.features)
    encoding = Encoding(before[names])
    inputs, asked = encoding.encode(before[names]), encoding.encode(now[names])
    third = np.arange(len(before)) % 3
    prediction = before[monitor.prediction].to_numpy(dtype=float)
    given = _learn(inputs[third == 0], prediction[third == 0])
    off = np.abs(prediction - given(inputs))
    # Large values are further off than small ones: how far is usual hangs on the inputs too.
    usual = _learn(inputs[third == 1], off[third == 1])
    off_now = np.abs(now[monitor.prediction].to_numpy(dtype=float) - given(asked)).mean()
    expected = max(usual(asked).mean(), off[third == 2].mean(), 1e-12)
    ratio = float(off_now / expected)
    explained = _explained(monitor, before, now, inputs, asked)
    if ratio >= OTHER_MODEL_RATIO:
        reason = (
            f"predictions are {ratio:.1f} times as far from what the model gave for such inputs"
        )
        return ErrorCause("performance_drop", reason, ratio, explained)
    if explained >= EXPLAINED_SHARE:
        reason = f"harder inputs came: they explain {min(explained, 1):.0%} of the rise"
        return ErrorCause("performance_drop", reason, ratio, explained)
    reason = "inputs and predictions are as before, what comes true for them is not"
    if changed:
        columns = ", ".join(sorted(changed))
        reason = f"that {columns} changed does not explain it, so what comes true for them did too"
    return ErrorCause("concept_drift", reason, ratio, explained)


def _explained(
    monitor: Monitor, before: pd.DataFrame, now: pd.DataFrame, inputs: Floats, asked: Floats
) -> float:
    """Share of the error's rise that such inputs had in the reference too."""
    labelled, labelled_now = (
        frame[str(monitor.target)].notna().to_numpy()
        if monitor.target
        else np.zeros(len(frame), bool)
        for frame in (before, now)
    )
    if labelled.sum() < FEWEST_LABELS or labelled_now.sum() < 1:
        return 0.0
    loss, loss_now = row_losses(monitor, before[labelled]), row_losses(monitor, now[labelled_now])
    # A few absurd labels would carry both means.
    most = float(np.quantile(loss, CAPPED))
    loss, loss_now = np.minimum(loss, most), np.minimum(loss_now, most)
    of_fit = np.arange(len(loss)) % 2 == 0
    rows = inputs[labelled]
    usual = _learn(rows[of_fit], loss[of_fit])
    rise = loss_now.mean() - loss[~of_fit].mean()
    expected = usual(asked[labelled_now]).mean() - usual(rows[~of_fit]).mean()
    return float(expected / rise) if rise > 0 else 0.0


def _usable(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame[monitor.prediction].notna()]


def _learn(inputs: Floats, values: Floats) -> Callable[[Floats], Floats]:
    """A function of inputs that was fitted to values."""
    varied = np.ptp(inputs, axis=0) > 0
    model = HistGradientBoostingRegressor(max_iter=80, random_state=SEED, early_stopping=False)
    with one_thread():
        model.fit(inputs[:, varied], values)

    def learned(asked: Floats) -> Floats:
        with one_thread():
            predicted: Floats = model.predict(asked[:, varied])
        return predicted

    return learned
