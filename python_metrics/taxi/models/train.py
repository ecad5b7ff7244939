"""Trains a baseline model on declared days, and only on those."""

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import sklearn
import sqlalchemy as sa
from sklearn.base import BaseEstimator

from driftmeter.drift.threads import one_thread
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Days
from taxi.models import artifact
from taxi.models.baseline_models import MODELS, BaselineModel
from taxi.models.raw_frame import read_trips

HELD_BACK_SHARE_OF_DAYS = 0.2
FEWEST_ROWS = 200


@dataclass(frozen=True)
class TrainedModel:
    """A row of ``metrics.model_versions``; model and benchmark are held to the same rows."""

    monitor: str
    model_version: str
    algorithm: str
    trained_from: dt.date
    trained_to: dt.date
    train_rows: int
    train_metric: str
    train_value: float
    holdout_value: float
    benchmark: str
    benchmark_value: float
    artifact: str
    artifact_sha256: str
    data_source: str


def train_baseline(
    engine: sa.Engine,
    monitor: str,
    days: Days,
    *,
    data_source: str,
    home: Path,
    challenger: bool = False,
) -> TrainedModel:
    """Train the baseline model of a monitor and make it the active version, or a challenger.

    The last fifth of the days is held back to measure the model and its benchmark on the same
    rows; then the model is fitted again on all declared days.

    Parameters
    ----------
    engine : sqlalchemy.Engine
        The warehouse; ``raw.trips`` is read.
    monitor : str
        A key of `MODELS`.
    days : Days
        The declared days.
    data_source : str
        Signature of the source that the trips came from.
    home : Path
        Driftmeter's directory; the file goes to ``home/models``.
    challenger : bool
        Scores beside the active version, which stays the active one.

    Raises
    ------
    DriftmeterError
        If the declared days hold too few rows to learn from.
    """
    model = MODELS[monitor]
    with engine.connect() as connection:
        trips = read_trips(connection, model, days.from_date, days.to_date)
    trips = trips[model.is_sane(trips)]
    if len(trips) < FEWEST_ROWS:
        raise DriftmeterError(
            f"{days.from_date} to {days.to_date} hold {len(trips)} trips, but training "
            f"needs {FEWEST_ROWS}",
            where=f"baseline_model.trained of {monitor}",
            fix="declare days that the source has",
        )
    fitting, held_back = _split(trips)
    estimator = _fit(model, fitting)
    holdout = model.score(
        model.label(held_back), model.predict(estimator, model.features(held_back))
    )
    benchmark = _benchmark(model, fitting, held_back)
    estimator = _fit(model, trips)
    train_value = model.score(model.label(trips), model.predict(estimator, model.features(trips)))
    version = f"{monitor}-{days.to_date:%Y-%m}-{_fingerprint(model, trips, estimator)}"
    path = home / "models" / monitor / f"{version}.joblib"
    trained = TrainedModel(
        monitor=monitor,
        model_version=version,
        algorithm=type(estimator).__name__,
        trained_from=days.from_date,
        trained_to=days.to_date,
        train_rows=len(trips),
        train_metric=model.metric,
        train_value=train_value,
        holdout_value=holdout,
        benchmark=model.benchmark,
        benchmark_value=benchmark,
        artifact=str(path.relative_to(home)),
        artifact_sha256=artifact.save(estimator, path),
        data_source=data_source,
    )
    _record(engine, trained, challenger)
    return trained


def _fit(model: BaselineModel, trips: pd.DataFrame) -> BaseEstimator:
    with one_thread():
        return model.build().fit(model.features(trips), model.label(trips))


def _split(trips: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Whole days, the last ones held back: a random split would leak a day's weather."""
    days = sorted(trips["partition_date"].unique())
    first_held_back = days[-max(1, round(len(days) * HELD_BACK_SHARE_OF_DAYS))]
    is_held_back = trips["partition_date"] >= first_held_back
    if is_held_back.all():
        raise DriftmeterError(
            f"all trips are of one day, {days[0]}",
            where="baseline_model.trained",
            fix="declare two days or more, so that one can be held back",
        )
    return trips[~is_held_back], trips[is_held_back]


def _benchmark(model: BaselineModel, fitting: pd.DataFrame, held_back: pd.DataFrame) -> float:
    inputs = list(model.benchmark_inputs)
    # LinearRegression takes no nulls; the few there are get the column's median.
    medians = fitting[inputs].median()
    benchmark = model.build_benchmark().fit(fitting[inputs].fillna(medians), model.label(fitting))
    return model.score(
        model.label(held_back), model.predict(benchmark, held_back[inputs].fillna(medians))
    )


def _fingerprint(model: BaselineModel, trips: pd.DataFrame, estimator: object) -> str:
    """Eight digits that the same rows, settings and library give again."""
    content = hashlib.sha256(pd.util.hash_pandas_object(trips, index=False).to_numpy().tobytes())
    settings = {"estimator": repr(estimator), "scikit-learn": sklearn.__version__}
    content.update(json.dumps([model.monitor, settings], sort_keys=True).encode())
    return content.hexdigest()[:8]


def _record(engine: sa.Engine, trained: TrainedModel, challenger: bool) -> None:
    row: dict[str, object] = {
        **asdict(trained),
        "is_active": not challenger,
        "is_challenger": challenger,
    }
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    updates = ", ".join(f"{name} = excluded.{name}" for name in row)
    with engine.begin() as connection:
        if challenger:
            _refuse_active(connection, trained)
        else:
            connection.execute(
                sa.text(
                    "update metrics.model_versions set is_active = false,"
                    # A challenger of trips of another source has nothing to say of these.
                    " is_challenger = is_challenger and data_source = :source"
                    " where monitor = :monitor"
                ),
                {"monitor": trained.monitor, "source": trained.data_source},
            )
        connection.execute(
            sa.text(
                f"insert into metrics.model_versions ({names}) values ({values})"
                f" on conflict (monitor, model_version) do update set {updates},"
                " computed_at = now()"
            ),
            row,
        )


def _refuse_active(connection: sa.Connection, trained: TrainedModel) -> None:
    query = sa.text(
        "select is_active from metrics.model_versions"
        " where monitor = :monitor and model_version = :version"
    )
    asked = {"monitor": trained.monitor, "version": trained.model_version}
    if connection.scalar(query, asked):
        raise DriftmeterError(
            f"{trained.model_version} is already the active version: the days and settings are "
            "the same",
            where="--from, --to",
            fix="train on other days",
        )
