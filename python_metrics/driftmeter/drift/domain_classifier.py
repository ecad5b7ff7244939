"""A domain classifier: do all columns together differ from the reference?

It sees what no single column shows, such as a correlation that is gone while every column looks as
it did (Rabanser, Guennemann and Lipton 2019). The score is the area under the ROC curve of gradient
boosted trees that tell a day's rows from the reference's, out of fold: 0.5 is chance. Calendar
columns tell some days from others, so the null is fitted to the reference's own days.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from driftmeter.drift.encoding import Encoding
from driftmeter.drift.threads import one_thread

# Rows of the day: more cost time, and tell apart what does not matter.
MOST_ROWS = 1000
# Rows of the reference for each of them: few rows tell too little of what is usual.
RATIO = 3
FOLDS = 3
SEED = 5
# An area's variance under the null, times the day's rows (Mann and Whitney 1947).
ROW_VARIANCE = (1 + RATIO) / (12 * RATIO)


class DomainClassifier:
    """Tells rows from a reference's.

    Parameters
    ----------
    reference : pandas.DataFrame
        One column a monitored column; text is a category.
    target : str, optional
        Is not looked at: labels that are still to come would tell every day, and what becomes of
        the label given the inputs is the error's to say.
    """

    def __init__(self, reference: pd.DataFrame, target: str | None = None) -> None:
        self._names = [name for name in reference.columns if name != target]
        self._encoding = Encoding(reference[self._names])
        coded = self._encoding.encode(reference[self._names])
        # Rows have no order in the warehouse, and samples must not depend on the one they came in.
        self._order = np.lexsort(coded.T)
        self._reference = coded[self._order]

    def score(self, rows: pd.DataFrame, leave_out: npt.NDArray[np.bool_] | None = None) -> float:
        """Area under the ROC curve for telling the rows from the reference's, 0 to 1.

        Parameters
        ----------
        leave_out : array of bool, shape (reference rows,), optional
            Rows of the reference that are these very rows.
        """
        generator = np.random.default_rng(SEED)
        others = self._reference
        if leave_out is not None:
            others = others[~leave_out[self._order]]
        size = min(MOST_ROWS, len(rows), len(others))
        beside = min(RATIO * size, len(others))
        coded = self._encoding.encode(rows[self._names])
        day = coded[np.lexsort(coded.T)][generator.choice(len(rows), size, replace=False)]
        calm = others[generator.choice(len(others), beside, replace=False)]
        features = np.vstack([calm, day])
        labels = np.repeat([0, 1], [beside, size])
        scores = np.empty(len(labels))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
        with one_thread():
            for train, test in folds.split(features, labels):
                model = HistGradientBoostingClassifier(
                    max_iter=20,
                    max_leaf_nodes=8,
                    max_bins=32,
                    random_state=SEED,
                    early_stopping=False,
                )
                # scikit-learn cuts no bins of a column with one value.
                varied = np.ptp(features[train], axis=0) > 0
                model.fit(features[train][:, varied], labels[train])
                scores[test] = model.predict_proba(features[test][:, varied])[:, 1]
        return float(roc_auc_score(labels, scores))
