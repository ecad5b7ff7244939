"""TLC's files with anything in them: every row is loaded or rejected, or the file is an error."""

import contextlib
import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import sqlalchemy as sa
from hypothesis import strategies as st

from taxi.load_trips import load_day
from taxi.sources.files import FilesSource
from taxi.sources.trip_columns import NAMES, REQUIRED
from tests.fuzz.target import Target
from tests.fuzz.warehouse import opened_warehouse

MONTH = "2019-04"
# The ends of the month, where files meet.
NEAR = st.sampled_from([dt.datetime(2019, 3, 31, 23), dt.datetime(2019, 4, 30, 22, 59)]).flatmap(
    lambda time: st.timedeltas(dt.timedelta(0), dt.timedelta(hours=2)).map(lambda by: time + by)
)
# What a column may hold, by Arrow's type.
VALUES: Mapping[pa.DataType, st.SearchStrategy[Any]] = {
    pa.timestamp("us"): NEAR | st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
    pa.timestamp("ns", "UTC"): NEAR.map(lambda time: time.replace(tzinfo=dt.timezone.utc)),
    pa.timestamp("s"): NEAR.map(lambda time: time.replace(microsecond=0)),
    pa.date32(): st.dates(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 300),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.int8(): st.integers(-128, 127),
    pa.float64(): st.floats() | st.integers(-3, 300).map(float),
    pa.float32(): st.floats(width=32),
    pa.decimal128(38, 9): st.decimals(-(10**20), 10**20, places=9),
    pa.bool_(): st.booleans(),
    pa.string(): st.text(max_size=20)
    | st.sampled_from(["", " ", "nan", "None", "1e400", "2019-04-01 12:00:00", "CSH", "\0", "١٢"]),
    pa.binary(): st.binary(max_size=8),
    pa.duration("s"): st.integers(0, 10**6).map(lambda seconds: dt.timedelta(seconds=seconds)),
    pa.list_(pa.int64()): st.lists(st.integers(0, 9), max_size=3),
    pa.struct([("inner", pa.string())]): st.fixed_dictionaries({"inner": st.text(max_size=3)}),
    pa.null(): st.none(),
}
USUAL = {
    "pickup_datetime": pa.timestamp("us"),
    "dropoff_datetime": pa.timestamp("us"),
}
COLUMNS = sorted(NAMES)


@dataclass(frozen=True)
class File:
    """A month's file.

    Attributes
    ----------
    columns : dict of str to tuple
        Arrow's type and the values, by the name in the file.
    ending : str
        ``parquet``, ``csv`` or ``csv.gz``.
    damage : tuple of tuple
        Bytes that are written over the file's, each with the share of the file that is before it.
    kept : float
        Share of the file that is there.
    """

    columns: dict[str, tuple[pa.DataType, list[Any]]]
    ending: str
    damage: tuple[tuple[float, bytes], ...] = ()
    kept: float = 1.0


@st.composite
def files(draw: st.DrawFn) -> File:
    rows = draw(st.integers(0, 6))
    wanted = set(REQUIRED) | set(draw(st.lists(st.sampled_from(COLUMNS), max_size=4)))
    if draw(st.integers(0, 9)) == 0:
        wanted -= {draw(st.sampled_from(COLUMNS))}
    columns = {}
    for ours in sorted(wanted):
        name = draw(st.sampled_from(NAMES[ours]))
        if draw(st.integers(0, 9)) == 0:
            name = draw(st.sampled_from([name.upper(), f" {name} ", f"{name}\n", "strange"]))
        usual = USUAL.get(ours, pa.float64())
        kind = usual if draw(st.integers(0, 3)) else draw(st.sampled_from(list(VALUES)))
        values = st.lists(st.none() | VALUES[kind], min_size=rows, max_size=rows)
        columns[name] = (kind, draw(values))
    broken = draw(st.integers(0, 4)) == 0
    return File(
        columns,
        draw(st.sampled_from(["parquet", "csv", "csv.gz"])),
        tuple(
            draw(
                st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=9)), max_size=4)
            )
        )
        if broken
        else (),
        draw(st.sampled_from([1.0, 0.99, 0.5, 0.0])) if broken else 1.0,
    )


def write(file: File, directory: Path) -> int | None:
    """Rows of the file, written; None where that is not to be told of a file that is damaged."""
    arrays = {
        name: pa.array(values, type=kind, from_pandas=False)
        for name, (kind, values) in file.columns.items()
    }
    table = pa.table(arrays)
    path = directory / f"yellow_tripdata_{MONTH}.{file.ending}"
    if file.ending == "parquet":
        pq.write_table(table, path)
    else:
        # CSV has text only.
        text = pa.table({name: _as_text(array) for name, array in arrays.items()})
        with (
            pa.CompressedOutputStream(path, "gzip")
            if file.ending == "csv.gz"
            else open(path, "wb") as stream
        ):
            pa_csv.write_csv(text, stream)
    if not file.damage and file.kept == 1:
        return table.num_rows
    content = bytearray(path.read_bytes())
    for share, piece in file.damage:
        at = int(share * len(content))
        content[at : at + len(piece)] = piece
    path.write_bytes(content[: int(file.kept * len(content))])
    return None


def _as_text(array: pa.Array) -> pa.Array:
    values = [None if value is None else str(value) for value in array.to_pylist()]
    return pa.array(values, type=pa.string())


@contextlib.contextmanager
def opened() -> Iterator[Callable[[File], str]]:
    with opened_warehouse() as engine:

        def attempt(file: File) -> str:
            directory = Path(tempfile.mkdtemp(prefix="driftmeter-fuzz-"))
            try:
                return load(engine, file, directory)
            finally:
                shutil.rmtree(directory)

        yield attempt


def load(engine: sa.Engine, file: File, directory: Path) -> str:
    """Load every day of the file, and account for its rows."""
    rows = write(file, directory)
    source = FilesSource(directory)
    batch = source.read_day(dt.date(2019, 4, 1))
    assert batch is not None
    (read,) = batch.files
    assert rows in (None, read.row_count) or file.ending != "parquet"
    days = [dt.date.fromisoformat(day) for day in read.rows_by_day if day.startswith(MONTH)]
    results = [load_day(engine, source, day) for day in days]
    loaded, rejected = (
        sum(getattr(one, name) for one in results) for name in ("loaded", "rejected")
    )
    # Strays of the day before and after the month wait for their own month's file.
    strays = sum(count for day, count in read.rows_by_day.items() if not day.startswith(MONTH))
    assert loaded + rejected + strays == read.row_count
    with engine.connect() as session:
        stored = session.execute(
            sa.text(
                "select (select count(*) from raw.trips where partition_date = any(:days)),"
                " (select count(*) from raw.rejected_trips where partition_date = any(:days)"
                " and reason <> '')"
            ),
            {"days": days},
        ).one()
    assert tuple(stored) == (loaded, rejected)
    return "rejected" if rejected else "loaded"


TARGET = Target("loaders", files(), opened)
