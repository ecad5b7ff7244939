"""Checks every part of Driftmeter, and changes none."""

from collections.abc import Iterator

import sqlalchemy as sa

from dagster_driftmeter.cli.health.finding import Finding, examine_directory, failure
from dagster_driftmeter.cli.health.project_findings import (
    examine_monitor,
    examine_notifications,
    examine_project,
    examine_unfinished,
)
from dagster_driftmeter.cli.health.run_findings import examine_runs
from dagster_driftmeter.cli.health.warehouse_findings import (
    SCHEMA,
    examine_same_database,
    examine_warehouse,
    open_warehouse,
)
from dagster_driftmeter.dbt.project_manifest import monitors
from driftmeter.warehouse.migrate import first_line


def examine() -> Iterator[Finding]:
    """Give the findings, each part after the parts that it needs.

    A part is left out if one that it needs does not work.
    """
    yield from examine_directory()
    project = list(examine_project())
    yield from project
    engine = open_warehouse()
    if isinstance(engine, Finding):
        yield engine
        return
    try:
        yield from examine_same_database(engine)
        with engine.connect() as session:
            is_whole = True
            for finding in examine_warehouse(session):
                is_whole &= finding.part != SCHEMA or finding.state == "ok"
                yield finding
            if not is_whole:
                return
            if all(finding.state == "ok" for finding in project):
                for monitor in monitors().values():
                    yield from examine_monitor(session, monitor)
                    yield from examine_unfinished(session, monitor)
            yield from examine_notifications(session)
            yield from examine_runs(session)
    except sa.exc.DBAPIError as error:
        reason = first_line(error)
        yield failure("warehouse", f"a query failed ({reason})", "read the server's log")
