"""Trips from a directory of TLC's monthly files, Parquet or CSV."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from python_metrics.errors import DriftmeterError
from python_metrics.example.sources.base import REJECTED, TRIPS, Batch, SourceFile
from python_metrics.example.sources.columns import canonical_frame

FILE_NAME = re.compile(
    r"(?P<taxi>yellow|green)_tripdata_(?P<year>\d{4})-(?P<month>\d{2})\.(parquet|csv|csv\.gz)"
)
ONE_DAY = dt.timedelta(days=1)
# trip_id: this digit, the file's month, the row's number in the file.
TAXI_DIGIT = {"yellow": 1, "green": 2}
ROWS_PER_FILE = 10**8


@dataclass(frozen=True)
class Month:
    """One file, sorted by day: `first_row` of a day to that of the next are its rows."""

    file: SourceFile
    trips: pa.Table
    first_row: dict[dt.date, tuple[int, int]]
    rejected: pa.Table

    def trips_of(self, day: dt.date) -> pa.Table:
        start, stop = self.first_row.get(day, (0, 0))
        return self.trips.slice(start, stop - start)

    def rejected_of(self, day: dt.date) -> pa.Table:
        return self.rejected.filter(pc.equal(self.rejected["partition_date"], pa.scalar(day)))


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
                "is no directory", where=str(directory), fix="give --dir a directory of TLC files"
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
                fix="give --dir the directory that does, or choose another --taxi",
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
            trips=pa.concat_tables([month.trips_of(day) for month in months]),
            rejected=pa.concat_tables([month.rejected_of(day) for month in months]),
            files=[month.file for month in months],
        )

    def late_arrivals(self) -> Mapping[dt.date, dt.date]:
        """None: of a file that is replaced nobody says when."""
        return {}

    def _read_month(self, key: tuple[int, int]) -> Month:
        path = self._paths[key]
        table = read_table(path)
        frame, reasons = canonical_frame(table, str(path))
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
        frame["row_number"] = np.arange(1, len(frame) + 1)
        frame["trip_id"] = (
            (TAXI_DIGIT[self.taxi] * 10**6 + key[0] * 100 + key[1]) * ROWS_PER_FILE
        ) + frame["row_number"]
        frame["taxi"], frame["source_file"] = self.taxi, path.name
        counts = frame["partition_date"].value_counts()
        file = SourceFile(
            name=path.name,
            row_count=len(frame),
            rows_by_day={str(day): int(count) for day, count in sorted(counts.items())},
        )
        is_good = reasons == ""
        good = frame[is_good].sort_values(["partition_date", "row_number"], kind="stable")
        return Month(
            file=file,
            trips=pa.Table.from_pandas(good[TRIPS.names], schema=TRIPS, preserve_index=False),
            first_row=_slices(good["partition_date"]),
            rejected=_rejected(table, frame[~is_good], reasons[~is_good]),
        )


def read_table(path: Path) -> pa.Table:
    """A file's rows as they are.

    Raises
    ------
    DriftmeterError
        If the file is not what its ending says.
    """
    is_parquet = path.suffix == ".parquet"
    try:
        return pq.read_table(path) if is_parquet else pa_csv.read_csv(path)
    except (pa.ArrowException, OSError) as error:
        raise DriftmeterError(
            f"cannot be read as {'Parquet' if is_parquet else 'CSV'} "
            f"({str(error).splitlines()[0].rstrip('.')})",
            where=str(path),
            fix="download it again, or remove it",
        ) from error


def _days_of(year: int, month: int) -> list[dt.date]:
    first = dt.date(year, month, 1)
    following = dt.date(year + month // 12, month % 12 + 1, 1)
    return [first + ONE_DAY * number for number in range((following - first).days)]


def _slices(days: "pd.Series[dt.date]") -> dict[dt.date, tuple[int, int]]:
    counts = days.value_counts().sort_index()
    stops = counts.cumsum()
    return {day: (int(stops[day] - counts[day]), int(stops[day])) for day in counts.index}


def _rejected(table: pa.Table, frame: pd.DataFrame, reasons: "pd.Series[str]") -> pa.Table:
    records = table.take(pa.array(frame["row_number"] - 1)).to_pylist()
    rows = {
        "partition_date": frame["partition_date"].to_list(),
        "source_file": frame["source_file"].to_list(),
        "row_number": frame["row_number"].to_list(),
        "reason": reasons.to_list(),
        "record": [json.dumps(record, default=str) for record in records],
    }
    return pa.table(rows, schema=REJECTED)
