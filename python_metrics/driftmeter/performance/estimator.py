"""Estimates a model's error before labels come, from rows of the reference period only.

A regression's loss is learned directly from inputs and prediction (direct loss estimation, after
NannyML's). A classifier's is what its own probabilities expect once they are calibrated by isotonic
regression (confidence-based estimation; Guillory et al. 2021, Garg et al. 2022), of several
classes too (`class_chances`); without probabilities it is learned as a regression's. All are fitted
crosswise: what is said of a reference day comes from a fit on other days. How far such estimates
were from what came true, day by day, gives their interval (conformal: Vovk et al. 2005) and the
null of the test for concept drift.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.isotonic import IsotonicRegression

from driftmeter.alarms.day_null import DayNull, fit_day_null, judge_days
from driftmeter.drift.encoding import Encoding
from driftmeter.drift.threads import one_thread
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import ENOUGH_DAYS
from driftmeter.performance import daily_error, losses
from driftmeter.performance.class_chances import ClassChances
from driftmeter.performance.class_metrics import metrics_of, with_log_loss
from driftmeter.performance.daily_error import DayError, ReferenceDayError
from driftmeter.performance.decided import EXCESS
from driftmeter.performance.intervals import labelled_rows, point_metrics
from driftmeter.performance.outcomes import LOSS, has_prediction, in_range
from driftmeter.performance.row_value import ROW_VALUE, VALUE, worth_of
from driftmeter.quality.counts import Floats

SEED = 5
FOLDS = 4
# Losses beyond this quantile of the reference are not learned, only their mean is added: a label of
# a day's length, of which there are always some, would be learned as if its row were to blame.
CAPPED = 0.995
# A row's loss is a multiple of the expected one, or of this quantile of those where that is more.
LEAST_EXPECTED = 0.05
# An interval at 95% needs so many days: with fewer the extreme ones are not far enough out.
FEWEST_DAYS = 39
SegmentOfRows = tuple[str | None, str | None]
ALL_ROWS: SegmentOfRows = (None, None)


@dataclass(frozen=True)
class Estimate:
    """A metric that no label has told yet; the interval is None where it cannot be kept.

    Attributes
    ----------
    expected, deviation, p_value : float
        Of the estimated loss over all rows: what it is on the reference's days, how far a calm
        day is from it, and the two-sided p-value; NaN of others.
    """

    metric: str
    value: float
    lower: float | None
    upper: float | None
    expected: float = np.nan
    deviation: float = np.nan
    p_value: float = np.nan


@dataclass(frozen=True)
class Expected:
    """A day's rows with a prediction, and the losses to expect of each.

    Attributes
    ----------
    rows : pandas.DataFrame
        Index 0 to n - 1.
    losses : mapping of str to array of float, shape (n,)
        By the loss's name, capped; of a classifier the chance of the positive class, and of several
        classes the chance of each, of shape (n, classes).
    """

    rows: pd.DataFrame
    losses: Mapping[str, Floats]


class Estimator:
    """Estimates of one monitor, fitted on its reference.

    Parameters
    ----------
    monitor : Monitor
        With a target.
    reference : mapping of date to pandas.DataFrame
        The reference's rows by day, one column a monitored column.

    Attributes
    ----------
    reference_errors : list of ReferenceDayError
        Of the reference's days, each by a fit on other days.
    """

    def __init__(self, monitor: Monitor, reference: Mapping[dt.date, pd.DataFrame]) -> None:
        self._monitor = monitor
        known = {day: self._known(frame) for day, frame in reference.items()}
        days = [day for day, frame in known.items() if len(frame)]
        if not days:
            raise ValueError("no row of the reference period has a prediction")
        frames = [known[day] for day in days]
        rows = pd.concat(frames, ignore_index=True)
        number = np.repeat(np.arange(len(frames)), [len(frame) for frame in frames])
        self._names = [*monitor.features, monitor.prediction]
        self._encoding = Encoding(rows[self._names])
        self._caps = self._losses_capped(rows)
        crossed = self._crossed(rows, number)
        self._final = self._fit(rows)
        by_day = [
            (rows[number == day], {name: values[number == day] for name, values in crossed.items()})
            for day in range(len(frames))
        ]
        if monitor.task == "regression":
            self._multiples = self._usual_multiples(rows, crossed)
        self._distances = self._conformal(by_day)
        surprises = [self._surprise_of(rows, expected) for rows, expected in by_day]
        self._null = self._fit_null([excess for excess, _ in surprises], days)
        losses_by_day = [self._loss(Expected(rows, expected)) for rows, expected in by_day]
        self._estimates_null = self._fit_null(losses_by_day, days)
        found = {
            (EXCESS, "realised"): [
                self._surprise(*surprise, day)
                for day, surprise in zip(days, surprises, strict=True)
            ],
            (LOSS[monitor.task], "estimated"): [
                self._judge(self._estimates_null, rows, day)
                for day, rows in zip(days, losses_by_day, strict=True)
            ],
        }
        self.reference_errors = [
            ReferenceDayError.of(day, kind, metric, error)
            for (metric, kind), errors in found.items()
            for day, error in zip(days, errors, strict=True)
            if error is not None
        ]

    def expect(self, rows: pd.DataFrame) -> Expected:
        """What the inputs and predictions of a day make one expect.

        Parameters
        ----------
        rows : pandas.DataFrame
            One column a monitored column; the target is not looked at.
        """
        rows = self._known(rows)
        return Expected(rows, {} if rows.empty else self._expect(self._final, rows))

    def estimate(self, expected: Expected, day: dt.date) -> dict[SegmentOfRows, list[Estimate]]:
        """Metrics of a day by segment, without its labels."""
        rows = expected.rows
        if rows.empty:
            return {}
        estimates = {}
        for part, chosen in self._parts(rows):
            if part != ALL_ROWS and chosen.sum() < self._monitor.min_rows:
                continue
            values = self._summed(rows[chosen], _only(expected.losses, chosen))
            estimates[part] = [
                self._with_interval(part, metric, value, int(chosen.sum()))
                for metric, value in values.items()
                if np.isfinite(value)
            ]
        judged = self._judge(self._estimates_null, self._loss(expected), day)
        if judged is not None:
            # Of losses that are capped; the metric has the mean of what that takes off.
            usual = judged.expected + (self._caps["absolute"][1] if "absolute" in self._caps else 0)
            estimates[ALL_ROWS] = [
                replace(each, expected=usual, deviation=judged.deviation, p_value=judged.p_value)
                if each.metric == LOSS[self._monitor.task]
                else each
                for each in estimates[ALL_ROWS]
            ]
        return estimates

    def surprise(self, expected: Expected, day: dt.date) -> DayError | None:
        """Labelled rows of a day against what their inputs make one expect; None where too few.

        Its value is by how much a row's loss is beyond the expected one, as a share of that: the
        mean over rows for a regression, of the mean loss for a classifier.
        """
        return self._surprise(*self._surprise_of(expected.rows, expected.losses), day)

    def _known(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows[has_prediction(self._monitor, rows)].reset_index(drop=True)

    def _parts(self, rows: pd.DataFrame) -> Iterator[tuple[SegmentOfRows, npt.NDArray[np.bool_]]]:
        yield ALL_ROWS, np.ones(len(rows), dtype=bool)
        for segment in self._monitor.segments:
            values = rows[self._monitor.segment_columns[segment]]
            for value in sorted(values.dropna().unique()):
                yield (segment, str(value)), (values == value).to_numpy()

    def _labelled(self, rows: pd.DataFrame) -> pd.DataFrame:
        monitor = self._monitor
        return labelled_rows(rows, monitor.prediction, str(monitor.target), monitor.task)

    def _losses(self, labelled: pd.DataFrame) -> dict[str, Floats]:
        if self._monitor.task == "multiclass":
            return {"wrong": losses.wrong(labelled["prediction"], labelled["target"])}
        prediction, target = labelled["prediction"].to_numpy(), labelled["target"].to_numpy()
        if self._monitor.task == "regression":
            error = losses.absolute(prediction, target)
            return {"absolute": error, "square": error**2}
        return {"square": losses.brier(prediction, target)}

    def _losses_capped(self, rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
        """Where each loss is capped, and the mean of what that takes off."""
        caps = {}
        for name, loss in self._losses(self._labelled(rows)).items():
            if not len(loss):
                raise ValueError("no row of the reference period has a label")
            most = float(np.quantile(loss, CAPPED)) if self._monitor.task == "regression" else 1.0
            caps[name] = (most, float(np.maximum(loss - most, 0).mean()))
        # What a row is worth may be below 0, and the largest amounts count whole.
        return {**caps, VALUE: (np.inf, 0.0)}

    def _fit(self, rows: pd.DataFrame) -> Mapping[str, object]:
        labelled = self._labelled(rows)
        fitted: dict[str, object] = {}
        learned: dict[str, Floats] = {}
        if ROW_VALUE in labelled:
            labelled = labelled[np.isfinite(labelled[ROW_VALUE])]
            learned[VALUE] = labelled[ROW_VALUE].to_numpy()
        if self._monitor.task == "classification":
            calibrated = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
            fitted["chance"] = calibrated.fit(labelled["prediction"], labelled["target"])
        elif self._monitor.probabilities:
            fitted["chances"] = ClassChances.fit(labelled)
        else:
            learned |= self._losses(labelled)
        if not learned:
            return fitted
        inputs = self._encoding.encode(labelled[self._names])
        for name, loss in learned.items():
            model = HistGradientBoostingRegressor(
                max_iter=100,
                learning_rate=0.06,
                min_samples_leaf=40,
                early_stopping=False,
                random_state=SEED,
            )
            with one_thread():
                fitted[name] = model.fit(inputs, np.minimum(loss, self._caps[name][0]))
        return fitted

    def _expect(self, fitted: Mapping[str, object], rows: pd.DataFrame) -> dict[str, Floats]:
        """Expected losses of each row, capped; or the chance of its positive class."""
        expected: dict[str, Floats] = {}
        if "chance" in fitted:
            asked = rows[self._monitor.prediction].to_numpy(dtype=float)
            expected["chance"] = fitted["chance"].predict(asked)  # type: ignore[attr-defined]
            if self._has_worth:
                expected[VALUE] = worth_of(self._monitor, asked, expected["chance"])
        if "chances" in fitted:
            chances, prediction = fitted["chances"], self._monitor.prediction
            assert isinstance(chances, ClassChances)
            expected["chances"] = chances.of_rows(rows, prediction)
            expected["wrong"] = chances.of_error(rows, prediction, expected["chances"])
        learned = {name: model for name, model in fitted.items() if not name.startswith("chance")}
        if not learned:
            return expected
        inputs = self._encoding.encode(rows[self._names])
        with one_thread():
            for name, model in learned.items():
                values = model.predict(inputs)  # type: ignore[attr-defined]
                expected[name] = values if name == VALUE else np.maximum(values, 0.0)
        return expected

    @property
    def _has_worth(self) -> bool:
        """Whether a row's value follows from its class and its outcome alone."""
        return self._monitor.value is not None and self._monitor.value.sql is None

    def _crossed(self, rows: pd.DataFrame, number: npt.NDArray[np.int64]) -> dict[str, Floats]:
        """Expected losses of the reference's rows, each from a fit on other days."""
        expected: dict[str, Floats] = {}
        folds = min(FOLDS, int(number.max()) + 1)
        for fold in range(folds):
            chosen = number % folds == fold
            # A single day has no others.
            fitted = self._fit(rows[~chosen] if folds > 1 else rows)
            for name, values in self._expect(fitted, rows[chosen]).items():
                empty = np.zeros((len(rows), *values.shape[1:]))
                expected.setdefault(name, empty)[chosen] = values
        return expected

    def _summed(self, rows: pd.DataFrame, expected: Mapping[str, Floats]) -> dict[str, float]:
        """Metrics of rows whose losses are as expected."""
        if self._monitor.task == "regression":
            mean = {
                name: float(values.mean()) + self._caps[name][1]
                for name, values in expected.items()
            }
            of_value = {VALUE: mean[VALUE]} if VALUE in mean else {}
            return {"mae": mean["absolute"], "rmse": float(np.sqrt(mean["square"])), **of_value}
        if self._monitor.task == "multiclass":
            return self._summed_classes(rows, expected)
        asked = rows[self._monitor.prediction].to_numpy(dtype=float)
        metrics = point_metrics("classification", asked, expected["chance"])
        # Of chances that are calibrated there is nothing to learn about calibration.
        if VALUE in expected:
            metrics[VALUE] = float(expected[VALUE].mean())
        return {name: value for name, value in metrics.items() if name != "calibration_error"}

    def _summed_classes(
        self, rows: pd.DataFrame, expected: Mapping[str, Floats]
    ) -> dict[str, float]:
        wrong = float(expected["wrong"].mean())
        metrics = {"accuracy": 1 - wrong, "error_rate": wrong}
        chances = self._final.get("chances")
        if isinstance(chances, ClassChances):
            metrics = chances.metrics(rows, self._monitor.prediction, expected["chances"])
        of_value = {VALUE: float(expected[VALUE].mean())} if VALUE in expected else {}
        return {**metrics, **of_value}

    def _truth(self, labelled: pd.DataFrame) -> dict[str, float]:
        """Metrics of labelled rows, and what one of them was worth."""
        if self._monitor.task == "multiclass":
            truth = {
                name: float(values[0])
                for name, values in metrics_of(with_log_loss(labelled)).items()
            }
        else:
            truth = point_metrics(
                self._monitor.task, labelled["prediction"].to_numpy(), labelled["target"].to_numpy()
            )
        return {**truth, VALUE: self._mean_value(labelled)}

    def _excess(
        self, labelled: pd.DataFrame, expected: Mapping[str, Floats]
    ) -> tuple[Floats, Floats]:
        """Loss of each labelled row beyond the expected one, and the expected one."""
        if self._monitor.task == "regression":
            least, most, usual = self._multiples
            multiples = _as_multiples(self._losses(labelled), expected, least)
            return np.minimum(multiples, most) - usual, np.full(len(multiples), usual)
        if self._monitor.task == "multiclass":
            return self._losses(labelled)["wrong"] - expected["wrong"], expected["wrong"]
        prediction = labelled["prediction"].to_numpy()
        usual_loss = losses.brier(prediction, expected["chance"])
        return self._losses(labelled)["square"] - usual_loss, usual_loss

    def _usual_multiples(
        self, rows: pd.DataFrame, crossed: Mapping[str, Floats]
    ) -> tuple[float, float, float]:
        """The least expected loss that is held against, the cap of multiples, and their mean."""
        labelled = self._labelled(rows)
        expected = _only(crossed, rows.index.isin(labelled.index))
        least = max(float(np.quantile(expected["absolute"], LEAST_EXPECTED)), 1e-12)
        multiples = _as_multiples(self._losses(labelled), expected, least)
        most = float(np.quantile(multiples, daily_error.CAPPED))
        return least, most, max(float(np.minimum(multiples, most).mean()), 1e-12)

    def _conformal(
        self, by_day: Sequence[tuple[pd.DataFrame, dict[str, Floats]]]
    ) -> dict[tuple[SegmentOfRows, str], tuple[float, float, float]]:
        """How far truth was below and above the estimate, and of how many rows, by metric."""
        distances: dict[tuple[SegmentOfRows, str], list[tuple[float, int]]] = {}
        for rows, expected in by_day:
            labelled = self._labelled(rows)
            if labelled.empty:
                continue
            for part, chosen in self._parts(rows):
                known = chosen & rows.index.isin(labelled.index)
                if known.sum() < (self._monitor.min_rows if part != ALL_ROWS else 2):
                    continue
                truth = self._truth(labelled.loc[rows.index[known]])
                for metric, value in self._summed(rows[chosen], _only(expected, chosen)).items():
                    if np.isfinite(truth.get(metric, np.nan)) and np.isfinite(value):
                        distance = truth[metric] - value, int(known.sum())
                        distances.setdefault((part, metric), []).append(distance)
        return {
            key: _outermost(measured)
            for key, measured in distances.items()
            if len(measured) >= FEWEST_DAYS
        }

    def _mean_value(self, labelled: pd.DataFrame) -> float:
        """What a labelled row was worth; NaN where the monitor does not say."""
        if self._has_worth:
            known = labelled["prediction"].to_numpy(), labelled["target"].to_numpy()
            return float(worth_of(self._monitor, *known).mean())
        return float(labelled[ROW_VALUE].mean()) if ROW_VALUE in labelled else np.nan

    def _loss(self, day: Expected) -> Floats:
        """The loss to expect of each row."""
        if self._monitor.task == "regression":
            return day.losses["absolute"]
        if self._monitor.task == "multiclass":
            return day.losses["wrong"]
        asked = day.rows[self._monitor.prediction].to_numpy(dtype=float)
        return losses.brier(asked, day.losses["chance"])

    def _surprise_of(
        self, rows: pd.DataFrame, expected: Mapping[str, Floats]
    ) -> tuple[Floats, Floats]:
        """Loss of each labelled row of a day beyond the expected one, and the expected one."""
        labelled = self._labelled(rows)
        if labelled.empty:
            return np.zeros(0), np.zeros(0)
        return self._excess(labelled, _only(expected, rows.index.isin(labelled.index)))

    def _surprise(self, excess: Floats, usual: Floats, day: dt.date) -> DayError | None:
        judged = self._judge(self._null, excess, day)
        if judged is None:
            return None
        scale = float(usual.mean())
        beyond = (judged.value - judged.expected) / scale
        return replace(judged, value=beyond, expected=0.0, deviation=judged.deviation / scale)

    def _judge(self, null: DayNull | None, rows: Floats, day: dt.date) -> DayError | None:
        """The mean of a day's rows held against the null; None where there are too few."""
        if null is None or len(rows) < self._monitor.min_rows:
            return None
        mean, count = np.array([rows.mean()]), np.array([float(len(rows))])
        level = np.array([self._monitor.cadence.level(day)])
        judged = judge_days(null, mean, count, level)
        expected, deviation, p_value = (
            float(of_day[0]) for of_day in (judged.expected, judged.deviation, judged.p_value)
        )
        return DayError(float(mean[0]), expected, deviation, p_value, len(rows))

    def _fit_null(self, of_days: Sequence[Floats], days: Sequence[dt.date]) -> DayNull | None:
        """The null of a day's mean, from each reference day's rows; None of too few days."""
        kept = [place for place, rows in enumerate(of_days) if len(rows) >= self._monitor.min_rows]
        if len(kept) < ENOUGH_DAYS:
            return None
        counts = np.array([[float(len(of_days[place]))] for place in kept])
        means = np.array([[of_days[place].mean()] for place in kept])
        spread = np.average([of_days[place].var() for place in kept], weights=counts[:, 0])
        cadence = self._monitor.cadence
        levels = np.array([cadence.level(days[place]) for place in kept])
        return fit_day_null(
            means, counts, np.array([max(float(spread), 1e-12)]), levels, levels=cadence.levels
        )

    def _with_interval(self, part: SegmentOfRows, metric: str, value: float, rows: int) -> Estimate:
        known = self._distances.get((part, metric))
        if known is None:
            return Estimate(metric, value, None, None)
        below, above, usual = known
        # A day of fewer rows wanders more; one of more rows no less, for days differ too.
        wider = max(np.sqrt(usual / max(rows, 1)), 1.0)
        return Estimate(
            metric, value, *in_range(metric, value + below * wider, value + above * wider)
        )


def _outermost(distances: Sequence[tuple[float, int]]) -> tuple[float, float, float]:
    """Distances that hold a new day's with 95%: 2.5% of days on either side are further out."""
    distance = np.sort([distance for distance, _ in distances])
    place = max(int(np.floor(0.025 * (len(distance) + 1))), 1)
    rows = float(np.median([rows for _, rows in distances]))
    return float(distance[place - 1]), float(distance[-place]), rows


def _as_multiples(
    of_rows: Mapping[str, Floats], usual: Mapping[str, Floats], least: float
) -> Floats:
    """Absolute loss of each row as a multiple of the expected one.

    Such a loss varies as much as it is large: as multiples all rows tell alike, and as sums the few
    rows of large losses would drown the others.
    """
    multiples: Floats = of_rows["absolute"] / np.maximum(usual["absolute"], least)
    return multiples


def _only(expected: Mapping[str, Floats], chosen: npt.NDArray[np.bool_]) -> dict[str, Floats]:
    return {name: values[chosen] for name, values in expected.items()}
