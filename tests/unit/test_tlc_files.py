"""TLC's files of every year, yellow and green: columns, strays, rejected rows, and bad files."""

import datetime as dt
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from driftmeter.errors import DriftmeterError
from taxi.sources import files
from taxi.sources.files import FilesSource
from taxi.sources.trip_columns import canonical_frame
from tests.integration.pipeline import write_month

TODAY = {
    "VendorID": [2, 1, 2],
    "tpep_pickup_datetime": pd.to_datetime(
        ["2023-01-05 10:00", "2023-01-06 11:00", "2023-01-31 12:00"]
    ),
    "tpep_dropoff_datetime": pd.to_datetime(
        ["2023-01-05 10:10", "2023-01-06 11:30", "2023-02-01 00:10"]
    ),
    "passenger_count": [1.0, None, 2.0],
    "trip_distance": [1.5, 2.5, 3.5],
    "RatecodeID": [1.0, None, 99.0],
    "store_and_fwd_flag": ["N", None, "Y"],
    "PULocationID": [132, 138, 1],
    "DOLocationID": [4, 5, 6],
    "payment_type": [1, 0, 2],
    "fare_amount": [10.0, -5.0, 3.0],
    "total_amount": [12.0, -6.0, 4.0],
    "Airport_fee": [1.75, 0.0, 0.0],
    "cbd_congestion_fee": [0.75, 0.0, 0.0],
}
OF_2009 = {
    "vendor_name": ["CMT", "VTS"],
    "Trip_Pickup_DateTime": ["2009-01-04 02:52:00", "2009-01-04 03:31:00"],
    "Trip_Dropoff_DateTime": ["2009-01-04 03:02:00", "2009-01-04 03:38:00"],
    "Passenger_Count": [1, 3],
    "Trip_Distance": [2.63, 4.55],
    "Start_Lon": [-73.99, -73.98],
    "Start_Lat": [40.72, 40.73],
    "Rate_Code": [None, None],
    "store_and_forward": [None, None],
    "End_Lon": [-73.99, -73.95],
    "End_Lat": [40.69, 40.76],
    "Payment_Type": ["CASH", "Credit"],
    "Fare_Amt": [8.9, 12.1],
    "surcharge": [0.5, 0.5],
    "mta_tax": [None, None],
    "Tip_Amt": [0.0, 2.0],
    "Tolls_Amt": [0.0, 0.0],
    "Total_Amt": [9.4, 14.6],
}
OF_2014 = {
    "vendor_id": ["CMT"],
    "pickup_datetime": ["2014-01-09 20:45:25"],
    "dropoff_datetime": ["2014-01-09 20:52:31"],
    "passenger_count": [1],
    "trip_distance": [0.7],
    "pickup_longitude": [-73.99],
    "pickup_latitude": [40.73],
    "rate_code": [1],
    "store_and_fwd_flag": ["N"],
    "dropoff_longitude": [-73.98],
    "dropoff_latitude": [40.73],
    "payment_type": ["CRD"],
    "fare_amount": [6.5],
    "surcharge": [0.5],
    "tip_amount": [1.4],
    "total_amount": [8.9],
}
GREEN = {
    **{name.replace("tpep", "lpep"): values for name, values in TODAY.items()},
    "ehail_fee": [None, None, None],
    "trip_type": [1.0, 2.0, None],
}


def write(path: Path, columns: dict[str, object]) -> Path:
    pq.write_table(pa.Table.from_pandas(pd.DataFrame(columns)), path)
    return path


def frame_of(columns: dict[str, object]) -> pd.DataFrame:
    frame, reasons = canonical_frame(pa.Table.from_pandas(pd.DataFrame(columns)), "a file")
    assert set(reasons) == {""}
    return frame


def test_todays_names_are_known_and_doubles_of_whole_numbers_become_integers() -> None:
    frame = frame_of(TODAY)
    assert frame["rate_code_id"].tolist() == [1, pd.NA, 99]
    assert frame["airport_fee"].tolist() == [1.75, 0.0, 0.0]
    assert frame["cbd_congestion_fee"].tolist() == [0.75, 0.0, 0.0]
    assert frame["pickup_location_id"].tolist() == [132, 138, 1]


