"""The two baseline models that ship, each in one place: what it scores, learns and reads.

`trip_duration` reads what is known at pickup. The MLOps Zoomcamp example that Driftmeter grew from
predicts duration from fare and total amount, which the meter only knows at drop-off, when the
duration is known too; a model that leaks its target cannot be served, and its drift says nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, mean_absolute_error

# Longer trips are meters that were left running; shorter than nothing, clocks that were set.
LONGEST_TRIP_MINUTES = 120
GENEROUS_TIP_SHARE = 0.2
COURSE_INPUTS = [
    "passenger_count",
    "trip_distance",
    "fare_amount",
    "total_amount",
    "pickup_location_id",
    "dropoff_location_id",
]


@dataclass(frozen=True)
class BaselineModel:
    """One baseline model.

    Attributes
    ----------
    monitor : str
        The monitor whose predictions it makes.
    population : str
        SQL condition on ``raw.trips``: the trips it scores.
    raw_columns : tuple of str
        Columns of ``raw.trips`` that it reads, label and benchmark included.
    features : callable
        Frame of raw columns to frame of inputs; a pure function of each row.
    label : callable
        Frame of raw columns to the target.
    is_sane : callable
        Frame of raw columns to whether a row's label can be learned from. Holds for the training
        rows and the held-back rows of model and benchmark alike; scoring has no such filter.
    build : callable
        Makes the unfitted estimator.
    metric : {'mae', 'log_loss'}
        What the held-back rows are judged by; lower is better.
    benchmark : str
        Name of the estimator it has to beat on the same rows.
    benchmark_inputs : tuple of str
        Raw columns that the benchmark reads.
    build_benchmark : callable
        Makes the unfitted benchmark.
    """

    monitor: str
    population: str
    raw_columns: tuple[str, ...]
    features: Callable[[pd.DataFrame], pd.DataFrame]
    label: Callable[[pd.DataFrame], "pd.Series[float]"]
    is_sane: Callable[[pd.DataFrame], "pd.Series[bool]"]
    build: Callable[[], BaseEstimator]
    metric: str
    benchmark: str
    benchmark_inputs: tuple[str, ...]
    build_benchmark: Callable[[], BaseEstimator]

    def predict(self, estimator: BaseEstimator, inputs: pd.DataFrame) -> np.ndarray:
        """Predicted values, or the probability of the positive class; one a row."""
        if self.metric == "log_loss":
            return np.asarray(estimator.predict_proba(inputs)[:, 1])
        return np.asarray(estimator.predict(inputs))

    def score(self, label: "pd.Series[float]", predicted: np.ndarray) -> float:
        """The metric of predictions against the labels."""
        if self.metric == "log_loss":
            return float(log_loss(label, predicted, labels=[0, 1]))
        return float(mean_absolute_error(label, predicted))


def duration_minutes(trips: pd.DataFrame) -> "pd.Series[float]":
    """Minutes from pickup to drop-off."""
    seconds = (trips["dropoff_datetime"] - trips["pickup_datetime"]).dt.total_seconds()
    return seconds / 60


def features_at_pickup(trips: pd.DataFrame) -> pd.DataFrame:
    """What is known when a trip begins; its distance stands for the planned route."""
    pickup = trips["pickup_datetime"]
    return pd.DataFrame(
        {
            "pickup_hour": pickup.dt.hour + pickup.dt.minute / 60,
            "pickup_weekday": pickup.dt.dayofweek,
            "trip_distance": trips["trip_distance"],
            "pickup_location_id": trips["pickup_location_id"],
            "dropoff_location_id": trips["dropoff_location_id"],
            "passenger_count": trips["passenger_count"],
        }
    ).astype("float64")


def features_at_payment(trips: pd.DataFrame) -> pd.DataFrame:
    """What is known when the passenger pays: the fare, but neither tip nor total."""
    known = features_at_pickup(trips)
    for column in ("fare_amount", "extra", "tolls_amount", "vendor_id", "rate_code_id"):
        known[column] = trips[column].astype("float64")
    known["duration_minutes"] = duration_minutes(trips)
    return known


def is_generous_tip(trips: pd.DataFrame) -> "pd.Series[float]":
    """1 where the tip was at least a fifth of the fare, else 0."""
    return (trips["tip_amount"] >= GENEROUS_TIP_SHARE * trips["fare_amount"]).astype("float64")


TRIP_DURATION = BaselineModel(
    monitor="trip_duration",
    population="true",
    raw_columns=("pickup_datetime", "dropoff_datetime", *COURSE_INPUTS),
    features=features_at_pickup,
    label=duration_minutes,
    is_sane=lambda trips: duration_minutes(trips).between(
        0, LONGEST_TRIP_MINUTES, inclusive="right"
    ),
    build=lambda: HistGradientBoostingRegressor(
        max_iter=300, learning_rate=0.06, early_stopping=False, random_state=0
    ),
    metric="mae",
    benchmark="LinearRegression of the course, with fare and total",
    benchmark_inputs=tuple(COURSE_INPUTS),
    build_benchmark=LinearRegression,
)
TRIP_TIP = BaselineModel(
    monitor="trip_tip",
    # Only card payments (1) have their tips recorded.
    population="payment_type = 1",
    raw_columns=(
        "pickup_datetime",
        "dropoff_datetime",
        "passenger_count",
        "trip_distance",
        "pickup_location_id",
        "dropoff_location_id",
        "fare_amount",
        "extra",
        "tolls_amount",
        "tip_amount",
        "vendor_id",
        "rate_code_id",
    ),
    features=features_at_payment,
    label=is_generous_tip,
    is_sane=lambda trips: (trips["fare_amount"] > 0) & trips["tip_amount"].notna(),
    build=lambda: HistGradientBoostingClassifier(
        max_iter=80, learning_rate=0.05, early_stopping=False, random_state=0
    ),
    metric="log_loss",
    benchmark="share of generous tips",
    benchmark_inputs=("fare_amount",),
    build_benchmark=lambda: DummyClassifier(strategy="prior"),
)
MODELS = {model.monitor: model for model in (TRIP_DURATION, TRIP_TIP)}
