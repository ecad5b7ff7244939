"""A domain classifier: can a day be told from the reference at all, by all columns together?

It sees what no single column shows, such as a correlation that is gone while every column looks as
it did (Rabanser, Guennemann and Lipton 2019). The score is the area under the ROC curve of gradient
boosted trees that tell a day's rows from the reference's, out of fold: 0.5 is chance. Calendar
columns tell some days from others, so the null is fitted to the reference's own days.
"""

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from python_metrics.calibration.day_null import LEAST_DAYS, DayNull, fit_day_null
from python_metrics.drift.inference_rows import MOST_REFERENCE_ROWS, read_rows
from python_metrics.encoding import Encoding
from python_metrics.monitors.config import Monitor
from python_metrics.threads import one_thread

# Rows of the day: more cost time, and tell apart what does not matter.
MOST_ROWS = 1000
# Rows of the reference for each of them: few rows tell too little of what is usual.
RATIO = 3
FOLDS = 3
SEED = 5
# An area's variance under the null, times the day's rows (Mann and Whitney 1947).
ROW_VARIANCE = (1 + RATIO) / (12 * RATIO)


def fit_classifier_null(connection: sa.Connection, monitor: Monitor) -> DayNull | None:
    """How well single reference days can be told from the others; None where too few can be tried.

    A day stands out by its weekday and its weather with nothing wrong, so the areas of calm days,
    not 0.5, are what a new day is held against.
    """
    span = monitor.reference
    days = [
        span.from_date + dt.timedelta(days=number)
        for number in range((span.to_date - span.from_date).days + 1)
    ]
    most = max(MOST_REFERENCE_ROWS // len(days), MOST_ROWS)
    frames = {
        day: frame
        for day in days
        if len(
            frame := read_rows(connection, monitor, [day], most_rows=most)[list(monitor.columns)]
        )
        >= max(monitor.min_rows, FOLDS)
    }
    if len(frames) < LEAST_DAYS:
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
        np.array([day.weekday() for day in frames]),
    )


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
