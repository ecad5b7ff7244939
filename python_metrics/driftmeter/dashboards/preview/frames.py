"""A panel's rows, and the series that Grafana makes of them."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd
import sqlalchemy as sa

from driftmeter.dashboards.macros import Values, expand
from driftmeter.monitors.cadence import Every


@dataclass(frozen=True)
class Scope:
    """What a page shows: the time range, a value for every variable, and the monitor's cadence."""

    first: dt.datetime
    last: dt.datetime
    values: Values
    every: Every = "day"


def rows_of(connection: sa.Connection, sql: str, scope: Scope) -> pd.DataFrame:
    """The answer to a panel's query; shape (rows, columns), numbers as float."""
    expanded = expand(sql, scope.first, scope.last, scope.values)
    result = connection.execution_options(no_parameters=True).exec_driver_sql(expanded)
    rows = [[float(v) if isinstance(v, Decimal) else v for v in row] for row in result]
    return pd.DataFrame(rows, columns=list(result.keys()))


def series_of(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Values by time, one series a combination of labels and numeric column.

    Strings become labels and tell series apart; where there are none, the column's name does.
    """
    if frame.empty:
        return {}
    frame = frame.assign(time=pd.to_datetime(frame["time"], utc=True))
    labels = [name for name in frame.columns if frame[name].map(type).eq(str).any()]
    numbers = [name for name in frame.columns if name not in (*labels, "time")]
    series = {}
    for name in numbers:
        values = frame.set_index("time")[name].astype(float)
        if not labels:
            series[name] = values
            continue
        keys = frame[labels].astype(str).agg(", ".join, axis=1).to_numpy()
        for key, part in values.groupby(keys):
            series[f"{key}: {name}" if len(numbers) > 1 else str(key)] = part
    return series
