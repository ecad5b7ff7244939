"""Ends the runs whose process or container stopped before they finished."""

import socket

import dagster as dg
import psutil  # type: ignore[import-untyped]

# Dagster asks nobody whether such a run still lives: it would hold its pool for good.
UNDER_WAY = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
AS_BEFORE = "Its days are as they were before it: run them again."
REASON = f"Its process ended with its container. {AS_BEFORE}"
KILLED = f"Its process was killed. {AS_BEFORE}"
# Which process a run of the command line is: one that is killed notes nothing itself.
PROCESS_TAG = "driftmeter/process"


def end_cut_off_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark every run that is under way as failed, one that was being canceled as canceled.

    To be called where runs are processes of this container and none has been started yet.

    Returns
    -------
    list of str
        Their ids.
    """
    cut_off = instance.get_runs(dg.RunsFilter(statuses=list(UNDER_WAY)))
    return [_end(instance, run, REASON) for run in cut_off]


def end_killed_runs(instance: dg.DagsterInstance) -> None:
    """Mark runs of command lines on this machine as over whose process is gone.

    Dagster's queue would count them among those that are under way, and start no other.
    """
    for run in instance.get_runs(dg.RunsFilter(statuses=list(UNDER_WAY))):
        if (process := run.tags.get(PROCESS_TAG)) and _is_gone(process):
            _end(instance, run, KILLED)


def process_tag() -> dict[str, str]:
    """The tag of a run that this process is."""
    process = psutil.Process()
    return {PROCESS_TAG: f"{socket.gethostname()} {process.pid} {process.create_time():.2f}"}


def _is_gone(process: str) -> bool:
    machine, pid, started = process.rsplit(" ", 2)
    if machine != socket.gethostname():
        return False
    try:
        # Another process may have the number by now.
        return f"{psutil.Process(int(pid)).create_time():.2f}" != started
    except psutil.NoSuchProcess:
        return True


def _end(instance: dg.DagsterInstance, run: dg.DagsterRun, reason: str) -> str:
    if run.status is dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, reason)
    else:
        instance.report_run_failed(run, reason)
    return run.run_id
