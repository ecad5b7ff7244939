"""Scores a day of trips with the active baseline model: the worked example's batch job."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sklearn.base import BaseEstimator

from python_metrics.errors import DriftmeterError
from python_metrics.inference import artifact
from python_metrics.inference.models import MODELS, BaselineModel
from python_metrics.inference.raw_frame import read_trips
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
            fix="`driftmeter run` trains it first; in Dagster, materialize raw/baseline_models",
        )
    estimator = artifact.load(home / row.artifact, row.artifact_sha256)
    return ActiveModel(MODELS[monitor], row.model_version, estimator)


def score_day(engine: sa.Engine, active: ActiveModel, day: dt.date) -> int:
    """Replace a day's predictions of one monitor in ``raw.predictions``; gives the rows written."""
    with engine.begin() as connection:
        trips = read_trips(connection, active.model, day, day)
        connection.execute(
            sa.text(
                "delete from raw.predictions where partition_date = :day and monitor = :monitor"
            ),
            {"day": day, "monitor": active.model.monitor},
        )
        if trips.empty:
            return 0
        rows = pd.DataFrame(
            {
                "partition_date": trips["partition_date"],
                "monitor": active.model.monitor,
                "model_version": active.model_version,
                "trip_id": trips["trip_id"],
                "prediction": active.model.predict(active.estimator, active.model.features(trips)),
            }
        )
        return copy_in(
            connection, "raw.predictions", pa.Table.from_pandas(rows, preserve_index=False)
        )
