"""What every source of trips offers, and the form in which it hands a day over."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

INTEGER, REAL, TEXT = pa.int32(), pa.float64(), pa.string()
# Columns of raw.trips, in order. Names are TLC's, made one over the years and both colours of cab.
TRIPS = pa.schema(
    [
        ("partition_date", pa.date32()),
        ("trip_id", pa.int64()),
        ("taxi", TEXT),
        ("source_file", TEXT),
        ("vendor_id", INTEGER),
        ("pickup_datetime", pa.timestamp("us")),
        ("dropoff_datetime", pa.timestamp("us")),
        ("passenger_count", INTEGER),
        ("trip_distance", REAL),
        ("rate_code_id", INTEGER),
        ("store_and_fwd_flag", TEXT),
        ("pickup_location_id", INTEGER),
        ("dropoff_location_id", INTEGER),
        ("payment_type", INTEGER),
        ("fare_amount", REAL),
        ("extra", REAL),
        ("mta_tax", REAL),
        ("tip_amount", REAL),
        ("tolls_amount", REAL),
        ("improvement_surcharge", REAL),
        ("total_amount", REAL),
        ("congestion_surcharge", REAL),
        ("airport_fee", REAL),
        ("cbd_congestion_fee", REAL),
        ("ehail_fee", REAL),
        ("trip_type", INTEGER),
    ]
)
REJECTED = pa.schema(
    [
        ("partition_date", pa.date32()),
        ("source_file", TEXT),
        ("row_number", pa.int64()),
        ("reason", TEXT),
        ("record", TEXT),
    ]
)


@dataclass(frozen=True)
class SourceFile:
    """One file of a source: how many rows it holds, and on which days they fall."""

    name: str
    row_count: int
    rows_by_day: Mapping[str, int]


@dataclass(frozen=True)
class Batch:
    """One day of a source.

    Attributes
    ----------
    trips : pyarrow.Table
        Usable rows, with the schema `TRIPS`.
    rejected : pyarrow.Table
        Unusable rows with their reason, with the schema `REJECTED`.
    files : sequence of SourceFile
        The files that the day was looked for in; the day's own first.
    """

    trips: pa.Table
    rejected: pa.Table
    files: Sequence[SourceFile]


class Source(Protocol):
    """Where trips come from.

    Attributes
    ----------
    name : str
        ``simulated``, ``files`` or ``tlc``.
    signature : str
        Says which data this is; days with another signature are of another source.
    """

    name: str
    signature: str

    def days(self) -> Sequence[dt.date]:
        """Every day that the source has, in order."""
        ...

    def read_day(self, day: dt.date) -> Batch | None:
        """One day's rows; None if the source does not have the day."""
        ...

    def late_arrivals(self) -> Mapping[dt.date, dt.date]:
        """Days of which rows come later than the others, and the day on which these are there."""
        ...
