"""One mapping from TLC's column names of every year, yellow and green, to those of raw.trips."""

from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from driftmeter.errors import DriftmeterError
from taxi.sources.base import INTEGER, REAL, TEXT, TRIPS

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
# A column that the file has not, by its type in raw.trips.
ABSENT = {INTEGER: "Int32", REAL: "float64", TEXT: "string"}
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
        if name not in named:
            cast[name] = pd.Series(None, index=reasons.index, dtype=ABSENT[TRIPS.field(name).type])
            continue
        cast[name], is_bad, problem = _cast(name, table.column(named[name]))
        if is_bad.any():
            reasons[is_bad & (reasons == "")] = f"{named[name]} {problem}"
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


def _cast(name: str, column: pa.ChunkedArray) -> tuple[pd.Series, pd.Series, str]:
    """Values in the type of raw.trips, which of them could not be cast, and why not."""
    kind = TRIPS.field(name).type
    if pt.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    was_known = column.is_valid().to_pandas()
    if pt.is_timestamp(kind):
        times = _times(column)
        return times, was_known & times.isna(), "is not a date and time"
    if pt.is_string(kind):
        text = _text(column).str.strip()
        # Postgres has no text with a zero byte.
        is_bad = text.str.contains("\0", regex=False).fillna(False).astype(bool)
        return text.mask((text == "") | is_bad), is_bad, "holds a zero byte"
    numbers, is_left_out = _numbers(column, CODES.get(name, {}))
    if not pt.is_integer(kind):
        return numbers, was_known & numbers.isna() & ~is_left_out, "is not a number"
    is_whole = (numbers % 1 == 0) & (numbers.abs() <= 2**31 - 1)
    is_bad = was_known & ~is_whole & ~is_left_out
    return numbers.where(is_whole).astype("Int32"), is_bad, "is not a whole number"


def _times(column: pa.ChunkedArray) -> pd.Series:
    """Local times in microseconds; NaT for what is none."""
    if pt.is_timestamp(column.type) or pt.is_date(column.type):
        if pt.is_timestamp(column.type) and column.type.tz:
            # The clock of its zone: TLC's times are local.
            column = pc.local_timestamp(column)
        times = column.cast(pa.timestamp("us"), safe=False).to_pandas()
        return times.astype("datetime64[us]")
    if not _is_text(column.type):
        return pd.Series(pd.NaT, index=range(len(column)), dtype="datetime64[us]")
    # ISO alone: a guess would take "3" for a day of the month in which it is read.
    words = _text(column).str.strip().astype(object)
    times = pd.to_datetime(words, errors="coerce", utc=True, format="ISO8601")
    return times.dt.tz_localize(None).astype("datetime64[us]")


def _numbers(
    column: pa.ChunkedArray, codes: Mapping[str, int]
) -> tuple[pd.Series, "pd.Series[bool]"]:
    """Numbers, NaN for what is none, and where that is what the file means: blank, or NaN."""
    if not _is_text(column.type):
        kinds = (pt.is_integer, pt.is_floating, pt.is_decimal, pt.is_boolean, pt.is_null)
        if not any(is_kind(column.type) for is_kind in kinds):
            column = pa.chunked_array([pa.nulls(len(column))])
            return column.cast(pa.float64()).to_pandas(), pd.Series(False, range(len(column)))
        if pt.is_boolean(column.type):
            column = column.cast(pa.int8())
        is_left_out = pd.Series(False, index=range(len(column)))
        if pt.is_floating(column.type):
            is_left_out = pc.is_nan(column).fill_null(False).to_pandas()
        return column.cast(pa.float64(), safe=False).to_pandas(), is_left_out
    words = _text(column).str.strip().str.lower()
    numbers = pd.to_numeric(words.map(lambda word: codes.get(word, word)), errors="coerce")
    is_left_out = words.isin(["", "nan"]).fillna(False).astype(bool)
    return numbers.astype("float64"), is_left_out


def _is_text(kind: pa.DataType) -> bool:
    tests = (pt.is_string, pt.is_large_string, pt.is_binary, pt.is_large_binary)
    return any(is_kind(kind) for is_kind in tests)


def _text(column: pa.ChunkedArray) -> pd.Series:
    """Values as text; bytes, which some writers make of it, are UTF-8."""
    values = column.to_pandas()
    if pt.is_binary(column.type) or pt.is_large_binary(column.type):
        values = values.map(lambda value: value.decode("utf-8", "replace"), na_action="ignore")
    return values.astype("string")
