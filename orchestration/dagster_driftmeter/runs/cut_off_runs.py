"""Ends the runs whose container stopped before they finished."""

import dagster as dg

# Dagster asks nobody whether such a run still lives: it would hold its pool for good.
UNDER_WAY = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
REASON = (
    "Its process ended with its container. Its days are as they were before it: run them again."
)


def end_cut_off_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark every run that is under way as failed, one that was being canceled as canceled.

    To be called where runs are processes of this container and none has been started yet.

    Returns
    -------
    list of str
        Their ids.
    """
    cut_off = instance.get_runs(dg.RunsFilter(statuses=list(UNDER_WAY)))
    for run in cut_off:
        if run.status is dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(run, REASON)
        else:
            instance.report_run_failed(run, REASON)
    return [run.run_id for run in cut_off]
