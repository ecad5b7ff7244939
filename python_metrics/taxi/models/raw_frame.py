"""Raw trips as a pandas frame, for the models to read."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.warehouse.copy import column_list, copy_out
from taxi.models.baseline_models import BaselineModel

TIMES = ("pickup_datetime", "dropoff_datetime")


def read_trips(
    connection: sa.Connection, model: BaselineModel, first: dt.date, last: dt.date
) -> pd.DataFrame:
    """Trips of the model's population from the first day to the last, in order of day and id.

    Returns
    -------
    pandas.DataFrame
        ``partition_date``, ``trip_id`` and the model's raw columns: numbers as float64 with NaN
        for null, times as datetime64.
    """
    query = sql.SQL(
        "select partition_date, trip_id, {columns} from raw.trips where partition_date"
        " between {first} and {last} and {population} order by partition_date, trip_id"
    ).format(
        columns=column_list(model.raw_columns),
        first=sql.Literal(first),
        last=sql.Literal(last),
        population=sql.SQL(model.population),
    )
    types = {
        name: pa.timestamp("us") if name in TIMES else pa.float64() for name in model.raw_columns
    }
    types |= {"partition_date": pa.date32(), "trip_id": pa.int64()}
    return copy_out(connection, query, types).to_pandas(date_as_object=True)
