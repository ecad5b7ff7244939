"""Memory of a report of one day of a million rows, against the limit of 1 GiB.

    python -m benchmarks.report_memory               # minutes; makes and drops its own tables

Makes an inference table in the warehouse of DRIFTMETER_HOME or DRIFTMETER_DATABASE_URL, a
reference of 28 days and one large day, and writes its report in a process of its own.
"""

import argparse
import datetime as dt
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.reports.write_report import write_report
from driftmeter.warehouse import connection

SEED = 20261123
LIMIT_MIB = 1024
DAY = dt.date(2019, 4, 1)
MONITOR = Monitor.model_validate(
    {
        "name": "report_memory",
        "schema_name": "benchmark",
        "owner": "benchmark",
        "task": "regression",
        "timestamp": "at",
        "id": "id",
        "prediction": "predicted",
        "target": "actual",
        "model_version": "version",
        "features": {
            **{f"x{n}": {"kind": "numerical"} for n in range(12)},
            **{f"c{n}": {"kind": "categorical"} for n in range(6)},
        },
        "reference": {"from": "2019-02-01", "to": "2019-02-28"},
    }
)
NUMBERS = ", ".join(f"exp(random() * {n + 1}) as x{n}" for n in range(12))
CATEGORIES = ", ".join(f"(random() * {5 * (n + 1)})::integer::text as c{n}" for n in range(6))


def fill(engine: sa.Engine, rows: int) -> None:
    """The table: `rows` on the day, a hundredth of it on each reference day."""
    with engine.begin() as session:
        session.exec_driver_sql("create schema if not exists benchmark")
        session.exec_driver_sql("drop table if exists benchmark.report_memory")
        session.exec_driver_sql(f"select setseed({SEED % 1000 / 1000})")
        session.exec_driver_sql(
            "create table benchmark.report_memory as select id, partition_date, 'v1'::text as"
            f" version, {NUMBERS}, {CATEGORIES}, random() * 20 as predicted,"
            " random() * 20 as actual from ("
            f" select row_number() over () as id, '{DAY}'::date as partition_date"
            f" from generate_series(1, {rows})"
            f" union all select {rows} + row_number() over (), '2019-02-01'::date + mod(number, 28)"
            f" from generate_series(1, {28 * rows // 100}) as number) as keys"
        )


def write(directory: str) -> None:
    """The report, in this process alone."""
    write_report(connection.engine(), MONITOR, DAY, Path(directory))


def main() -> None:
    """Fill, write, measure, and drop what was made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    engine = connection.engine()
    fill(engine, options.rows)
    try:
        with tempfile.TemporaryDirectory() as directory:
            started = time.perf_counter()
            process = multiprocessing.get_context("spawn").Process(target=write, args=(directory,))
            process.start()
            process.join()
            seconds = time.perf_counter() - started
            size = sum(file.stat().st_size for file in Path(directory).glob("*.html"))
    finally:
        with engine.begin() as session:
            session.exec_driver_sql("drop schema benchmark cascade")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    figures = {
        "seed": SEED,
        "rows": options.rows,
        "peak_mib": round(used),
        "limit_mib": LIMIT_MIB,
        "share_of_limit": round(used / LIMIT_MIB, 2),
        "seconds": round(seconds, 1),
        "page_mib": round(size / 2**20, 1),
    }
    print(json.dumps(figures))
    if process.exitcode or used > LIMIT_MIB:
        raise SystemExit("the report failed, or took more than it may")


if __name__ == "__main__":
    main()