def test_words_of_the_early_years_become_codes_and_coordinates_leave_zones_null() -> None:
    frame = frame_of(OF_2009)
    assert frame["vendor_id"].tolist() == [1, 2]
    assert frame["payment_type"].tolist() == [2, 1]
    assert frame["pickup_datetime"][0] == pd.Timestamp("2009-01-04 02:52")
    assert frame["pickup_location_id"].isna().all()
    assert frame["extra"].tolist() == [0.5, 0.5]
    assert frame_of(OF_2014)["payment_type"].tolist() == [1]


def test_green_cabs_have_their_own_columns(tmp_path: Path) -> None:
    write(tmp_path / "green_tripdata_2023-01.parquet", GREEN)
    source = FilesSource(tmp_path)
    assert source.taxi == "green"
    batch = source.read_day(dt.date(2023, 1, 6))
    assert batch is not None
    assert batch.trips.to_pylist()[0]["trip_type"] == 2
    assert str(batch.trips["trip_id"][0].as_py()).startswith("2202301")


def test_a_csv_file_is_read_like_a_parquet_file(tmp_path: Path) -> None:
    pd.DataFrame(TODAY).to_csv(tmp_path / "yellow_tripdata_2023-01.csv", index=False)
    batch = FilesSource(tmp_path).read_day(dt.date(2023, 1, 5))
    assert batch is not None
    assert batch.trips["trip_distance"].to_pylist() == [1.5]


def test_unusable_rows_are_rejected_with_their_reason_and_odd_ones_are_not(tmp_path: Path) -> None:
    columns = {name: list(values) * 2 for name, values in TODAY.items()}  # type: ignore[call-overload]
    columns["tpep_pickup_datetime"][3:] = [
        None,
        pd.Timestamp("2008-12-31"),
        pd.Timestamp("2023-02-01"),
    ]
    columns["payment_type"][0] = 1.5
    write(tmp_path / "yellow_tripdata_2023-01.parquet", columns)
    source = FilesSource(tmp_path)
    reasons: Counter[str] = Counter()
    loaded = 0
    for day in source.days():
        batch = source.read_day(day)
        assert batch is not None
        loaded += batch.trips.num_rows
        reasons.update(batch.rejected["reason"].to_pylist())
    assert reasons == {
        "payment_type is not a whole number": 1,
        "no pickup time": 1,
        "pickup is more than a day outside the file's month": 1,
    }
    # The sixth row is of 1 February, whose own file is not there: it waits in its file.
    assert loaded == 2


def test_strays_land_on_their_own_day(tmp_path: Path) -> None:
    write(tmp_path / "yellow_tripdata_2023-01.parquet", TODAY)
    later = {**TODAY, "tpep_pickup_datetime": pd.to_datetime(["2023-01-31 23:59"] * 3)}
    write(tmp_path / "yellow_tripdata_2023-02.parquet", later)
    batch = FilesSource(tmp_path).read_day(dt.date(2023, 1, 31))
    assert batch is not None
    assert Counter(batch.trips["source_file"].to_pylist()) == {
        "yellow_tripdata_2023-01.parquet": 1,
        "yellow_tripdata_2023-02.parquet": 3,
    }


def test_every_real_row_is_on_exactly_one_day(tlc_sample: Path) -> None:
    source = FilesSource(tlc_sample)
    loaded = rejected = 0
    rows_in_files = {}
    for day in source.days():
        batch = source.read_day(day)
        assert batch is not None
        loaded, rejected = loaded + batch.trips.num_rows, rejected + batch.rejected.num_rows
        rows_in_files |= {file.name: file.row_count for file in batch.files}
    assert loaded + rejected == sum(rows_in_files.values())
    assert rejected > 0


