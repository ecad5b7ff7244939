"""Where predictions and outcomes are read from, and the metrics that compare them."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from psycopg import sql

from driftmeter.arrival.inference_rows import table_of
from driftmeter.arrival.values import outcome_of, prediction_of, text_of
from driftmeter.monitors.config import Monitor
from driftmeter.performance.losses import in_sql

METRICS = {
    "regression": ("mae", "rmse", "mape", "bias", "r2", "error_p50", "error_p90"),
    "classification": (
        "accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier",
        "calibration_error",
    ),
    "multiclass": ("accuracy", "error_rate", "f1_macro", "f1_weighted", "log_loss"),
}  # fmt: skip
# The metric that is the mean of a task's loss (`losses.ROW_LOSS`): its estimate may be an alarm,
# and its realised value tells how large an error is.
LOSS = {"regression": "mae", "classification": "brier", "multiclass": "error_rate"}
# What a metric cannot pass; of the others, losses are not below 0.
AT_MOST_ONE = frozenset(
    {
        *("accuracy", "precision", "recall", "f1", "roc_auc", "brier", "calibration_error", "r2"),
        *("error_rate", "f1_macro", "f1_weighted"),
    }
)
OF_EITHER_SIGN = frozenset({"bias", "r2", "value"})
KEYS = ("day", "model_version", "segment", "segment_value")
# What exact intervals are made of.
COUNTS = ("true_positive", "false_positive", "false_negative", "true_negative")
# A probability is classified at this threshold.
THRESHOLD = 0.5
CALIBRATION_EDGES = np.linspace(0, 1, 11)[1:-1]
# Of rows that are read under names of our own.
OUTCOME = (sql.Identifier("prediction"), sql.Identifier("target"))
# What a statement about a classifier's rows is written with.
OF_CLASSIFIER: dict[str, sql.Composable] = {
    "threshold": sql.Literal(THRESHOLD),
    "edges": sql.Literal((-CALIBRATION_EDGES[::-1]).tolist()),
    "log_loss": in_sql("log", *OUTCOME),
    "brier": in_sql("brier", *OUTCOME),
}

CHALLENGERS = """(
    select
        {columns},
        scored.model_version as {version},
        scored.prediction as {prediction}
    from {table} as own
    inner join {challengers} as scored
        on
            own.{id} = scored.{scored_id}
            and own.{batch} = scored.{batch}
    -- That the days of one side are those of the other Postgres infers of a single day, not of a
    -- list: it would read every month of this table.
    where scored.{batch} = any({days}::date[])
)"""


def in_range(metric: str, lower: float, upper: float) -> tuple[float, float]:
    """An interval without the values that its metric cannot have."""
    least = -np.inf if metric in OF_EITHER_SIGN else 0.0
    most = 1.0 if metric in AT_MOST_ONE else np.inf
    return float(np.clip(lower, least, most)), float(np.clip(upper, least, most))


def has_prediction(monitor: Monitor, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows of a frame have a class, or a finite number, for their prediction."""
    predicted = rows[monitor.prediction]
    is_class = monitor.task == "multiclass"
    found: npt.NDArray[np.bool_] = (
        predicted.notna().to_numpy(dtype=bool)
        if is_class
        else np.isfinite(predicted.to_numpy(dtype=float))
    )
    return found


def values_of_rows(
    monitor: Monitor, days: Sequence[dt.date], *, as_one: bool, challengers: bool
) -> dict[str, sql.Composable]:
    """What a statement over the rows of these days is written with.

    Parameters
    ----------
    as_one : bool
        Whether neither days nor versions are told apart.
    challengers : bool
        Whether the rows have the predictions of challengers in place of their own.
    """
    batch = sql.Identifier(monitor.batch_column)
    return {
        "day": sql.SQL("null::text" if as_one else "{}::text").format(batch),
        "batch": batch,
        "version": sql.SQL("null") if as_one else text_of(sql.Identifier(monitor.model_version)),
        "prediction": prediction_of(monitor, sql.Identifier(monitor.prediction)),
        "target": outcome_of(monitor, sql.Identifier(str(monitor.target))),
        "table": _challengers_table(monitor, days) if challengers else table_of(monitor),
        "days": sql.Literal(list(days)),
    }


def _challengers_table(monitor: Monitor, days: Sequence[dt.date]) -> sql.Composed:
    """Rows of an inference table with the predictions of challengers in place of its own."""
    scored, scored_id = challengers_of(monitor)
    kept = dict.fromkeys([monitor.batch_column, monitor.id, str(monitor.target), *monitor.segments])
    return sql.SQL(CHALLENGERS).format(
        columns=sql.SQL(", ").join(sql.Identifier("own", name) for name in kept),
        version=sql.Identifier(monitor.model_version),
        prediction=sql.Identifier(monitor.prediction),
        table=table_of(monitor),
        challengers=scored,
        id=sql.Identifier(monitor.id),
        scored_id=scored_id,
        batch=sql.Identifier(monitor.batch_column),
        days=sql.Literal(list(days)),
    )


def challengers_of(monitor: Monitor) -> tuple[sql.Identifier, sql.Identifier]:
    """Table of the challengers' predictions, and its column that holds the inference table's id."""
    challengers = monitor.challengers
    if challengers is None:
        raise ValueError(f"{monitor.name} declares no challengers")
    table = sql.Identifier(challengers.schema_name, challengers.table)
    return table, sql.Identifier(challengers.id or monitor.id)
