"""Trips as files with the column names that TLC publishes."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

NAMES = {
    "vendor_id": "VendorID",
    "pickup_datetime": "tpep_pickup_datetime",
    "dropoff_datetime": "tpep_dropoff_datetime",
    "rate_code_id": "RatecodeID",
    "pickup_location_id": "PULocationID",
    "dropoff_location_id": "DOLocationID",
}
NOT_IN_FILES = ["partition_date", "trip_id", "taxi", "source_file", "trip_type", "ehail_fee"]


def write_trips(trips: pa.Table, directory: Path, month: str) -> Path:
    """Write a month of rows of raw.trips as TLC's file of yellow taxis; gives its path.

    Parameters
    ----------
    month : str
        As in 2019-04.
    """
    rows = trips.drop_columns(NOT_IN_FILES)
    path = directory / f"yellow_tripdata_{month}.parquet"
    pq.write_table(rows.rename_columns([NAMES.get(name, name) for name in rows.column_names]), path)
    return path
