"""How much a monitor's prediction depends on each feature.

A model is not always at hand where its predictions are, so its behaviour is learned from them:
trees fitted from the reference's features to its predictions, and by how much their error grows
when one feature is shuffled on rows held back (permutation importance, Breiman 2001).
"""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.inspection import permutation_importance

from driftmeter.drift.encoding import Encoding
from driftmeter.drift.threads import one_thread
from driftmeter.monitors.config import Monitor
from driftmeter.performance.outcomes import has_prediction

MOST_ROWS = 6000
SEED = 3


def feature_importance(monitor: Monitor, reference: pd.DataFrame) -> dict[str, float]:
    """Importance of each feature, 0 to 1, summing to 1; nothing where no prediction varies.

    Parameters
    ----------
    reference : pandas.DataFrame
        One column a monitored column.
    """
    names = list(monitor.features)
    known = reference[has_prediction(monitor, reference)]
    if len(known) > MOST_ROWS:
        known = known.sample(MOST_ROWS, random_state=SEED)
    is_class = monitor.task == "multiclass"
    prediction = known[monitor.prediction].astype(str if is_class else float).to_numpy()
    if len(known) < 200 or len(np.unique(prediction)) < 2:
        return {}
    features = known[names]
    inputs = Encoding(features).encode(features)
    varied = np.ptp(inputs, axis=0) > 0
    half = len(known) // 2
    model: BaseEstimator = HistGradientBoostingRegressor(
        max_iter=60, random_state=SEED, early_stopping=False
    )
    if is_class:
        # Boosting has a tree a class, of which there may be many.
        model = RandomForestClassifier(60, min_samples_leaf=5, random_state=SEED, n_jobs=1)
    with one_thread():
        model.fit(inputs[:half][:, varied], prediction[:half])
        shuffled = permutation_importance(
            model, inputs[half:][:, varied], prediction[half:], n_repeats=2, random_state=SEED
        )
    weights = np.zeros(len(names))
    weights[varied] = np.maximum(shuffled.importances_mean, 0)
    total = weights.sum()
    return dict(zip(names, (weights / total).tolist(), strict=True)) if total > 0 else {}
