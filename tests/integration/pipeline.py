"""A small pipeline for tests: TLC files of simulated trips, and rows of tables to compare."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from benchmarks.tlc_files import write_trips
from driftmeter.monitors.config import Days
from taxi.sources.simulated import SimulatedSource

# Columns that say when or how long, not what.
CLOCKS = {"computed_at", "duration_seconds", "loaded_at", "read_at", "xmin"}
DAILY_TABLES = (
    "raw.trips",
    "raw.rejected_trips",
    "raw.loads",
    "raw.predictions",
    "features.trip_features",
    "inference.trip_duration",
    "inference.trip_tip",
    "metrics.column_summary",
    "metrics.drift",
    "metrics.test_results",
    "metrics.partitions",
)


def days(first: str, last: str | None = None) -> Days:
    """Days from the first to the last."""
    return Days(**{"from": first, "to": last or first})


def write_month(directory: Path, month: str, trips_per_day: int = 60) -> Path:
    """A month of calm simulated trips as a file with TLC's name and column names."""
    source = SimulatedSource(trips_per_day=trips_per_day, schedule=())
    first = dt.date.fromisoformat(f"{month}-01")
    batches = [source.read_day(first + dt.timedelta(days=number)) for number in range(31)]
    frame = pd.concat(
        batch.trips.to_pandas() for batch in batches if batch is not None and batch.trips.num_rows
    )
    frame = frame[frame["pickup_datetime"].dt.strftime("%Y-%m") == month]
    return write_trips(pa.Table.from_pandas(frame, preserve_index=False), directory, month)


def keep_rows(path: Path, day: str, share: float) -> None:
    """Drop all but the first share of a day's rows from a file."""
    frame = pq.read_table(path).to_pandas()
    is_day = frame["tpep_pickup_datetime"].dt.strftime("%Y-%m-%d") == day
    kept = frame[is_day].iloc[: int(is_day.sum() * share)]
    pq.write_table(pa.Table.from_pandas(pd.concat([frame[~is_day], kept])), path)


def rows_of(
    engine: sa.Engine, day: str | None = None, tables: Iterable[str] = DAILY_TABLES
) -> dict[str, list[str]]:
    """Every row of the daily tables, of one day or of all, without the columns that are clocks."""
    found = {}
    with engine.connect() as session:
        for table in tables:
            schema, name = table.split(".")
            columns = sorted(
                column["name"]
                for column in sa.inspect(session).get_columns(name, schema=schema)
                if column["name"] not in CLOCKS
            )
            where = "where partition_date = :day" if day else ""
            query = sa.text(f"select row({', '.join(columns)})::text from {table} {where}")
            found[table] = sorted(session.scalars(query, {"day": day} if day else {}))
    return found
