"""How wrong a model was on the rows whose label has come, by day, version and segment.

Definitions are scikit-learn's, with three exceptions that it has no number for: ``mape`` leaves out
rows whose target is 0, a precision or recall over no row is null, and a class that has no
probability counts as one of 0. ``calibration_error`` is the
expected calibration error over ten bins of equal width (Naeini, Cooper and Hauskrecht 2015).

The warehouse is asked for one plain `group by`, by the number that quantiles or ranks are of: the
error, or the prediction. Days that are too large to be put in order are grouped by a step of that
number instead: several machines count their own rows then, and some hundred counts come back for
each combination of segments. Sums and counts are of all rows either way. By steps, quantiles of the
error are off by less than a step, 1.6%, and pairs of predictions within one step of the log-odds
count as ties in the area under the ROC curve.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.values import category_of
from driftmeter.monitors.config import Monitor
from driftmeter.performance.class_metrics import counted_pairs
from driftmeter.performance.class_probabilities import of_true_class
from driftmeter.performance.losses import in_sql
from driftmeter.performance.outcomes import (
    COUNTS,
    KEYS,
    METRICS,
    OF_CLASSIFIER,
    OUTCOME,
    values_of_rows,
)
from driftmeter.performance.steps import is_counted_by_steps, quantiles, step_in_sql
from driftmeter.warehouse.copy import copy_out

REGRESSION = """
select
    day, model_version, {segments}
    case when error is not null then {step} end as step,
    count(*) as rows,
    count(error) as labelled,
    sum({absolute}) as absolute,
    sum(error * error) as square,
    sum(error) as error,
    sum(abs(error / nullif(target, 0))) as relative,
    count(error / nullif(target, 0)) as judged,
    avg(target) as mean,
    var_pop(target) as spread,
    min({absolute}) as low,
    max({absolute}) as high
from (select *, prediction - target as error from ({rows}) as scored) as errors
group by day, model_version, {segments} step
"""
# Of the log-odds, so that chances near 0 and near 1 are told apart as well as those between.
LOG_ODDS_STEP = """
    floor(64 * ln(
        least(greatest(prediction, 1e-300), 1) / greatest(1 - prediction, 1e-16)
    ))::integer"""
CLASSIFICATION = """
select
    day, model_version, {segments}
    -- How many edges are not below: each bin has its upper edge, not its lower one.
    width_bucket(-prediction, {edges}) as bin,
    {step} as step,
    count(*) as rows,
    count(target) as labelled,
    count(*) filter (where prediction >= {threshold} and target) as true_positive,
    count(*) filter (where prediction >= {threshold} and not target) as false_positive,
    count(*) filter (where prediction < {threshold} and target) as false_negative,
    count(*) filter (where prediction < {threshold} and not target) as true_negative,
    sum({log_loss}) filter (where target is not null) as log_loss,
    sum({brier}) as brier,
    sum(target::integer - prediction) as gap
from ({rows}) as scored
group by day, model_version, {segments} bin, step
"""
MULTICLASS = """
select
    day, model_version, {segments}
    target as actual,
    prediction as predicted,
    count(*) as rows,
    count(target) as labelled,
    count({log_loss}) as probable,
    sum({log_loss}) as log_loss
from ({rows}) as scored
group by day, model_version, {segments} actual, predicted
"""
ROWS = """
    select
        {day} as day,
        {version}::text as model_version,
        {named_segments}
        {prediction} as prediction,
        {target} as target
        {beside}
    from {table} as scored
    where
        {batch} = any({days}::date[])
        and {is_known}
