"""Champion and challenger on the same labelled rows, row by row."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql
from scipy import stats

from driftmeter.arrival.values import outcome_of, prediction_of, text_of
from driftmeter.drift.stored_scores import insert_day
from driftmeter.monitors.config import Monitor
from driftmeter.performance.intervals import LEVEL, to_digits
from driftmeter.performance.losses import in_sql
from driftmeter.performance.outcomes import challengers_of
from driftmeter.quality.counts import Floats
from driftmeter.warehouse.copy import copy_out

# The loss whose mean is compared, by task.
COMPARED = {"regression": "mae", "classification": "log_loss", "multiclass": "error_rate"}
LOSS = {"regression": "absolute", "classification": "log", "multiclass": "wrong"}
QUERY = """
select
    champion, challenger,
    count(*) as rows,
    avg(champion_loss) as champion_value,
    avg(challenger_loss) as challenger_value,
    avg(challenger_loss - champion_loss) as difference,
    var_samp(challenger_loss - champion_loss) as variance
from (
    select
        {version} as champion,
        {challenger_version} as challenger,
        {champion_loss} as champion_loss,
        {challenger_loss} as challenger_loss
    from {table} as champion
    inner join {challengers} as challenger
        on
            champion.{id} = challenger.{challenger_id}
            and champion.{batch} = challenger.{batch}
    where champion.{batch} = {day} and {target} is not null
        and champion.{prediction} is not null
) as losses
where champion_loss < 'infinity' and challenger_loss < 'infinity'
group by 1, 2
"""
DELETE = sa.text(
    "delete from metrics.version_comparisons where monitor = :monitor and partition_date = :day"
)


@dataclass(frozen=True)
class Comparison:
    """A challenger over all days that it was compared on.

    Attributes
    ----------
    difference, lower, upper : float
        Mean loss of the challenger less the champion's, and its 95% interval over days.
    days, rows : int
    """

    champion: str
    challenger: str
    metric: str
    difference: float
    lower: float
    upper: float
    days: int
    rows: int

    @property
    def words(self) -> str:
        """What it means for people."""
        if self.upper < 0:
            return "better"
        return "worse" if self.lower > 0 else "no significant difference"


def compare_day(connection: sa.Connection, monitor: Monitor, day: dt.date) -> int:
    """Replace a day's comparisons; gives how many challengers there were.

    The interval is the paired t-interval of rows.
    """
    challengers, challenger_id = challengers_of(monitor)
    # The label is the champion's row's: a challenger has none of its own.
    target = outcome_of(monitor, sql.Identifier("champion", str(monitor.target)))

    def loss(table: str, prediction: str) -> sql.Composed:
        predicted = prediction_of(monitor, sql.Identifier(table, prediction))
        return in_sql(LOSS[monitor.task], predicted, target)

    query = sql.SQL(QUERY).format(
        prediction=sql.Identifier(monitor.prediction),
        target=target,
        version=text_of(sql.Identifier("champion", monitor.model_version)),
        challenger_version=text_of(sql.Identifier("challenger", "model_version")),
        id=sql.Identifier(monitor.id),
        table=sql.Identifier(monitor.schema_name, monitor.name),
        challengers=challengers,
        challenger_id=challenger_id,
        champion_loss=loss("champion", monitor.prediction),
        challenger_loss=loss("challenger", "prediction"),
        batch=sql.Identifier(monitor.batch_column),
        day=sql.Literal(day),
    )
    types = {"champion": pa.string(), "challenger": pa.string(), "rows": pa.int64()}
    numbers = ("champion_value", "challenger_value", "difference", "variance")
    compared = copy_out(connection, query, {**types, **dict.fromkeys(numbers, pa.float64())})
    rows = []
    for row in compared.to_pandas().itertuples():
        reach = np.nan
        if row.rows > 1 and np.isfinite(row.variance):
            quantile = stats.t.ppf((1 + LEVEL) / 2, row.rows - 1)
            reach = float(quantile * np.sqrt(row.variance / row.rows))
        rows.append(
            {
                "monitor": monitor.name,
                "champion": row.champion,
                "challenger": row.challenger,
                "partition_date": day,
                "metric": COMPARED[monitor.task],
                "row_count": row.rows,
                "champion_value": to_digits(row.champion_value),
                "challenger_value": to_digits(row.challenger_value),
                "difference": to_digits(row.difference),
                "lower": to_digits(row.difference - reach),
                "upper": to_digits(row.difference + reach),
            }
        )
    connection.execute(DELETE, {"monitor": monitor.name, "day": day})
    insert_day(connection, "metrics.version_comparisons", day, rows)
    return len(rows)


def verdicts(connection: sa.Connection, monitor: str) -> list[Comparison]:
    """Each pair of versions over all their days, whose days' means are what varies."""
    query = sa.text(
        "select champion, challenger, metric, row_count, difference"
        " from metrics.version_comparisons where monitor = :monitor order by partition_date"
    )
    compared = pd.DataFrame(connection.execute(query, {"monitor": monitor}).mappings())
    if compared.empty:
        return []
    judged = []
    for versions, days in compared.groupby(["champion", "challenger", "metric"]):
        counts = days["row_count"].to_numpy(dtype=float)
        over_days = _over_days(days["difference"].to_numpy(dtype=float), counts)
        champion, challenger, metric = map(str, versions)
        judged.append(
            Comparison(champion, challenger, metric, *over_days, len(days), int(counts.sum()))
        )
    return judged


def _over_days(difference: Floats, rows: Floats) -> tuple[float, float, float]:
    """Mean over rows and its t-interval over days; without a second day nobody knows."""
    mean = float(np.average(difference, weights=rows))
    if len(difference) < 2:
        return mean, -np.inf, np.inf
    weight = rows / rows.sum()
    spread = np.sqrt(np.sum(weight**2 * (difference - mean) ** 2))
    days = len(difference)
    reach = float(stats.t.ppf((1 + LEVEL) / 2, days - 1) * spread * np.sqrt(days / (days - 1)))
    return mean, mean - reach, mean + reach
