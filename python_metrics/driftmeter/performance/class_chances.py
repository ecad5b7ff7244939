"""The chance of each class to come true, from a model's own probabilities, calibrated.

Multiclass confidence-based performance estimation: each class's probability is calibrated against
the rest by isotonic regression, and a row's chances are scaled to add up to 1 (NannyML's M-CBPE;
Zadrozny and Elkan 2002). A row's expected error is the chance that its predicted class is not the
true one, and the expected confusion of a day is the sum of its rows' chances.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from driftmeter.drift.threads import one_thread
from driftmeter.performance.class_metrics import of_counts
from driftmeter.performance.class_probabilities import of_each_row, probabilities_in
from driftmeter.performance.losses import of_probability
from driftmeter.quality.counts import Floats

# Chances that add up to less tell nothing of which class it is.
LEAST_SUM = 1e-9


@dataclass(frozen=True)
class ClassChances:
    """What probabilities of classes have meant on labelled rows.

    Attributes
    ----------
    classes : tuple of str
    calibrated : tuple of IsotonicRegression
        Of each class.
    usual : mapping of str to array of float, shape (classes,)
        Shares of the true classes by the predicted one, for rows without probabilities.
    other : array of float, shape (classes,)
        The same over all rows, for a class that was never predicted.
    """

    classes: tuple[str, ...]
    calibrated: tuple[IsotonicRegression, ...]
    usual: Mapping[str, Floats]
    other: Floats

    @classmethod
    def fit(cls, labelled: pd.DataFrame) -> "ClassChances":
        """Fit rows with ``prediction`` and ``target``, and with the columns of probabilities."""
        classes, values = probabilities_in(labelled)
        target = labelled["target"].astype(object).to_numpy()
        is_known = np.isfinite(values).all(axis=1)
        with one_thread():
            calibrated = tuple(
                IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(
                    values[is_known, place], target[is_known] == name
                )
                for place, name in enumerate(classes)
                if is_known.any()
            )
        shares = pd.crosstab(labelled["prediction"].astype(object), target, normalize="index")
        shares = shares.reindex(columns=list(classes), fill_value=0.0)
        usual = dict(zip(shares.index, shares.to_numpy(dtype=float), strict=True))
        other = np.array([float(np.mean(target == name)) for name in classes])
        return cls(classes, calibrated, usual, other)

    def of_rows(self, rows: pd.DataFrame, prediction: str) -> Floats:
        """The chance of each class, of each row; shape (rows, classes)."""
        _, values = probabilities_in(rows)
        usual = [self.usual.get(name, self.other) for name in rows[prediction]]
        chances: Floats = np.array(usual, dtype=float).reshape(len(rows), len(self.classes))
        if not self.calibrated:
            return chances
        is_known = np.isfinite(values).all(axis=1)
        said = np.column_stack(
            [each.predict(values[is_known, at]) for at, each in enumerate(self.calibrated)]
        )
        total = said.sum(axis=1)
        told = np.flatnonzero(is_known)[total > LEAST_SUM]
        chances[told] = said[total > LEAST_SUM] / total[total > LEAST_SUM, None]
        return chances

    def metrics(self, rows: pd.DataFrame, prediction: str, chances: Floats) -> dict[str, float]:
        """Metrics to expect of rows with these chances."""
        predicted = rows[prediction].astype(object).to_numpy()
        # A class that is predicted and has no probability is always wrong.
        names = [*self.classes, *sorted({*predicted} - {*self.classes})]
        is_predicted = np.array([predicted == name for name in names])
        padded = np.pad(chances, ((0, 0), (0, len(names) - len(self.classes))))
        right = np.einsum("cn,nc->c", is_predicted.astype(float), padded)
        counts = (right, padded.sum(axis=0), is_predicted.sum(axis=1).astype(float))
        expected = of_counts(*(of_class[:, None] for of_class in counts))
        metrics = {name: float(values[0]) for name, values in expected.items()}
        _, values = probabilities_in(rows)
        losses = (chances * of_probability(values)).sum(axis=1)
        known = np.isfinite(losses)
        metrics["log_loss"] = float(losses[known].mean()) if known.any() else np.nan
        return metrics

    def of_error(self, rows: pd.DataFrame, prediction: str, chances: Floats) -> Floats:
        """The chance that each row's predicted class is wrong."""
        error: Floats = 1 - of_each_row(self.classes, chances, rows[prediction])
        return np.clip(error, 0.0, 1.0)