"""
IS_FINITE = "{prediction} > '-infinity' and {prediction} < 'infinity'"
INTEGERS = ("rows", "labelled")
CELLS: Mapping[str, dict[str, pa.DataType]] = {
    "regression": {
        **dict.fromkeys([*INTEGERS, "judged"], pa.int64()),
        **dict.fromkeys(["step", "absolute", "square", "error", "relative"], pa.float64()),
        **dict.fromkeys(["mean", "spread", "low", "high"], pa.float64()),
    },
    "classification": {
        **dict.fromkeys([*INTEGERS, "bin", *COUNTS], pa.int64()),
        **dict.fromkeys(["step", "log_loss", "brier", "gap"], pa.float64()),
    },
    "multiclass": {
        **dict.fromkeys(["actual", "predicted"], pa.string()),
        **dict.fromkeys([*INTEGERS, "probable"], pa.int64()),
        "log_loss": pa.float64(),
    },
}
# What cells are ordered by.
ORDER = {"multiclass": ("actual", "predicted")}
# Rows of each pair of a true and a predicted class; a column of its own.
CONFUSION = "confusion"


def realised(
    connection: sa.Connection,
    monitor: Monitor,
    days: Sequence[dt.date],
    *,
    as_one: bool = False,
    challengers: bool = False,
    known_rows: int | None = None,
) -> pd.DataFrame:
    """Metrics of each day, version and segment that has a prediction.

    Parameters
    ----------
    as_one : bool
        All days as one, for the reference; ``day`` is then None, and versions are not told apart.
    challengers : bool
        Of the challengers' predictions instead of the table's own.
    known_rows : int, optional
        How many rows the days have; they are counted without it.

    Returns
    -------
    pandas.DataFrame
        Columns `KEYS` (text, null segment: all rows), ``rows``, ``labelled``, one a metric, for
        a classifier `COUNTS`, and of several classes `CONFUSION`. Errors are in the target's own
        unit.
    """
    aliases = [f"segment_{number}" for number, _ in enumerate(monitor.segments)]
    named = [
        sql.SQL("{} as {},").format(category_of(monitor, name), sql.Identifier(alias))
        for name, alias in zip(monitor.segments, aliases, strict=True)
    ]
    segments = [sql.SQL("{},").format(sql.Identifier(alias)) for alias in aliases]
    read = values_of_rows(monitor, days, as_one=as_one, challengers=challengers)
    is_class = monitor.task == "multiclass"
    known = "{prediction} is not null" if is_class else IS_FINITE
    beside = _beside(monitor, read["target"], challengers=challengers)
    rows = sql.SQL(ROWS).format(
        **read,
        named_segments=sql.SQL(" ").join(named),
        beside=beside,
        is_known=sql.SQL(known).format(prediction=read["prediction"]),
    )
    values: dict[str, sql.Composable] = {"rows": rows, "segments": sql.SQL(" ").join(segments)}
    by_steps = not is_class and is_counted_by_steps(connection, monitor, days, known_rows)
    step: sql.Composable
    if monitor.task == "regression":
        number = sql.SQL("abs(error)")
        step = step_in_sql(number) if by_steps else number
        absolute = in_sql("absolute", *OUTCOME)
        query = sql.SQL(REGRESSION).format(**values, absolute=absolute, step=step)
    elif is_class:
        loss = in_sql("probable", sql.Identifier("probability"), sql.Identifier("target"))
        query = sql.SQL(MULTICLASS).format(**values, log_loss=loss)
    else:
        step = sql.SQL(LOG_ODDS_STEP if by_steps else "prediction")
        query = sql.SQL(CLASSIFICATION).format(**values, step=step, **OF_CLASSIFIER)
    texts = dict.fromkeys(["day", "model_version", *aliases], pa.string())
    cells = copy_out(connection, query, {**texts, **CELLS[monitor.task]}).to_pandas()
    columns = [*KEYS, "rows", "labelled", *METRICS[monitor.task], *BESIDE[monitor.task]]
    measure = MEASURES[monitor.task]
    return pd.DataFrame(
        [{**keys, **measure(of_part)} for keys, of_part in _parts(cells, monitor, aliases)],
        columns=columns,
    )


def _beside(monitor: Monitor, target: sql.Composable, *, challengers: bool) -> sql.Composable:
    """The probability of a row's true class, where there are several; a challenger has none."""
    if monitor.task != "multiclass":
        return sql.SQL("")
    probability = sql.SQL("null::double precision") if challengers else of_true_class(
        monitor, target
    )  # fmt: skip
    form = ", case when {target} is not null then {probability} end as probability"
    return sql.SQL(form).format(target=target, probability=probability)