def test_a_missing_column_is_named_with_what_was_not_recognised(tmp_path: Path) -> None:
    columns = {("Fare" if name == "fare_amount" else name): TODAY[name] for name in TODAY}
    path = write(tmp_path / "yellow_tripdata_2023-01.parquet", columns)
    with pytest.raises(DriftmeterError) as error:
        FilesSource(tmp_path).read_day(dt.date(2023, 1, 5))
    assert str(error.value).startswith(f"{path}: column fare_amount is missing")
    assert "not recognised: Fare" in str(error.value)


@pytest.mark.parametrize("name", ["yellow_tripdata_2023-01.parquet", "yellow_tripdata_2023-01.csv"])
def test_a_file_that_is_not_what_it_says_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x01\x02 no table\n1,2,3\n")
    with pytest.raises(DriftmeterError, match=name):
        FilesSource(tmp_path).read_day(dt.date(2023, 1, 5))


def test_a_directory_without_files_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DriftmeterError, match="holds no file named yellow_tripdata"):
        FilesSource(tmp_path)
    with pytest.raises(DriftmeterError, match="is not a directory"):
        FilesSource(tmp_path / "nowhere")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_in_blocks_is_as_it_is_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    # A day's trips lie in several blocks, and a block has several days.
    path = write_month(tmp_path, "2019-04", trips_per_day=10)
    table = pq.read_table(path)
    times = table["tpep_pickup_datetime"].to_pylist()
    # No time, a stray of the month before, one of another year; the last row comes first.
    times[:3] = [None, dt.datetime(2019, 3, 31, 23), dt.datetime(2008, 1, 1)]
    column = table.schema.get_field_index("tpep_pickup_datetime")
    table = table.set_column(column, "tpep_pickup_datetime", pa.array(times[::-1]))
    if ending == "parquet":
        pq.write_table(table, path)
    else:
        path.unlink()
        pa_csv.write_csv(table, path.with_suffix(".csv"))
    # The month before is there, for the stray.
    write_month(tmp_path, "2019-03", trips_per_day=10)
    days = [dt.date(2019, 3, 31), dt.date(2019, 4, 1), dt.date(2019, 4, 30)]
    whole = [FilesSource(tmp_path).read_day(day) for day in days]
    monkeypatch.setattr(files, "BLOCK_ROWS", 7)
    assert [FilesSource(tmp_path).read_day(day) for day in days] == whole
    assert sum(batch.rejected.num_rows for batch in whole if batch) == 2


def in_place(path: Path, content: bytes) -> None:
    with path.open("r+b") as file:
        for start in range(0, len(content), 4096):
            file.write(content[start : start + 4096])
        file.truncate()


def by_name(path: Path, content: bytes) -> None:
    other = path.with_suffix(".new")
    other.write_bytes(content)
    os.replace(other, path)


@pytest.mark.parametrize("replace", [in_place, by_name])
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_that_is_replaced_while_it_is_read_gives_no_mixture(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
    replace: Callable[[Path, bytes], None],
) -> None:
    day = dt.date(2019, 4, 17)
    table = pq.read_table(write_month(tmp_path, "2019-04"))
    (tmp_path / "yellow_tripdata_2019-04.parquet").unlink()
    path = tmp_path / f"yellow_tripdata_2019-04.{ending}"
    months = []
    for fare in (11.0, 22.0):
        column = table.schema.get_field_index("fare_amount")
        table = table.set_column(column, "fare_amount", pa.array([fare] * table.num_rows))
        write_table = pq.write_table if ending == "parquet" else pa_csv.write_csv
        write_table(table, path)
        months.append(path.read_bytes())
    path.write_bytes(months[0])
    read_blocks = files.read_blocks

    def replaced_on_the_way(path: Path) -> Iterator[pa.Table]:
        for number, block in enumerate(read_blocks(path)):
            if number == 2:
                replace(path, months[1])
            yield block

    monkeypatch.setattr(files, "BLOCK_ROWS", 500)
    source = FilesSource(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(files, "read_blocks", replaced_on_the_way)
        with pytest.raises(DriftmeterError, match=f"{path}: was replaced while it was read"):
            source.read_day(day)
    batch = source.read_day(day)
    assert batch is not None
    assert set(batch.trips["fare_amount"].to_pylist()) == {22.0}
