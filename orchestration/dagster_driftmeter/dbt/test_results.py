"""Keeps the outcome of every dbt test for every day of the window it ran over."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql

from driftmeter.arrival.inputs import note_tests
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.hour import Hour, day_of
from driftmeter.warehouse.copy import copy_in, copy_out, type_of_batches
from driftmeter.warehouse.schema import zone_of

# dbt says how the window went; which word a day gets follows from its own failing rows.
STATUS_OF_A_FAILING_DAY = {"warn": "warn", "fail": "fail"}
FORGET = sa.text(
    "delete from metrics.test_results where source = 'dbt'"
    " and monitor = :monitor and partition_date = any(:days)"
)
COLUMNS = [
    ("monitor", pa.string()),
    ("column_name", pa.string()),
    ("test", pa.string()),
    ("source", pa.string()),
    ("status", pa.string()),
    ("severity", pa.string()),
    ("observed", pa.float64()),
    ("expected", pa.string()),
    ("reason", pa.string()),
]


def write_test_results(
    engine: sa.Engine,
    run_results: Mapping[str, Any],
    manifest: Mapping[str, Any],
    days: Mapping[str, Sequence[dt.date]],
    finished: Iterable[Monitor] = (),
) -> int:
    """Replace the dbt outcomes of these days, by monitor, in metrics.test_results.

    Only tests that keep the day in a failing row (those named ``*_by_day``) have an outcome for a
    day; the others, on seeds, are told by dbt and by Dagster's asset checks alone. A test of a
    monitor's own model is that monitor's alone. Of another test, failing rows count for every
    monitor of the run, but for those that name another monitor.

    Parameters
    ----------
    finished : iterable of Monitor
        Of whose days it is noted, in the same transaction, that their tests are done.

    Returns
    -------
    int
        Rows written.
    """
    with engine.begin() as connection:
        rows = [
            row
            for result in run_results["results"]
            if (node := manifest["nodes"].get(result["unique_id"])) and _has_days(node)
            for row in _rows(connection, result, node, manifest, days)
        ]
        for monitor, replaced in days.items():
            connection.execute(FORGET, {"monitor": monitor, "days": list(replaced)})
        for declared in finished:
            note_tests(connection, declared, days[declared.name], is_done=True)
        schema = pa.schema([*COLUMNS, ("partition_date", type_of_batches(connection))])
        table = pa.Table.from_pylist(rows, schema=schema)
        return copy_in(connection, "metrics.test_results", table)


def _has_days(node: Mapping[str, Any]) -> bool:
    # A singular test, a file of SQL, has no metadata of a generic one.
    name = (node.get("test_metadata") or node)["name"]
    return node["resource_type"] == "test" and str(name).endswith("_by_day")


def _rows(
    connection: sa.Connection,
    result: Mapping[str, Any],
    node: Mapping[str, Any],
    manifest: Mapping[str, Any],
    days: Mapping[str, Sequence[dt.date]],
) -> Iterator[dict[str, object]]:
    is_failing = result["status"] in STATUS_OF_A_FAILING_DAY
    failing = _failing_rows(connection, node) if is_failing else {}
    tested = manifest["nodes"].get(node.get("attached_node"), {}).get("name")
    declared = {
        model["name"]
        for model in manifest["nodes"].values()
        if "monitor" in (model.get("config", {}).get("meta") or {})
    }
    for monitor in [tested] if tested in declared else days:
        if monitor not in days:
            continue
        others = set() if tested == monitor else declared - {monitor}
        for day in days[monitor]:
            count = sum(
                rows
                for (failed_on, named), rows in failing.items()
                if failed_on in (day, day_of(day)) and named not in others
            )
            ran = result["status"] in ("pass", *STATUS_OF_A_FAILING_DAY)
            yield {
                "monitor": monitor,
                "partition_date": day,
                "column_name": node.get("column_name"),
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


def _failing_rows(
    connection: sa.Connection, node: Mapping[str, Any]
) -> dict[tuple[dt.date, str | None], int]:
    """Failing rows by day and by the monitor that they name, from the table that dbt stored."""
    # Of an hourly monitor a failing row may say of which hour it is; else it is of all of its day.
    zone = zone_of(connection)
    query = sql.SQL(
        "select partition_date, to_jsonb(failing_row) ->> 'partition_start' as partition_start,"
        " to_jsonb(failing_row) ->> 'monitor' as monitor, count(*) as failing"
        " from {} as failing_row group by 1, 2, 3"
    ).format(sql.Identifier(node["schema"], node["alias"]))
    types = {
        "partition_date": pa.date32(),
        **dict.fromkeys(("partition_start", "monitor"), pa.string()),
        "failing": pa.int64(),
    }
    failing: dict[tuple[dt.date, str | None], int] = {}
    for row in copy_out(connection, query, types).to_pylist():
        day, start = row["partition_date"], row["partition_start"]
        if zone is not None and start is not None:
            day = Hour.of(dt.datetime.fromisoformat(start), zone)
        failing[day, row["monitor"]] = failing.get((day, row["monitor"]), 0) + row["failing"]
    return failing
