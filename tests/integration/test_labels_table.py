"""Predictions and labels in two tables, with times as numbers: from `init` to labels that land."""

import os
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from driftmeter import settings

# 40 rows a day for 40 days; of the last six days no label has come.
TABLES = """
    create schema "Team Risk";
    create table "Team Risk"."Scores" as
    select
        number as payment_id,
        1767225600000 + number / 40 * bigint '86400000' + number % 40 * 60000 as scored_at_ms,
        (50 + 9 * sin(number))::numeric::money as amount,
        (array['web', 'branch'])[1 + number % 2] as channel,
        number % 3 = 0 as is_new,
        sin(number) ^ 2 as fraud_probability
    from generate_series(0, 1599) as number;
    create table "Team Risk"."Outcomes" as
    select payment_id::text as ref, case when payment_id * 37 % 97 / 97.0 < fraud_probability then 'yes' else 'no' end
        as is_fraud
    from "Team Risk"."Scores" where payment_id < 34 * 40
"""
LANDED = """
    insert into "Team Risk"."Outcomes"
    select payment_id::text, 'no' from "Team Risk"."Scores" where payment_id / 40 in (34, 35)
"""
MEASURED = sa.text(
    "select partition_date::text, computed_at from metrics.partitions where monitor = 'scores'"
    " and state = 'fresh'"
)
REALISED = sa.text(
    "select distinct partition_date::text from metrics.performance where monitor = 'scores'"
    " and kind = 'realised' and label_coverage > 0 and partition_date > '2026-02-01'"
)
SEEN = sa.text(
    "select column_name, count(*) filter (where status = 'ok') > 0 from metrics.drift"
    " where monitor = 'scores' and partition_date = '2026-02-05' and segment is null group by 1"
)


def command(directory: Path, url: str, *arguments: str) -> str:
    ended = subprocess.run(
        [str(Path(sys.executable).parent / "driftmeter"), *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={
            **{name: value for name, value in os.environ.items() if name != "DRIFTMETER_HOME"},
            "DRIFTMETER_DATABASE_URL": url,
            "PYTHONPATH": str(settings.PROJECT_ROOT),
        },
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def measured(engine: sa.Engine) -> dict[str, object]:
    with engine.connect() as session:
        return dict(session.execute(MEASURED).tuples().all())


def test_labels_that_land_in_their_own_table_are_noticed_there(
    tmp_path: Path, warehouse: sa.Engine, warehouse_url: str
) -> None:
    with warehouse.begin() as session:
        session.exec_driver_sql(TABLES.replace("%", "%%"))
    shown = command(
        tmp_path, warehouse_url, "init", "--yes", "--name", "scores",
        "--table", '"Team Risk"."Scores"', "--id", "payment_id",
        "--labels", '"Team Risk"."Outcomes"', "--labels-id", "ref",
    )  # fmt: skip
    assert 'to_timestamp("scored_at_ms" / 1000.0)' in shown
    assert '"labels.ref"::text = "payment_id"::text' in shown
    run = ("run", "--workers", "1", "--monitor", "scores")
    command(tmp_path, warehouse_url, *run)
    first = measured(warehouse)
    assert {"2026-01-29", "2026-02-09"} <= {*first}
    with warehouse.begin() as session:
        before = set(session.scalars(REALISED))
        session.exec_driver_sql(LANDED)
    assert "2026-02-04" not in before

    # Labels of two days land; those days are measured again, and no others.
    command(tmp_path, warehouse_url, *run)
    again = measured(warehouse)
    assert {day for day in again if again[day] != first[day]} == {"2026-02-04", "2026-02-05"}
    with warehouse.begin() as session:
        assert set(session.scalars(REALISED)) - before == {"2026-02-04", "2026-02-05"}
        # A label's column that is gone takes nothing else with it.
        session.exec_driver_sql('alter table "Team Risk"."Outcomes" drop column is_fraud')
    command(
        tmp_path,
        warehouse_url,
        "run",
        "--workers",
        "1",
        "--from",
        "2026-02-05",
        "--to",
        "2026-02-05",
    )
    with warehouse.connect() as session:
        seen = dict(session.execute(SEEN).tuples().all())
    assert seen["amount"]
    assert not seen.get("is_fraud")
