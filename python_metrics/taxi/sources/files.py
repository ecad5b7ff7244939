"""Trips from a directory of TLC's monthly files, Parquet or CSV."""

import datetime as dt
import json
import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from driftmeter.errors import DriftmeterError
from taxi.sources.base import REJECTED, TRIPS, Batch, SourceFile
from taxi.sources.trip_columns import canonical_frame

FILE_NAME = re.compile(
    r"(?P<taxi>yellow|green)_tripdata_(?P<year>\d{4})-(?P<month>\d{2})\.(parquet|csv|csv\.gz)"
)
ONE_DAY = dt.timedelta(days=1)
# trip_id: this digit, the file's month, the row's number in the file.
TAXI_DIGIT = {"yellow": 1, "green": 2}
ROWS_PER_FILE = 10**8


# Rows of a file that are read at once: a month of eight million takes no more memory than these.
BLOCK_ROWS = 200_000


class FileDays:
    """Rows by day, in a file each: written in any order, read a day at a time."""

    def __init__(self, directory: Path, schema: pa.Schema) -> None:
        self.directory, self.schema = directory, schema
        self._open: dict[dt.date, pa.ipc.RecordBatchFileWriter] = {}

    def write(self, rows: pa.Table) -> None:
        """Append rows that are sorted by day."""
        start = 0
        for counted in rows["partition_date"].value_counts().to_pylist():
            day, count = counted["values"], counted["counts"]
            if day not in self._open:
                options = pa.ipc.IpcWriteOptions(compression="lz4")
                self._open[day] = pa.ipc.new_file(self._path(day), self.schema, options=options)
            self._open[day].write_table(rows.slice(start, count))
            start += count

    def close(self) -> None:
        """Write no more."""
        for file in self._open.values():
            file.close()

    def read(self, day: dt.date) -> pa.Table:
        """Rows of a day, in the order in which they were written."""
        if day not in self._open:
            return self.schema.empty_table()
        with pa.OSFile(self._path(day)) as file:
            return pa.ipc.open_file(file).read_all()

    def _path(self, day: dt.date) -> str:
        return str(self.directory / f"{day}.arrow")


@dataclass(frozen=True)
class FileMonth:
    """One file, by day.

    Attributes
    ----------
    directory : tempfile.TemporaryDirectory
        Where the days lie; it goes with the month.
    """

    file: SourceFile
    trips: FileDays
    rejected: FileDays
    directory: "tempfile.TemporaryDirectory[str]"


