"""Scores a day of trips with the active baseline model: the worked example's batch job."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sklearn.base import BaseEstimator

from python_metrics.errors import DriftmeterError
from python_metrics.example.models import artifact
from python_metrics.example.models.baseline import MODELS, BaselineModel
from python_metrics.example.models.raw_frame import read_trips
from python_metrics.warehouse.copy import copy_in


@dataclass(frozen=True)
class ActiveModel:
    """A model that is ready to score, and the version that its predictions carry."""

    model: BaselineModel
    model_version: str
    estimator: BaseEstimator


def load_active(engine: sa.Engine, monitor: str, home: Path) -> ActiveModel:
    """The active version of a monitor's baseline model.

    Raises
    ------
    DriftmeterError
        If none was trained, or its file is not the one on record.
    """
    query = sa.text(
        "select model_version, artifact, artifact_sha256 from metrics.model_versions"
        " where monitor = :monitor and is_active"
    )
    with engine.connect() as connection:
        row = connection.execute(query, {"monitor": monitor}).first()
    if row is None:
        raise DriftmeterError(
            f"no baseline model of {monitor} has been trained",
            where="metrics.model_versions",
            fix="`driftmeter demo` trains it first; in Dagster, materialize raw/baseline_models",
        )
    estimator = artifact.load(home / row.artifact, row.artifact_sha256)
    return ActiveModel(MODELS[monitor], row.model_version, estimator)


def load_challengers(engine: sa.Engine, monitor: str, home: Path) -> list[ActiveModel]:
    """Versions that score beside the active one, whose predictions nobody acts on."""
    query = sa.text(
        "select model_version, artifact, artifact_sha256 from metrics.model_versions"
        " where monitor = :monitor and is_challenger order by model_version"
    )
    with engine.connect() as connection:
        rows = connection.execute(query, {"monitor": monitor}).all()
    return [
        ActiveModel(
            MODELS[monitor],
            row.model_version,
            artifact.load(home / row.artifact, row.artifact_sha256),
        )
        for row in rows
    ]


def score_day(
    engine: sa.Engine,
    active: ActiveModel,
    day: dt.date,
    challengers: Sequence[ActiveModel] = (),
) -> int:
    """Replace a day's predictions of one monitor; gives the rows of the active version.

    The active version's go to ``raw.predictions``, the others' to ``raw.challenger_predictions``.
    """
    with engine.begin() as connection:
        trips = read_trips(connection, active.model, day, day)
        for table in ("predictions", "challenger_predictions"):
            connection.execute(
                sa.text(
                    f"delete from raw.{table} where partition_date = :day and monitor = :monitor"
                ),
                {"day": day, "monitor": active.model.monitor},
            )
        if trips.empty:
            return 0
        for challenger in challengers:
            copy_in(connection, "raw.challenger_predictions", _predictions(challenger, trips))
        return copy_in(connection, "raw.predictions", _predictions(active, trips))


def _predictions(version: ActiveModel, trips: pd.DataFrame) -> pa.Table:
    rows = pd.DataFrame(
        {
            "partition_date": trips["partition_date"],
            "monitor": version.model.monitor,
            "model_version": version.model_version,
            "trip_id": trips["trip_id"],
            "prediction": version.model.predict(version.estimator, version.model.features(trips)),
        }
    )
    return pa.Table.from_pandas(rows, preserve_index=False)
