"""Losses of a prediction, in numpy and in SQL; in numpy a label may be a probability.

A regression's loss is absolute or squared. A classifier's is the squared one of its probability
(Brier 1950), or the logarithmic one.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from psycopg import sql

from driftmeter.arrival.values import number_of, outcome_of
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.labels import as_numbers
from driftmeter.quality.counts import Floats

# scikit-learn's, where a logarithm would be infinite: the spacing of doubles at 1.
LEAST_PROBABILITY = 2.220446049250313e-16
SQL: Mapping[str, str] = {
    "absolute": "abs({prediction} - {target})",
    "brier": "power({prediction} - {target}::integer, 2)",
    "log": "-ln(greatest(least(case when {target} then {prediction} else 1 - {prediction} end,"
    f" 1 - {LEAST_PROBABILITY!r}), {LEAST_PROBABILITY!r}))",
}


def absolute(prediction: Floats, target: Floats) -> Floats:
    """Absolute error of each row."""
    losses: Floats = np.abs(prediction - target)
    return losses


def brier(prediction: Floats, chance: Floats) -> Floats:
    """Squared error of each row's probability, expected where the label is but a chance."""
    losses: Floats = chance * (1 - prediction) ** 2 + (1 - chance) * prediction**2
    return losses


def log_loss(prediction: Floats, chance: Floats) -> Floats:
    """Logarithmic loss of each row's probability, expected where the label is but a chance."""
    safe = np.clip(prediction, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    losses: Floats = -(chance * np.log(safe) + (1 - chance) * np.log(1 - safe))
    return losses


def row_losses(monitor: Monitor, rows: pd.DataFrame) -> Floats:
    """Absolute error of each labelled row, or for a classifier its squared one."""
    prediction, target = rows[monitor.prediction].to_numpy(dtype=float), rows[str(monitor.target)]
    if monitor.task == "regression":
        return absolute(prediction, target.to_numpy(dtype=float))
    return brier(prediction, as_numbers(target).to_numpy())


def in_sql(loss: str, prediction: sql.Composable, target: sql.Composable) -> sql.Composed:
    """A row's loss, one of `SQL`.

    Parameters
    ----------
    prediction, target : sql.Composable
        Expressions: of double precision; the target of a classifier's losses boolean.
    """
    return sql.SQL(SQL[loss]).format(prediction=prediction, target=target)


def loss_in_sql(monitor: Monitor) -> sql.Composed:
    """The loss of `row_losses`, of a row of the inference table."""
    prediction = number_of(sql.Identifier(monitor.prediction))
    loss = "absolute" if monitor.task == "regression" else "brier"
    return in_sql(loss, prediction, outcome_of(monitor, sql.Identifier(str(monitor.target))))
