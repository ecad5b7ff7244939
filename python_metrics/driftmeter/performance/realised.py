"""How wrong a model was on the rows whose label has come, by day, version and segment, in SQL.

Definitions are scikit-learn's, with two exceptions that it has no number for: ``mape`` leaves out
rows whose target is 0, and a precision or recall over no row is null. ``calibration_error`` is the
expected calibration error over ten bins of equal width (Naeini, Cooper and Hauskrecht 2015).
"""

import datetime as dt
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.values import category_of
from driftmeter.monitors.config import Monitor
from driftmeter.performance.losses import in_sql
from driftmeter.performance.outcomes import (
    COUNTS,
    KEYS,
    METRICS,
    OF_CLASSIFIER,
    OUTCOME,
    values_of_rows,
)
from driftmeter.performance.realised_by_steps import realised_by_steps
from driftmeter.performance.steps import is_counted_by_steps
from driftmeter.warehouse.copy import copy_out

ROWS = """
rows as (
    select
        {day} as day,
        {version}::text as model_version,
        parts.segment,
        parts.segment_value,
        {prediction} as prediction,
        {target} as target
    from {table} as scored
    cross join lateral (values {parts}) as parts (segment, segment_value)
    where
        partition_date = any({days}::date[])
        and {prediction} > '-infinity'
        and {prediction} < 'infinity'
        and (parts.segment is null or parts.segment_value is not null)
)
"""
REGRESSION = """
with {rows},

errors as (
    select *, prediction - target as error from rows
)

select
    day, model_version, segment, segment_value,
    count(*) as rows,
    count(error) as labelled,
    avg({absolute}) as mae,
    sqrt(avg(error * error)) as rmse,
    avg(abs(error / nullif(target, 0))) as mape,
    avg(error) as bias,
    1 - avg(error * error) / nullif(var_pop(target), 0) as r2,
    percentile_cont(0.5) within group (order by abs(error)) as error_p50,
    percentile_cont(0.9) within group (order by abs(error)) as error_p90
from errors
group by 1, 2, 3, 4
"""
CLASSIFICATION = """
with {rows},

binned as (
    select
        *,
        prediction >= {threshold} as is_called,
        -- How many edges are not below: each bin has its upper edge, not its lower one.
        width_bucket(-prediction, {edges}) as bin
    from rows
),

labelled as (
    select
        *,
        rank() over same + (count(*) over ties - 1) / 2.0 as midrank
    from binned
    where target is not null
    window
        same as (partition by day, model_version, segment, segment_value order by prediction),
        ties as (partition by day, model_version, segment, segment_value, prediction)
),

gaps as (
    select
        day, model_version, segment, segment_value,
        abs(sum(target::integer - prediction)) as gap
    from labelled
    group by 1, 2, 3, 4, bin
),

calibration as (
    select day, model_version, segment, segment_value, sum(gap) as gap
    from gaps
    group by 1, 2, 3, 4
),

counted as (
    select
        day, model_version, segment, segment_value,
        count(*) as labelled,
        count(*) filter (where is_called and target) as true_positive,
        count(*) filter (where is_called and not target) as false_positive,
        count(*) filter (where not is_called and target) as false_negative,
        count(*) filter (where not is_called and not target) as true_negative,
        sum(midrank) filter (where target) as ranks,
        avg({log_loss}) as log_loss,
        avg({brier}) as brier
    from labelled
    group by 1, 2, 3, 4
),

every as (
    select day, model_version, segment, segment_value, count(*) as rows
    from rows
    group by 1, 2, 3, 4
)

select
    every.*,
    coalesce(labelled, 0) as labelled,
    true_positive, false_positive, false_negative, true_negative,
    (true_positive + true_negative)::double precision / labelled as accuracy,
    true_positive::double precision / nullif(true_positive + false_positive, 0) as precision,
    true_positive::double precision / nullif(true_positive + false_negative, 0) as recall,
    2.0 * true_positive::double precision
    / nullif(2 * true_positive + false_positive + false_negative, 0) as f1,
    (
        ranks - (true_positive + false_negative)
        * (true_positive + false_negative + 1)::double precision / 2
    ) / nullif((true_positive + false_negative) * (false_positive + true_negative), 0) as roc_auc,
    log_loss,
    brier,
    gap / labelled as calibration_error
from every
left join counted
    on
        every.day is not distinct from counted.day
        and every.model_version is not distinct from counted.model_version
        and every.segment is not distinct from counted.segment
        and every.segment_value is not distinct from counted.segment_value
left join calibration
    on
        every.day is not distinct from calibration.day
        and every.model_version is not distinct from calibration.model_version
        and every.segment is not distinct from calibration.segment
        and every.segment_value is not distinct from calibration.segment_value
"""


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
        Columns `KEYS` (text, null segment: all rows), ``rows``, ``labelled``, one a metric, and
        for a classifier `COUNTS`. Errors are in the target's own unit. Of days that are too large
        to be put in order: as `realised_by_steps` says.
    """
    if is_counted_by_steps(connection, monitor, days, known_rows):
        return realised_by_steps(connection, monitor, days, as_one=as_one, challengers=challengers)
    parts = [sql.SQL("(null::text, null::text)")] + [
        sql.SQL("({}, {})").format(sql.Literal(name), category_of(monitor, name))
        for name in monitor.segments
    ]
    rows = sql.SQL(ROWS).format(
        **values_of_rows(monitor, days, as_one=as_one, challengers=challengers),
        parts=sql.SQL(", ").join(parts),
    )
    if monitor.task == "regression":
        query = sql.SQL(REGRESSION).format(rows=rows, absolute=in_sql("absolute", *OUTCOME))
    else:
        query = sql.SQL(CLASSIFICATION).format(
            rows=rows,
            **OF_CLASSIFIER,
        )
    counts = COUNTS if monitor.task == "classification" else ()
    types: dict[str, pa.DataType] = {
        **dict.fromkeys(KEYS, pa.string()),
        **dict.fromkeys(["rows", "labelled"], pa.int64()),
        **dict.fromkeys([*METRICS[monitor.task], *counts], pa.float64()),
    }
    return copy_out(connection, query, types).to_pandas()
