"""One partition of one monitor on a real Postgres: replaced whole, or left as it was."""

import datetime as dt
import subprocess
import sys

import pytest
import sqlalchemy as sa

from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.settings import PROJECT_ROOT
from tests.integration.pipeline import rows_of

TABLES = ("metrics.drift", "metrics.test_results", "metrics.partitions", "metrics.baselines")
DAY = dt.date(2019, 4, 1)
FILL = """
    create schema inference;
    create table inference.fares as
    select
        number as id,
        case
            when number <= 3000 then date '2019-03-01' + number % 28
            else date '2019-04-01' + number % 2
        end as partition_date,
        now() as at,
        'v' || (1 + (number > 3900)::int) as version,
        10 + 5 * sin(number) as fare,
        case when number % 7 = 0 then null else number % 4 end as payment,
        10 + 4 * sin(number) as predicted,
        case when number <= 3000 then number % 3 = 0 end as is_paid
    from generate_series(1, 4000) as number
"""


def monitor(**changes: object) -> Monitor:
    return Monitor.model_validate(
        {
            "name": "fares",
            "owner": "team-fares",
            "task": "classification",
            "timestamp": "at",
            "id": "id",
            "prediction": "predicted",
            "target": "is_paid",
            "model_version": "version",
            "features": {"fare": {"kind": "numerical"}, "payment": {"kind": "categorical"}},
            "reference": {"from": "2019-03-01", "to": "2019-03-31"},
            **changes,
        }
    )


@pytest.fixture
def fares(warehouse: sa.Engine) -> sa.Engine:
    with warehouse.begin() as session:
        session.execute(sa.text(FILL))
    return warehouse


def compute(engine: sa.Engine, *days: dt.date) -> list[str]:
    reference = load_reference(engine, monitor())
    return [compute_partition(engine, monitor(), day, reference).state for day in days]


