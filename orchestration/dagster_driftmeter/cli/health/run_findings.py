"""Dagster: its daemon, its schedules and sensors, and the runs of the last day."""

import datetime as dt
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import sqlalchemy as sa

from dagster_driftmeter.cli.health.finding import Finding, failure, ok, warning
from dagster_driftmeter.runs.environment import prepare_dagster
from driftmeter.warehouse import connection

if TYPE_CHECKING:
    from dagster import DagsterInstance

PART = "Dagster"
# Each part of the daemon writes its heartbeat every 30 seconds; after an error it waits 300.
OLDEST_HEARTBEAT_SECONDS = 400
DAY = dt.timedelta(days=1)
# Names of Dagster's states of schedules and sensors, and of a tick; it exports no enumeration.
SWITCHED_ON, TICK_FAILED = ("RUNNING", "DECLARED_IN_CODE"), "FAILURE"
HAS_TABLES = sa.text("select to_regclass('dagster.daemon_heartbeats') is not null")


def examine_runs(session: sa.Connection) -> Iterator[Finding]:
    """What Dagster says of itself; nothing is made where it has not run yet."""
    if not session.scalar(HAS_TABLES):
        yield ok(PART, "Dagster has not run here yet")
        return
    from dagster import DagsterInstance

    prepare_dagster(connection.warehouse_url())
    with DagsterInstance.get() as instance:
        yield from _daemon(instance)
        yield from _runs(instance)


def _daemon(instance: "DagsterInstance") -> Iterator[Finding]:
    states = instance.all_instigator_state()
    switched_on = [state for state in states if state.status.name in SWITCHED_ON]
    heartbeats = instance.get_daemon_heartbeats().values()
    newest = max((beat.timestamp for beat in heartbeats), default=None)
    if newest is None:
        yield ok(
            PART,
            "its daemon, which `driftmeter ui` starts, never ran here: runs are started by hand",
        )
    elif time.time() - newest <= OLDEST_HEARTBEAT_SECONDS:
        errors = [error for beat in heartbeats for error in beat.errors or ()]
        if errors:
            reason = str(errors[0].message).strip().splitlines()[0]
            yield warning(PART, f"its daemon reported an error: {reason}", "read the daemon's log")
        else:
            yield ok(PART, "its daemon runs")
    elif switched_on:
        names = ", ".join(sorted(state.name for state in switched_on))
        since = dt.datetime.fromtimestamp(newest, dt.timezone.utc)
        yield failure(
            PART,
            f"its daemon has not run since {since:%Y-%m-%d %H:%M UTC}, and {names} cannot run",
            "start it with `driftmeter ui`, or start the service daemon of the Compose stack",
        )
    else:
        yield ok(PART, "its daemon does not run, and no schedule or sensor is switched on")
    for state in switched_on:
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
        if ticks and ticks[0].status.name == TICK_FAILED:
            error = ticks[0].error
            reason = (
                str(error.message).strip().splitlines()[0] if error else "Dagster gave no reason"
            )
            fix = "correct the cause; Dagster's page of it shows the whole error"
            yield failure(PART, f"{state.name} failed at its last evaluation: {reason}", fix)


def _runs(instance: "DagsterInstance") -> Iterator[Finding]:
    from dagster import DagsterRunStatus, RunsFilter

    after = dt.datetime.now(dt.timezone.utc) - DAY
    records = instance.get_run_records(RunsFilter(updated_after=after), limit=500)
    # By job, the newest first: a failure that a success followed is over.
    newest = {record.dagster_run.job_name: record.dagster_run for record in reversed(records)}
    failed = [run for run in newest.values() if run.status == DagsterRunStatus.FAILURE]
    for run in failed:
        shows = f"the last run of {run.job_name}, {run.run_id[:8]}, failed"
        fix = "read its log in Dagster, then run it again"
        yield warning("runs", shows, fix)
    if not failed:
        yield ok(
            "runs", f"{len(records)} in the last day; the last run of each job succeeded or goes on"
        )
