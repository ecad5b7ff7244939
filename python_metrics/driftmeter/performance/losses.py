"""Losses of a prediction, in numpy and in SQL; in numpy a label may be a probability.

A regression's loss is absolute or squared. A classifier's is the squared one of its probability
(Brier 1950), or the logarithmic one. Of several classes it is whether the predicted one is wrong:
that is what is acted on, and a class that was mapped wrongly leaves its probabilities right.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from psycopg import sql

from driftmeter.arrival.values import outcome_of, prediction_of
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.labels import as_numbers
from driftmeter.quality.counts import Floats

# scikit-learn's, where a logarithm would be infinite: the spacing of doubles at 1.
LEAST_PROBABILITY = 2.220446049250313e-16
# The loss of a row by which a task's days are judged.
ROW_LOSS: Mapping[str, str] = {
    "regression": "absolute",
    "classification": "brier",
    "multiclass": "wrong",
}
SQL: Mapping[str, str] = {
    "absolute": "abs({prediction} - {target})",
    "wrong": "({prediction} <> {target})::integer::double precision",
    # The least of a null and a number is the number.
    "probable": "case when {prediction} is not null then"
    f" -ln(greatest(least({{prediction}}, 1 - {LEAST_PROBABILITY!r}), {LEAST_PROBABILITY!r})) end",
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


def of_probability(probability: Floats) -> Floats:
    """Logarithmic loss of a class that came true."""
    losses: Floats = -np.log(np.clip(probability, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
    return losses


def wrong(prediction: "pd.Series[str]", target: "pd.Series[str]") -> Floats:
    """1 for each row whose predicted class is not the true one; NaN where either is missing."""
    is_known = (prediction.notna() & target.notna()).to_numpy(dtype=bool)
    # Each with categories of its own, they could not be compared.
    differ = prediction.astype(object).to_numpy() != target.astype(object).to_numpy()
    losses: Floats = np.where(is_known, differ.astype(float), np.nan)
    return losses


def cap_of(monitor: Monitor, losses: Floats, level: float) -> float:
    """The quantile of losses from which on larger ones count as it.

    Of losses that are 0 or 1 none is absurd, and where few are 1 the quantile would be 0.
    """
    return 1.0 if monitor.task == "multiclass" else float(np.nanquantile(losses, level))


def row_losses(monitor: Monitor, rows: pd.DataFrame) -> Floats:
    """Loss of each labelled row: the absolute error, a classifier's squared one, or whether it is
    wrong.
    """
    if monitor.task == "multiclass":
        return wrong(rows[monitor.prediction], rows[str(monitor.target)])
    prediction, target = rows[monitor.prediction].to_numpy(dtype=float), rows[str(monitor.target)]
    if monitor.task == "regression":
        return absolute(prediction, target.to_numpy(dtype=float))
    return brier(prediction, as_numbers(target).to_numpy())


def in_sql(loss: str, prediction: sql.Composable, target: sql.Composable) -> sql.Composed:
    """A row's loss, one of `SQL`.

    Parameters
    ----------
    prediction, target : sql.Composable
        Expressions: of double precision; the target of a classifier's losses boolean. Of `wrong`
        both are text, and `probable` has the probability of the true class for its prediction.
    """
    return sql.SQL(SQL[loss]).format(prediction=prediction, target=target)


def loss_in_sql(monitor: Monitor) -> sql.Composed:
    """The loss of `row_losses`, of a row of the inference table."""
    prediction = prediction_of(monitor, sql.Identifier(monitor.prediction))
    target = outcome_of(monitor, sql.Identifier(str(monitor.target)))
    return in_sql(ROW_LOSS[monitor.task], prediction, target)
