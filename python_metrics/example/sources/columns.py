"""One mapping from TLC's column names of every year, yellow and green, to those of raw.trips."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.types as pt

from python_metrics.errors import DriftmeterError
from python_metrics.example.sources.base import TRIPS

# Lower case, since TLC's own case varies (airport_fee, Airport_fee). The first name is today's.
NAMES: Mapping[str, tuple[str, ...]] = {
    "vendor_id": ("vendorid", "vendor_id", "vendor_name"),
    "pickup_datetime": (
        "tpep_pickup_datetime",
        "lpep_pickup_datetime",
        "pickup_datetime",
        "trip_pickup_datetime",
    ),
    "dropoff_datetime": (
        "tpep_dropoff_datetime",
        "lpep_dropoff_datetime",
        "dropoff_datetime",
        "trip_dropoff_datetime",
    ),
    "passenger_count": ("passenger_count",),
    "trip_distance": ("trip_distance",),
    "rate_code_id": ("ratecodeid", "rate_code", "rate_code_id"),
    "store_and_fwd_flag": ("store_and_fwd_flag", "store_and_forward"),
    "pickup_location_id": ("pulocationid",),
    "dropoff_location_id": ("dolocationid",),
    "payment_type": ("payment_type",),
    "fare_amount": ("fare_amount", "fare_amt"),
    "extra": ("extra", "surcharge"),
    "mta_tax": ("mta_tax",),
    "tip_amount": ("tip_amount", "tip_amt"),
    "tolls_amount": ("tolls_amount", "tolls_amt"),
    "improvement_surcharge": ("improvement_surcharge",),
    "total_amount": ("total_amount", "total_amt"),
    "congestion_surcharge": ("congestion_surcharge",),
    "airport_fee": ("airport_fee",),
    "cbd_congestion_fee": ("cbd_congestion_fee",),
    "ehail_fee": ("ehail_fee",),
    "trip_type": ("trip_type",),
}
# Until mid-2016 places were coordinates; they are known to be there and not kept.
COORDINATES = {
    f"{end}_{axis}"
    for end in ("start", "end", "pickup", "dropoff")
    for axis in ("lon", "lat", "longitude", "latitude")
}
LOCATIONS = {"pickup_location_id", "dropoff_location_id"}
REQUIRED = {
    "pickup_datetime",
    "dropoff_datetime",
    "passenger_count",
    "trip_distance",
    "pickup_location_id",
    "dropoff_location_id",
    "payment_type",
    "fare_amount",
    "total_amount",
}
# Words of the years 2009 to 2014 for what is a number today.
CODES: Mapping[str, Mapping[str, int]] = {
    "vendor_id": {"cmt": 1, "vts": 2, "dds": 3},
    "payment_type": {
        "credit": 1, "crd": 1, "cre": 1, "cash": 2, "csh": 2, "cas": 2, "no charge": 3,
        "noc": 3, "no": 3, "dispute": 4, "dis": 4, "unknown": 5, "unk": 5, "na": 5,
    },
    "store_and_fwd_flag": {},
}  # fmt: skip


def canonical_frame(table: pa.Table, file: str) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """A file's rows under the names and types of raw.trips.

    Parameters
    ----------
    table : pyarrow.Table
        As read from the file.
    file : str
        The file's name, for errors.

    Returns
    -------
    tuple of pandas.DataFrame and pandas.Series
        The columns of raw.trips that come from a file, and for each row why it cannot be cast,
        or the empty string.

    Raises
    ------
    DriftmeterError
        If a required column is missing or goes by a name that TLC never used.
    """
    named = _find_columns(table.column_names, file)
    reasons = pd.Series("", index=range(table.num_rows), dtype="object")
    cast = {}
    for name in NAMES:
        if name in named:
            values = table.column(named[name]).to_pandas()
        else:
            values = pd.Series([None] * table.num_rows, dtype="object")
        cast[name], is_bad, problem = _cast(name, values)
        reasons[is_bad & (reasons == "")] = f"{named.get(name, name)} {problem}"
    return pd.DataFrame(cast), reasons


def _find_columns(names: list[str], file: str) -> dict[str, str]:
    by_lower = {name.strip().lower(): name for name in names}
    named = {
        ours: by_lower[theirs]
        for ours, aliases in NAMES.items()
        for theirs in reversed(aliases)
        if theirs in by_lower
    }
    required = REQUIRED - (LOCATIONS if COORDINATES & by_lower.keys() else set())
    absent = sorted(required - named.keys())
    if absent:
        known = {alias for aliases in NAMES.values() for alias in aliases} | COORDINATES
        strange = [name for lower, name in by_lower.items() if lower not in known]
        also = f" (not recognised: {', '.join(strange)})" if strange else ""
        raise DriftmeterError(
            f"column {absent[0]} is missing{also}",
            where=file,
            fix=f"name it {' or '.join(NAMES[absent[0]])}, as TLC does",
        )
    return named


def _cast(name: str, values: pd.Series) -> tuple[pd.Series, pd.Series, str]:
    """Values in the type of raw.trips, which of them could not be cast, and why not."""
    kind = TRIPS.field(name).type
    was_known = values.notna()
    if pt.is_timestamp(kind):
        times = values if values.dtype.kind == "M" else pd.to_datetime(values, errors="coerce")
        if getattr(times.dtype, "tz", None) is not None:
            times = times.dt.tz_localize(None)
        return times.astype("datetime64[us]"), was_known & times.isna(), "is no date and time"
    if pt.is_string(kind):
        text = values.astype("string").str.strip()
        return text.mask(text == ""), pd.Series(False, index=values.index), ""
    if values.dtype == object:
        was_known &= values.astype("string").str.strip().fillna("") != ""
        codes = CODES.get(name, {})
        values = values.map(lambda value: codes.get(str(value).strip().lower(), value))
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    if not pt.is_integer(kind):
        return numbers, was_known & numbers.isna() & ~_is_nan_text(values), "is no number"
    is_bad = was_known & (numbers.isna() | (numbers % 1 != 0) | (numbers.abs() > 2**31 - 1))
    return numbers.mask(is_bad).astype("Int32"), is_bad, "is no whole number"


def _is_nan_text(values: pd.Series) -> "pd.Series[bool]":
    if values.dtype != object:
        return pd.Series(False, index=values.index)
    return values.astype("string").str.strip().str.lower().isin(["nan"]).fillna(False)