def change(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as session:
        session.execute(sa.text(statement))


def test_each_version_of_a_day_has_its_own_rows_with_keys_to_baseline_and_engine(
    fares: sa.Engine,
) -> None:
    assert compute(fares, DAY) == ["fresh"]
    with fares.connect() as session:
        rows = session.execute(sa.text("select * from metrics.drift")).mappings().all()
        partition = session.execute(sa.text("select * from metrics.partitions")).mappings().one()
    columns = {"fare", "payment", "predicted", "is_paid", None}
    for version in ("v1", "v2"):
        assert {row["column_name"] for row in rows if row["model_version"] == version} == columns
    unknown = [row for row in rows if row["column_name"] == "is_paid"]
    assert {row["reason"] for row in unknown if row["n_current"] == 0} == {
        "0 of 450 values are known",
        "0 of 50 values are known",
    }
    assert {row["baseline"] for row in rows} == {"reference"}
    assert {row["engine"] for row in rows} == {
        "kernel evidently 0.7.23",
        "driftmeter domain classifier",
    }
    assert partition["row_count"] == 500
    assert len(partition["config_hash"]) == 16


ORDINARY_DAY = """
import sys
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.warehouse import connection
from tests.integration.test_drift_partitions import DAY, monitor
engine = connection.engine(sys.argv[1])
result = compute_partition(engine, monitor(), DAY, load_reference(engine, monitor()))
print(result.state, sum(row.status == "ok" for row in result.drift), "evidently" in sys.modules)
"""


def test_an_ordinary_day_does_without_evidently_whose_import_takes_seconds(
    fares: sa.Engine,
) -> None:
    url = fares.url.render_as_string(hide_password=False)
    ran = subprocess.run(
        [sys.executable, "-c", ORDINARY_DAY, url], cwd=PROJECT_ROOT, capture_output=True, text=True
    )
    # Of each of two versions: the columns but for the labels, which are unknown, and all of them.
    assert (ran.stdout, ran.returncode) == ("fresh 10 False\n", 0), ran.stderr


def test_a_rerun_changes_nothing(fares: sa.Engine) -> None:
    compute(fares, DAY)
    before = rows_of(fares, tables=TABLES)
    compute(fares, DAY)
    assert rows_of(fares, tables=TABLES) == before


def test_rows_in_another_order_on_disk_are_the_same_rows(fares: sa.Engine) -> None:
    compute(fares, DAY)
    before = rows_of(fares, tables=TABLES)
    change(fares, "create table shuffled as select * from inference.fares order by md5(id::text)")
    change(fares, "truncate inference.fares")
    change(fares, "insert into inference.fares select * from shuffled")
    compute(fares, DAY)
    after = rows_of(fares, tables=TABLES)
    assert after["metrics.partitions"] == before["metrics.partitions"]
    assert after["metrics.baselines"] == before["metrics.baselines"]


def test_of_a_large_day_a_sample_is_compared_the_same_each_time_and_its_size_is_on_record(
    fares: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A row without an id is as likely to be in the sample as any other.
    change(fares, "update inference.fares set id = null where id > 3000 and id % 2 = 0")
    monkeypatch.setattr("driftmeter.drift.drift_day.MOST_ROWS", 200)
    monkeypatch.setattr("driftmeter.drift.reference.MOST_REFERENCE_ROWS", 1000)
    compute(fares, DAY)
    before = rows_of(fares, tables=TABLES)
    compute(fares, DAY)
    assert rows_of(fares, tables=TABLES) == before
    with fares.connect() as session:
        compared, reference = session.exec_driver_sql(
            "select sum(n_current)::int, max(n_reference) from metrics.drift"
            " where method = 'share_of_drifted_columns'"
        ).one()
        rows = session.exec_driver_sql("select row_count from metrics.partitions").scalar()
    assert 150 < compared < 250
    assert 850 < reference < 1150
    assert rows == 500


def test_a_day_without_rows_is_empty_or_missing_and_says_so_for_each_column(
    fares: sa.Engine,
) -> None:
    compute(fares, DAY)
    change(fares, "delete from inference.fares where partition_date = '2019-04-01'")
    assert compute(fares, DAY) == ["empty"]
    with fares.connect() as session:
        rows = session.execute(sa.text("select status, reason from metrics.drift")).all()
    assert len(rows) == 6
    assert {row.status for row in rows} == {"skipped"}
    reference = load_reference(fares, monitor())
    assert compute_partition(fares, monitor(), DAY, reference, arrived=False).state == "missing"


def test_a_run_that_fails_half_way_leaves_the_old_day_and_says_why(fares: sa.Engine) -> None:
    compute(fares, DAY)
    before = rows_of(fares, tables=("metrics.drift", "metrics.test_results"))
    # The drift rows go in first; a constraint then refuses the tests'.
    change(
        fares,
        "alter table metrics.test_results add constraint full_disk"
        " check (test <> 'value_range') not valid",
    )
    change(fares, "update inference.fares set fare = fare * 3 where partition_date >= '2019-04-01'")
    with pytest.raises(DriftmeterError, match="the drift of 2019-04-01 could not be measured"):
        compute(fares, DAY)
    assert rows_of(fares, tables=("metrics.drift", "metrics.test_results")) == before
    with fares.connect() as session:
        failed = session.execute(sa.text("select state, reason from metrics.partitions")).one()
    assert failed.state == "failed"
    assert "full_disk" in failed.reason


def test_days_measured_against_another_reference_become_stale(fares: sa.Engine) -> None:
    def states() -> dict[dt.date, str]:
        with fares.connect() as session:
            query = sa.text("select partition_date, state from metrics.partitions")
            return {day: state for day, state in session.execute(query)}

    other = DAY + dt.timedelta(days=1)
    compute(fares, DAY, other)
    compute(fares, DAY)
    assert states() == {DAY: "fresh", other: "fresh"}
    change(fares, "delete from inference.fares where id = 1")
    compute(fares, DAY)
    assert states() == {DAY: "fresh", other: "stale"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "fees"}, "inference.fees: the inference table does not exist"),
        ({"features": {"tip": {"kind": "numerical"}}}, 'column "tip" does not exist'),
        (
            {"reference": {"from": "2018-01-01", "to": "2018-01-31"}},
            "the reference days 2018-01-01 to 2018-01-31 hold no rows",
        ),
    ],
)
def test_what_the_monitor_names_and_the_warehouse_lacks_is_one_line(
    fares: sa.Engine, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(DriftmeterError, match=said):
        load_reference(fares, monitor(**changes))
