"""Why an error rose: harder inputs, other predictions, or concept drift.

Two learners are fitted on the reference's rows, held back from those they are asked about: what the
model predicts for such inputs, and what comes true for such inputs. A prediction that is a class is
as far from the model's as the chance that such inputs get another class. On a day whose error rose,

- predictions that are not what the model gave for such inputs: the model is not what it was;
- an error that such inputs had in the reference too: harder rows came;
- neither: the relation of inputs and outcome has changed, which is concept drift.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier

from driftmeter.drift.encoding import Encoding
from driftmeter.drift.threads import one_thread
from driftmeter.monitors.config import Monitor
from driftmeter.performance.class_probabilities import of_each_row
from driftmeter.performance.daily_error import CAPPED
from driftmeter.performance.losses import cap_of, row_losses
from driftmeter.quality.counts import Floats

MOST_ROWS = 12_000
SEED = 11
FEWEST_LABELS = 200
# Predictions this many times as far from the model's as in the reference are another model's.
OTHER_MODEL_RATIO = 2.0
# So much of a rise in error is explained by inputs before they are its cause.
EXPLAINED_SHARE = 0.5
Learned = Callable[[Floats], Floats]
# Of rows and their inputs: how far each row's prediction is from what the model gives.
Given = Callable[[pd.DataFrame, Floats], Floats]
# Trees that tell classes from inputs, and the rows of a leaf at least.
TREES, LEAF = 60, 5


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


class Learners:
    """What the reference's rows make one expect of others; fitted on first use, and once.

    Parameters
    ----------
    reference : pandas.DataFrame
        One column a monitored column; rows without a prediction are left out.
    """

    def __init__(self, monitor: Monitor, reference: pd.DataFrame) -> None:
        self._monitor = monitor
        self._reference = reference

    def encode(self, rows: pd.DataFrame) -> Floats:
        """Rows' features as numbers."""
        return self._encoding.encode(rows[list(self._monitor.features)])

    @cached_property
    def _rows(self) -> pd.DataFrame:
        rows = _usable(self._monitor, self._reference)
        return rows.sample(MOST_ROWS, random_state=SEED) if len(rows) > MOST_ROWS else rows

    @cached_property
    def _encoding(self) -> Encoding:
        return Encoding(self._rows[list(self._monitor.features)])

    @cached_property
    def _inputs(self) -> Floats:
        return self.encode(self._rows)

    @cached_property
    def _given(self) -> "Given":
        """What the model gives for inputs; learned of every third row."""
        rows = self._rows.iloc[::3]
        if self._monitor.task == "multiclass":
            return _given_classes(self._inputs[::3], rows[self._monitor.prediction])
        learned = _learn(self._inputs[::3], _predictions(self._monitor, rows))
        return lambda rows, inputs: np.abs(_predictions(self._monitor, rows) - learned(inputs))

    @cached_property
    def _off(self) -> tuple[Learned, float]:
        """How far predictions are from that, by inputs, and on rows that neither learner saw."""
        off = self.off(self._rows, self._inputs)
        return _learn(self._inputs[1::3], off[1::3]), float(off[2::3].mean())

    def off(self, rows: pd.DataFrame, inputs: Floats) -> Floats:
        """How far rows' predictions are from what the model gives for their inputs."""
        return self._given(rows, inputs)

    def usually_off(self, inputs: Floats) -> float:
        """How far they are on average for such inputs: large values are further off."""
        usual, mean = self._off
        return max(float(usual(inputs).mean()), mean, 1e-12)

    @cached_property
    def loss(self) -> "LearnedLoss | None":
        """The loss that inputs had; None where too few rows have a label."""
        labelled = _labelled(self._monitor, self._rows)
        if labelled.sum() < FEWEST_LABELS:
            return None
        loss = row_losses(self._monitor, self._rows[labelled])
        # A few absurd labels would carry the mean.
        most = cap_of(self._monitor, loss, CAPPED)
        loss = np.minimum(loss, most)
        inputs = self._inputs[labelled]
        usual = _learn(inputs[::2], loss[::2])
        expected = float(usual(inputs[1::2]).mean())
        return LearnedLoss(usual, most, float(loss[1::2].mean()), expected)


@dataclass(frozen=True)
class LearnedLoss:
    """The loss that the reference's inputs had.

    Attributes
    ----------
    usual : callable
        Of inputs: their loss.
    most : float
        Larger ones count as this.
    mean, expected : float
        Of the rows that were held back: their mean loss, and what was expected of them.
    """

    usual: Learned
    most: float
    mean: float
    expected: float


def cause_of_error(
    monitor: Monitor, learners: Learners, day: pd.DataFrame, changed: Collection[str] = ()
) -> ErrorCause:
    """Tell a changed relation from changed rows and from a changed model.

    Parameters
    ----------
    learners : Learners
        Of the reference.
    day : pandas.DataFrame
        One column a monitored column; rows without a prediction are left out.
    changed : collection of str
        Features that are away from the reference: then inputs are not as before.
    """
    now = _usable(monitor, day)
    asked = learners.encode(now)
    ratio = float(learners.off(now, asked).mean() / learners.usually_off(asked))
    explained = _explained(monitor, learners.loss, now, asked)
    if ratio >= OTHER_MODEL_RATIO:
        reason = (
            f"predictions are {ratio:.1f} times as far from what the model gave for such inputs"
        )
        return ErrorCause("performance_drop", reason, ratio, explained)
    if explained >= EXPLAINED_SHARE:
        reason = f"harder inputs came: they explain {min(explained, 1):.0%} of the rise"
        return ErrorCause("performance_drop", reason, ratio, explained)
    reason = (
        "neither the inputs nor the predictions explain it, so what comes true for them changed"
    )
    if changed:
        columns = ", ".join(sorted(changed))
        reason = f"that {columns} changed does not explain it, so what comes true for them did too"
    return ErrorCause("concept_drift", reason, ratio, explained)


def _explained(
    monitor: Monitor, before: LearnedLoss | None, now: pd.DataFrame, asked: Floats
) -> float:
    """Share of the error's rise that such inputs had in the reference too."""
    labelled = _labelled(monitor, now)
    if before is None or labelled.sum() < 1:
        return 0.0
    loss = np.minimum(row_losses(monitor, now[labelled]), before.most)
    rise = loss.mean() - before.mean
    expected = before.usual(asked[labelled]).mean() - before.expected
    return float(expected / rise) if rise > 0 else 0.0


def _labelled(monitor: Monitor, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    if not monitor.target:
        return np.zeros(len(frame), bool)
    labelled: npt.NDArray[np.bool_] = frame[monitor.target].notna().to_numpy()
    return labelled


def _predictions(monitor: Monitor, rows: pd.DataFrame) -> Floats:
    predictions: Floats = rows[monitor.prediction].to_numpy(dtype=float)
    return predictions


def _usable(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame[monitor.prediction].notna()]


def _given_classes(inputs: Floats, classes: "pd.Series[str]") -> Given:
    """The chance that a row of such inputs gets another class than its own; fitted to classes."""
    forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=SEED, n_jobs=1).fit(
        inputs, classes.astype(str).to_numpy()
    )
    name = classes.name

    def off(rows: pd.DataFrame, asked: Floats) -> Floats:
        return 1 - of_each_row(forest.classes_, forest.predict_proba(asked), rows[name])

    return off


def _learn(inputs: Floats, values: Floats) -> Learned:
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
