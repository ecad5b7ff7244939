"""Every panel's query on one year of two monitors, against a limit of 200 ms at the median.

    python -m benchmarks.dashboard_queries

Runs the simulated demo for two weeks on a Postgres of its own, repeats those weeks to a year (the
rows keep their number and spread), and times each query as Grafana's role, seven times each.
"""

import argparse
import datetime as dt
import json
import statistics
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.long_history import TABLES, repeat_days
from benchmarks.own_warehouse import own_warehouse
from driftmeter.dashboards.macros import expand
from driftmeter.dashboards.preview.frames import Scope
from driftmeter.dashboards.write import DASHBOARDS
from driftmeter.monitors.config import Days
from driftmeter.warehouse import connection
from driftmeter.warehouse.months import make_months
from driftmeter.warehouse.reader import set_reader_password

LIMIT_MS = 200
WEEKS = 2
TIMES = 7
SEED = 7
FIRST = dt.date(2019, 4, 1)


def build(engine: sa.Engine) -> None:
    """Two weeks through the chain, repeated to a year."""
    from dagster_taxi.source_choice import SourceChoice
    from dagster_taxi.trip_chain import run_chain

    last = FIRST + dt.timedelta(days=7 * WEEKS - 1)
    run_chain(SourceChoice("simulated", seed=SEED), Days(**{"from": FIRST, "to": last}))
    copies = 365 // (7 * WEEKS) + 1
    repeat_days(engine, FIRST, 7 * WEEKS, copies)
    every = [FIRST + dt.timedelta(days=number) for number in range(7 * WEEKS * copies)]
    with engine.begin() as session:
        make_months(session, "metrics.performance", every)
        session.exec_driver_sql(
            "insert into metrics.performance (monitor, model_version, partition_date, segment,"
            " segment_value, metric, kind, value, lower, upper, label_coverage, state)"
            " select p.monitor, model_version, partition_date, segment, segment_value, metric,"
            " kind, value, value - 1, value + 1, 0.9, 'final'"
            " from (select distinct monitor, model_version, partition_date, segment,"
            " segment_value, value from metrics.column_profile where metric = 'row_count') as p"
            " cross join unnest(array['mae', 'rmse', 'bias', 'r2', 'log_loss']) as m (metric)"
            " cross join unnest(array['realised', 'estimated']) as k (kind)"
            # Of the first weeks the chain itself measured some.
            f" where partition_date >= '{FIRST}' on conflict do nothing"
        )
        session.exec_driver_sql(
            "insert into metrics.incidents (monitor, column_name, kind, severity, opened_on,"
            " last_seen_on, closed_on, diagnosis) select monitor, 'fare_usd', 'mix_shift', 'warn',"
            " partition_date, partition_date + 3, partition_date + 3, 'one of many'"
            " from metrics.partitions where extract(day from partition_date) in (1, 11, 21)"
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.exec_driver_sql("vacuum analyze")


def timed(session: sa.Connection, sql: str) -> float:
    """Median milliseconds of a query, its rows fetched."""
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        session.exec_driver_sql(sql).all()
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds)


def main() -> None:
    """Print and write the figures; exit code 1 if a query is over the limit."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=Path, help="file for the figures, as JSON")
    options = arguments.parse_args()
    with own_warehouse():
        from dagster_driftmeter.runs.environment import prepare

        prepare()
        figures = measure(connection.engine())
    text = json.dumps(figures, indent=2)
    if options.out:
        options.out.write_text(text + "\n")
    print(text)
    raise SystemExit(figures["slowest_ms"] > LIMIT_MS)


def measure(engine: sa.Engine) -> dict[str, Any]:
    """Build the year and time every panel's query."""
    build(engine)
    last = FIRST + dt.timedelta(days=364)
    with engine.connect() as session:
        versions = session.exec_driver_sql(
            "select model_version from metrics.model_version_starts where monitor = 'trip_duration'"
        ).scalars()
        scope = Scope(
            first=dt.datetime.combine(FIRST, dt.time.min, dt.timezone.utc),
            last=dt.datetime.combine(last, dt.time.max, dt.timezone.utc),
            values={
                "monitor": "trip_duration",
                "model_version": list(versions),
                "segment": "all rows",
                "column": "fare_usd",
                "metric": "mae",
            },
        )
        rows = {
            table: session.exec_driver_sql(f"select count(*) from metrics.{table}").scalar()
            for table in (*TABLES, "performance", "incidents")
        }
    panels: dict[str, float] = {}
    with connection.engine(set_reader_password(engine)).connect() as session:
        session = session.execution_options(no_parameters=True)
        for dashboard in DASHBOARDS:
            for panel in dashboard.to_json()["panels"]:
                for target in panel.get("targets", []):
                    sql = expand(target["rawSql"], scope.first, scope.last, scope.values)
                    key = f"{dashboard.uid}: {panel['title']}"
                    panels[key] = round(timed(session, sql), 1)
    return {
        "seed": SEED,
        "days": 365,
        "monitors": 2,
        "rows": rows,
        "limit_ms": LIMIT_MS,
        "slowest_ms": max(panels.values()),
        "median_of_panels_ms": round(statistics.median(panels.values()), 1),
        "over_limit": [key for key, ms in panels.items() if ms > LIMIT_MS],
        "panels_ms": dict(sorted(panels.items(), key=lambda item: -item[1])),
    }


if __name__ == "__main__":
    main()
