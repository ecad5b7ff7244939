"""Scores days of trips with the active baseline model: the worked example's batch job."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sklearn.base import BaseEstimator

from driftmeter.drift.threads import one_thread
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.copy import copy_in
from taxi.models import artifact
from taxi.models.baseline_models import MODELS, BaselineModel
from taxi.models.raw_frame import read_trips

# Trips that are in memory at once, about 100 MB of them.
BLOCK_ROWS = 200_000
TRIPS_BY_DAY = sa.text(
    "select partition_date, count(*) from raw.trips"
    " where partition_date between :first and :last group by partition_date"
)


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


def score_days(
    engine: sa.Engine,
    active: ActiveModel,
    days: Sequence[dt.date],
    challengers: Sequence[ActiveModel] = (),
) -> dict[dt.date, int]:
    """Replace the predictions of days in a row of one monitor; gives the active version's rows.

    The active version's go to ``raw.predictions``, the others' to ``raw.challenger_predictions``.
    Days are replaced in blocks, one transaction for each: to call a model takes as long as to score
    some thousand rows.
    """
    with engine.connect() as connection:
        span = {"first": days[0], "last": days[-1]}
        trips = dict(connection.execute(TRIPS_BY_DAY, span).tuples().all())
    scored = dict.fromkeys(days, 0)
    for block in _blocks(days, trips):
        scored |= _score_block(engine, active, block, challengers)
    return scored


def _blocks(days: Sequence[dt.date], trips: Mapping[dt.date, int]) -> Iterator[list[dt.date]]:
    """Days in a row, as many as hold no more than so many trips, but one at least."""
    block: list[dt.date] = []
    rows = 0
    for day in days:
        rows += trips.get(day, 0)
        if block and rows > BLOCK_ROWS:
            yield block
            block, rows = [], trips.get(day, 0)
        block.append(day)
    yield block


def _score_block(
    engine: sa.Engine,
    active: ActiveModel,
    days: Sequence[dt.date],
    challengers: Sequence[ActiveModel],
) -> dict[dt.date, int]:
    with engine.begin() as connection:
        trips = read_trips(connection, active.model, days[0], days[-1])
        for table in ("predictions", "challenger_predictions"):
            connection.execute(
                sa.text(
                    f"delete from raw.{table} where monitor = :monitor"
                    " and partition_date between :first and :last"
                ),
                {"first": days[0], "last": days[-1], "monitor": active.model.monitor},
            )
        if not trips.empty:
            for challenger in challengers:
                copy_in(connection, "raw.challenger_predictions", _predictions(challenger, trips))
            copy_in(connection, "raw.predictions", _predictions(active, trips))
        return {day: int(rows) for day, rows in trips.groupby("partition_date").size().items()}


def _predictions(version: ActiveModel, trips: pd.DataFrame) -> pa.Table:
    with one_thread():
        predicted = version.model.predict(version.estimator, version.model.features(trips))
    rows = pd.DataFrame(
        {
            "partition_date": trips["partition_date"],
            "monitor": version.model.monitor,
            "model_version": version.model_version,
            "trip_id": trips["trip_id"],
            "prediction": predicted,
        }
    )
    return pa.Table.from_pandas(rows, preserve_index=False)
