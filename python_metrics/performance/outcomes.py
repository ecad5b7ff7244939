"""What a model predicted and what came: the metrics of both, and where they are read from."""

import numpy as np
from psycopg import sql

from python_metrics.monitors.config import Monitor

METRICS = {
    "regression": ("mae", "rmse", "mape", "bias", "r2", "error_p50", "error_p90"),
    "classification": (
        "accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier",
        "calibration_error",
    ),
}  # fmt: skip
KEYS = ("day", "model_version", "segment", "segment_value")
# What exact intervals are made of.
COUNTS = ("true_positive", "false_positive", "false_negative", "true_negative")
# A probability is classified at this threshold.
THRESHOLD = 0.5
CALIBRATION_EDGES = np.linspace(0, 1, 11)[1:-1]
# Of rows that are read under names of our own.
OUTCOME = (sql.Identifier("prediction"), sql.Identifier("target"))

CHALLENGERS = """(
    select
        {columns},
        scored.model_version as {version},
        scored.prediction as {prediction}
    from {table} as own
    inner join {challengers} as scored
        on
            own.{id} = scored.{scored_id}
            and own.partition_date = scored.partition_date
)"""


def prediction_of(monitor: Monitor) -> sql.Composed:
    """The prediction as a number."""
    return sql.SQL("{}::double precision").format(sql.Identifier(monitor.prediction))


def target_of(monitor: Monitor) -> sql.Composed:
    """The label as a number that is one, or as true and false."""
    form = (
        "case when {target}::double precision > '-infinity'"
        " and {target}::double precision < 'infinity' then {target}::double precision end"
        if monitor.task == "regression"
        else "{target}::boolean"
    )
    return sql.SQL(form).format(target=sql.Identifier(str(monitor.target)))


def rows_of(monitor: Monitor, *, challengers: bool = False) -> sql.Composable:
    """The inference table, or its rows with the predictions of challengers in place of its own."""
    if challengers:
        return _challengers_table(monitor)
    return sql.Identifier(monitor.schema_name, monitor.name)


def _challengers_table(monitor: Monitor) -> sql.Composed:
    """Rows of an inference table with the predictions of challengers in place of its own."""
    scored, scored_id = challengers_of(monitor)
    kept = dict.fromkeys(["partition_date", monitor.id, str(monitor.target), *monitor.segments])
    return sql.SQL(CHALLENGERS).format(
        columns=sql.SQL(", ").join(sql.Identifier("own", name) for name in kept),
        version=sql.Identifier(monitor.model_version),
        prediction=sql.Identifier(monitor.prediction),
        table=sql.Identifier(monitor.schema_name, monitor.name),
        challengers=scored,
        id=sql.Identifier(monitor.id),
        scored_id=scored_id,
    )


def challengers_of(monitor: Monitor) -> tuple[sql.Identifier, sql.Identifier]:
    """Table of the challengers' predictions, and its column that holds the inference table's id."""
    challengers = monitor.challengers
    if challengers is None:
        raise ValueError(f"{monitor.name} declares no challengers")
    table = sql.Identifier(challengers.schema_name, challengers.table)
    return table, sql.Identifier(challengers.id or monitor.id)
