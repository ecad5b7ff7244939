"""Keeps the outcome of every dbt test for every day of the window it ran over."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from python_metrics.warehouse.copy import copy_in, copy_out

# dbt says how the window went; which word a day gets follows from its own failing rows.
STATUS_OF_A_FAILING_DAY = {"warn": "warn", "fail": "fail"}
COLUMNS = pa.schema(
    [
        ("monitor", pa.string()),
        ("partition_date", pa.date32()),
        ("column_name", pa.string()),
        ("test", pa.string()),
        ("source", pa.string()),
        ("status", pa.string()),
        ("severity", pa.string()),
        ("observed", pa.float64()),
        ("expected", pa.string()),
        ("reason", pa.string()),
    ]
)


def write_test_results(
    engine: sa.Engine,
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    monitors: Iterable[str],
    days: Sequence[dt.date],
) -> int:
    """Replace the dbt outcomes of these monitors and days in metrics.test_results.

    Only tests that keep the day in a failing row (those named ``*_by_day``) have an outcome for a
    day; the others, on seeds, are told by dbt and by Dagster's asset checks alone.

    Returns
    -------
    int
        Rows written.
    """
    monitors = list(monitors)
    with engine.begin() as connection:
        rows = [
            row
            for result in run_results["results"]
            if (node := manifest["nodes"].get(result["unique_id"])) and _has_days(node)
            for row in _rows(connection, result, node, manifest, monitors, days)
        ]
        connection.execute(
            sa.text(
                "delete from metrics.test_results where source = 'dbt'"
                " and monitor = any(:monitors) and partition_date = any(:days)"
            ),
            {"monitors": monitors, "days": list(days)},
        )
        return copy_in(
            connection, "metrics.test_results", pa.Table.from_pylist(rows, schema=COLUMNS)
        )


def _has_days(node: Mapping[str, Any]) -> bool:
    metadata = node.get("test_metadata") or {}
    return node["resource_type"] == "test" and str(metadata.get("name")).endswith("_by_day")


def _rows(
    connection: sa.Connection,
    result: Mapping[str, Any],
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    monitors: Sequence[str],
    days: Sequence[dt.date],
) -> Iterator[dict[str, object]]:
    failing = _failing_rows(connection, node) if result["status"] in STATUS_OF_A_FAILING_DAY else {}
    tested = manifest["nodes"][node["attached_node"]]["name"]
    for monitor in [tested] if tested in monitors else monitors:
        for day in days:
            count = failing.get(day, 0)
            ran = result["status"] in ("pass", *STATUS_OF_A_FAILING_DAY)
            yield {
                "monitor": monitor,
                "partition_date": day,
                "column_name": node["column_name"],
                "test": node["name"],
                "source": "dbt",
                "status": _status(result["status"], count),
                "severity": node["config"]["severity"].lower(),
                "observed": float(count) if ran else None,
                "expected": "0 failing rows",
                "reason": None if ran else result["message"] or "an earlier model failed",
            }


def _status(of_window: str, failing: int) -> str:
    if of_window in STATUS_OF_A_FAILING_DAY:
        return STATUS_OF_A_FAILING_DAY[of_window] if failing else "pass"
    return of_window


def _failing_rows(connection: sa.Connection, node: Mapping[str, Any]) -> dict[dt.date, int]:
    """Failing rows by day, from the table that dbt stored them in."""
    stored = copy_out(
        connection,
        sql.SQL("select partition_date, count(*) as failing from {} group by 1").format(
            sql.Identifier(node["schema"], node["alias"])
        ),
        {"partition_date": pa.date32(), "failing": pa.int64()},
    )
    return {row["partition_date"]: row["failing"] for row in stored.to_pylist()}