def _parts(
    cells: pd.DataFrame, monitor: Monitor, aliases: Sequence[str]
) -> Iterator[tuple[dict[str, object], pd.DataFrame]]:
    """Cells of each day, version and part, in the order of their numbers."""
    # Cells come in any order, and sums of floats depend on it.
    within = ORDER.get(monitor.task, ("step",))
    ordered = cells.sort_values([*aliases, *within], kind="stable")
    for (day, version), of_version in ordered.groupby(["day", "model_version"], dropna=False):
        of_day = {
            "day": None if pd.isna(day) else day,
            "model_version": None if pd.isna(version) else version,
        }
        yield {**of_day, "segment": None, "segment_value": None}, of_version
        for segment, alias in zip(monitor.segments, aliases, strict=True):
            for value, of_part in of_version.groupby(alias):
                yield {**of_day, "segment": segment, "segment_value": value}, of_part


def _regression(cells: pd.DataFrame) -> dict[str, float]:
    labelled, rows = int(cells["labelled"].sum()), int(cells["rows"].sum())
    counted: dict[str, float] = {"rows": rows, "labelled": labelled}
    known = cells[cells["labelled"] > 0]
    if known.empty:
        return counted
    by_step = known.groupby("step").agg({"labelled": "sum", "low": "min", "high": "max"})
    mean = (known["labelled"] * known["mean"]).sum() / labelled
    # Chan, Golub and LeVeque (1983): no difference of two large sums.
    spread = (known["labelled"] * (known["spread"] + (known["mean"] - mean) ** 2)).sum() / labelled
    square = known["square"].sum() / labelled
    judged = int(known["judged"].sum())
    half, most = quantiles(
        *(by_step[name].to_numpy() for name in ("labelled", "low", "high")), 0.5, 0.9
    )
    return {
        **counted,
        "mae": known["absolute"].sum() / labelled,
        "rmse": np.sqrt(square),
        "mape": known["relative"].sum() / judged if judged else np.nan,
        "bias": known["error"].sum() / labelled,
        "r2": 1 - square / spread if spread else np.nan,
        "error_p50": half,
        "error_p90": most,
    }


def _classification(cells: pd.DataFrame) -> dict[str, float]:
    labelled, rows = int(cells["labelled"].sum()), int(cells["rows"].sum())
    counted: dict[str, float] = {"rows": rows, "labelled": labelled}
    if not labelled:
        return counted
    right, wrong, missed, rejected = (int(cells[name].sum()) for name in COUNTS)
    return {
        **counted,
        **dict(zip(COUNTS, (right, wrong, missed, rejected), strict=True)),
        "accuracy": (right + rejected) / labelled,
        "precision": right / (right + wrong) if right + wrong else np.nan,
        "recall": right / (right + missed) if right + missed else np.nan,
        "f1": 2 * right / (2 * right + wrong + missed) if right + wrong + missed else np.nan,
        "roc_auc": _area(cells),
        "log_loss": cells["log_loss"].sum() / labelled,
        "brier": cells["brier"].sum() / labelled,
        "calibration_error": cells.groupby("bin")["gap"].sum().abs().sum() / labelled,
    }


def _multiclass(cells: pd.DataFrame) -> dict[str, object]:
    labelled, rows = int(cells["labelled"].sum()), int(cells["rows"].sum())
    counted: dict[str, object] = {"rows": rows, "labelled": labelled}
    if not labelled:
        return {**counted, CONFUSION: {}}
    pairs = cells[cells["labelled"] > 0].groupby(["actual", "predicted"])["labelled"].sum()
    confusion = {(str(true), str(said)): int(count) for (true, said), count in pairs.items()}
    probable = int(cells["probable"].sum())
    return {
        **counted,
        **counted_pairs(confusion),
        "log_loss": cells["log_loss"].sum() / probable if probable else np.nan,
        CONFUSION: confusion,
    }


def _area(cells: pd.DataFrame) -> float:
    """Area under the ROC curve; NaN without rows of both labels."""
    by_step = cells.groupby("step")[list(COUNTS)].sum()
    positive = (by_step["true_positive"] + by_step["false_negative"]).to_numpy(dtype=float)
    negative = (by_step["false_positive"] + by_step["true_negative"]).to_numpy(dtype=float)
    pairs = positive.sum() * negative.sum()
    below = np.cumsum(negative) - negative
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else np.nan


# By task what cells are made of, and columns beside the metrics.
MEASURES: Mapping[str, Callable[[pd.DataFrame], Mapping[str, object]]] = {
    "regression": _regression,
    "classification": _classification,
    "multiclass": _multiclass,
}
BESIDE: Mapping[str, Sequence[str]] = {
    "regression": (),
    "classification": COUNTS,
    "multiclass": (CONFUSION,),
}