class FilesSource:
    """Monthly files of one colour of cab in a directory.

    A row belongs to the local day of its pickup. TLC's files hold strays from other months; those
    of the day before or after the month are that day's rows, so the first and the last day of a
    month are read from two files. Anything further off is rejected.

    Parameters
    ----------
    directory : Path
        Holds ``{yellow,green}_tripdata_YYYY-MM.{parquet,csv,csv.gz}``.
    taxi : {'yellow', 'green'}, optional
        Needed only where both colours are there.

    Raises
    ------
    DriftmeterError
        If the directory is missing, or holds no such file.
    """

    name = "files"

    def __init__(self, directory: Path, taxi: str | None = None) -> None:
        if not directory.is_dir():
            raise DriftmeterError(
                "is not a directory",
                where=str(directory),
                fix="give --dir a directory of TLC files",
            )
        matches = {path: FILE_NAME.fullmatch(path.name) for path in sorted(directory.iterdir())}
        trip_files = {path: match for path, match in matches.items() if match}
        colours = {match["taxi"] for match in trip_files.values()}
        if taxi is None:
            taxi = "green" if colours == {"green"} else "yellow"
        self.taxi = taxi
        self._paths = {
            (int(match["year"]), int(match["month"])): path
            for path, match in trip_files.items()
            if match["taxi"] == taxi
        }
        if not self._paths:
            raise DriftmeterError(
                f"holds no file named {taxi}_tripdata_YYYY-MM.parquet (or .csv, .csv.gz)",
                where=str(directory),
                fix="give --dir a directory that holds one, or choose another --taxi",
            )
        self.signature = f"{self.name}:{directory.resolve().name}:{taxi}"
        # Three months serve any run of days: the month, and the strays of its neighbours.
        self._month = lru_cache(maxsize=3)(self._read_month)

    def days(self) -> Sequence[dt.date]:
        """Every day of every month that has a file."""
        return [day for key in sorted(self._paths) for day in _days_of(*key)]

    def read_day(self, day: dt.date) -> Batch | None:
        """The day's rows, from its month's file and, at a month's ends, the neighbour's."""
        own = (day.year, day.month)
        if own not in self._paths:
            return None
        keys = [own]
        for neighbour in (day - ONE_DAY, day + ONE_DAY):
            key = (neighbour.year, neighbour.month)
            if key != own and key in self._paths:
                keys.append(key)
        months = [self._month(key) for key in keys]
        return Batch(
            trips=pa.concat_tables([month.trips.read(day) for month in months]),
            rejected=pa.concat_tables([month.rejected.read(day) for month in months]),
            files=[month.file for month in months],
        )

    def late_arrivals(self) -> Mapping[dt.date, dt.date]:
        """None: of a file that is replaced nobody says when."""
        return {}

    def _read_month(self, key: tuple[int, int]) -> FileMonth:
        path = self._paths[key]
        before = _state(path)
        directory = tempfile.TemporaryDirectory(prefix="driftmeter-trips-")
        places = [Path(directory.name) / name for name in ("trips", "rejected")]
        for place in places:
            place.mkdir()
        trips, rejected = FileDays(places[0], TRIPS), FileDays(places[1], REJECTED)
        rows, by_day = 0, Counter[str]()
        for block in read_blocks(path):
            frame, reasons = self._rows_of(block, key, rows)
            is_good = reasons == ""
            good = frame[is_good].sort_values(["partition_date", "row_number"], kind="stable")
            trips.write(pa.Table.from_pandas(good[TRIPS.names], schema=TRIPS, preserve_index=False))
            bad = frame[~is_good].sort_values(["partition_date", "row_number"], kind="stable")
            rejected.write(_rejected(block, bad, reasons[bad.index]))
            by_day.update(frame["partition_date"].astype(str))
            rows += len(frame)
        trips.close()
        rejected.close()
        if _state(path) != before:
            raise DriftmeterError(
                "was replaced while it was read",
                where=str(path),
                fix="run again when the file is complete",
            )
        file = SourceFile(path.name, rows, dict(sorted(by_day.items())))
        return FileMonth(file, trips, rejected, directory)

    def _rows_of(
        self, block: pa.Table, key: tuple[int, int], before: int
    ) -> tuple[pd.DataFrame, "pd.Series[str]"]:
        """Rows of a month's file, so many of its rows before them, and why each is unusable."""
        path = self._paths[key]
        frame, reasons = canonical_frame(block, str(path))
        first, last = _days_of(*key)[0], _days_of(*key)[-1]
        day = frame["pickup_datetime"].dt.normalize()
        is_near = day.between(pd.Timestamp(first - ONE_DAY), pd.Timestamp(last + ONE_DAY))
        no_day = frame["pickup_datetime"].isna()
        # The first reason that a row meets is the one it is rejected for.
        reasons[~is_near & ~no_day & (reasons == "")] = (
            "pickup is more than a day outside the file's month"
        )
        reasons[no_day & (reasons == "")] = "no pickup time"
        frame["partition_date"] = day.where(is_near, pd.Timestamp(first)).dt.date
        frame["row_number"] = np.arange(before + 1, before + len(frame) + 1)
        frame["trip_id"] = (
            (TAXI_DIGIT[self.taxi] * 10**6 + key[0] * 100 + key[1]) * ROWS_PER_FILE
        ) + frame["row_number"]
        frame["taxi"], frame["source_file"] = self.taxi, path.name
        return frame, reasons


def read_blocks(path: Path) -> Iterator[pa.Table]:
    """A file's rows as they are, some at a time; at least one block, which may have no row.

    Types in a CSV are what all of its rows have, so that one is read whole.

    Raises
    ------
    DriftmeterError
        If the file is not what its ending says.
    """
    is_parquet = path.suffix == ".parquet"
    try:
        if is_parquet:
            with pq.ParquetFile(path) as file:
                file.schema_arrow.names  # noqa: B018 - are no UTF-8 in a damaged file
                yield file.schema_arrow.empty_table()
                for batch in file.iter_batches(BLOCK_ROWS):
                    yield pa.Table.from_batches([batch])
        else:
            rows = pa_csv.read_csv(path)
            rows.column_names  # noqa: B018
            yield rows.slice(0, 0)
            for start in range(0, rows.num_rows, BLOCK_ROWS):
                yield rows.slice(start, BLOCK_ROWS)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DriftmeterError(
            f"cannot be read as {'Parquet' if is_parquet else 'CSV'} ({reason})",
            where=str(path),
            fix="download it again, or remove it",
        ) from error


def _state(path: Path) -> tuple[int, ...] | None:
    """What differs once a file was written to, or another put in its place; None if it is gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def _days_of(year: int, month: int) -> list[dt.date]:
    first = dt.date(year, month, 1)
    following = dt.date(year + month // 12, month % 12 + 1, 1)
    return [first + ONE_DAY * number for number in range((following - first).days)]


def _rejected(table: pa.Table, frame: pd.DataFrame, reasons: "pd.Series[str]") -> pa.Table:
    records = table.take(pa.array(frame.index)).to_pylist()
    rows = {
        "partition_date": frame["partition_date"].to_list(),
        "source_file": frame["source_file"].to_list(),
        "row_number": frame["row_number"].to_list(),
        "reason": reasons.to_list(),
        "record": [json.dumps(_storable(record), default=str) for record in records],
    }
    return pa.table(rows, schema=REJECTED)


def _storable(value: object) -> object:
    """A value of a file as Postgres takes it in JSON: no infinity, no zero byte."""
    if isinstance(value, Mapping):
        return {_storable(name): _storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.replace("\0", "\\0") if isinstance(value, str) else value
