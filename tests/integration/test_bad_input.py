"""Bad input to `driftmeter demo`: one clear line, a non-zero exit, and nothing half-written."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from tests.integration.pipeline import write_month

DRIFTMETER = Path(sys.executable).parent / "driftmeter"
ONE_DAY = ("--from", "2019-04-01", "--to", "2019-04-01")


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    """Files that are good enough to begin with."""
    for month in ("2019-01", "2019-02", "2019-03", "2019-04"):
        write_month(tmp_path, month, trips_per_day=20)
    return tmp_path


def run(url: str, home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DRIFTMETER_DATABASE_URL": url, "DRIFTMETER_HOME": str(home)}
    return subprocess.run(
        [DRIFTMETER, "demo", *arguments], env=environment, capture_output=True, text=True
    )


def one_line(ended: "subprocess.CompletedProcess[str]") -> str:
    """The one line on stderr that a user reads."""
    assert ended.returncode == 1, ended.stderr
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, ended.stderr
    assert "Traceback" not in ended.stderr
    return errors[0]


def raw_rows(warehouse: sa.Engine) -> int:
    with warehouse.connect() as session:
        tables = ("raw.trips", "raw.loads", "raw.rejected_trips", "metrics.partitions")
        return sum(session.scalar(sa.text(f"select count(*) from {table}")) for table in tables)


def test_a_file_that_is_not_parquet_is_named_and_nothing_is_written(
    warehouse: sa.Engine, warehouse_url: str, trips: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (trips / "yellow_tripdata_2019-01.parquet").write_text("no parquet at all")
    home = tmp_path_factory.mktemp("home")
    span = ("--from", "2019-04-01", "--to", "2019-04-02")
    line = one_line(run(warehouse_url, home, "--source", "files", "--dir", str(trips), *span))
    assert "yellow_tripdata_2019-01.parquet" in line
    assert "cannot be read as Parquet" in line
    assert raw_rows(warehouse) == 0


def test_a_renamed_column_is_named_with_its_fix(
    warehouse: sa.Engine, warehouse_url: str, trips: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = trips / "yellow_tripdata_2019-01.parquet"
    table = pq.read_table(file)
    names = ["TotalPaid" if name == "total_amount" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names), file)
    home = tmp_path_factory.mktemp("home")
    span = ("--from", "2019-04-01", "--to", "2019-04-02")
    line = one_line(run(warehouse_url, home, "--source", "files", "--dir", str(trips), *span))
    assert "yellow_tripdata_2019-01.parquet: column total_amount is missing" in line
    assert "TotalPaid" in line
    assert "name it total_amount" in line
    assert raw_rows(warehouse) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--source", "files", *ONE_DAY), "--dir: is missing"),
        (("--source", "parquet", *ONE_DAY), "--source: 'parquet' is not a source of trips"),
        (("--from", "2019-04-31"), "--from: '2019-04-31' is not a date"),
        (("--from", "2019-05-01", "--to", "2019-04-01"), "--from: 2019-05-01 is after"),
        (("--monitor", "trip_fare"), "--monitor: there is no monitor 'trip_fare'"),
        (("--from", "1999-01-01", "--to", "1999-01-02"), "the source has no day from 1999-01-01"),
    ],
)
def test_an_option_that_is_wrong_is_named(
    warehouse: sa.Engine,
    warehouse_url: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert said in one_line(run(warehouse_url, tmp_path, *arguments))
    assert raw_rows(warehouse) == 0


def test_a_warehouse_that_does_not_answer_is_named(tmp_path: Path) -> None:
    line = one_line(run("postgresql://someone:secret@127.0.0.1:1/none", tmp_path))
    assert "127.0.0.1:1/none" in line
    assert "does not answer" in line
    assert "secret" not in line
