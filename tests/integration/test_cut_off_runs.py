"""What a container that ended left under way, in Dagster's tables in a real Postgres."""

from pathlib import Path

import dagster as dg
import pytest

from dagster_driftmeter.runs import environment
from dagster_driftmeter.runs.cut_off_runs import end_cut_off_runs


@dg.op
def nothing() -> None:
    """A step for the job."""


@dg.job
def any_job() -> None:
    nothing()


def test_runs_that_were_cut_off_end_and_others_stay(
    warehouse_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    # Set here so that they are put back; `prepare_dagster` writes them.
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("DRIFTMETER_DAGSTER_URL", "")
    environment.prepare_dagster(warehouse_url)
    ends = {
        "STARTING": "FAILURE",
        "STARTED": "FAILURE",
        "CANCELING": "CANCELED",
        "NOT_STARTED": "NOT_STARTED",
        "SUCCESS": "SUCCESS",
        "FAILURE": "FAILURE",
    }
    with dg.DagsterInstance.get() as instance:
        runs = {
            status: instance.create_run_for_job(any_job, status=dg.DagsterRunStatus(status)).run_id
            for status in ends
        }
        cut_off = end_cut_off_runs(instance)
        assert {*cut_off} == {runs[status] for status in ("STARTING", "STARTED", "CANCELING")}
        after = {status: instance.get_run_by_id(run) for status, run in runs.items()}
        assert {status: run.status.value for status, run in after.items() if run} == ends
        # Asked again, there is nothing left to do.
        assert end_cut_off_runs(instance) == []
        # One that is terminated on Dagster's page ends even where nobody is there to end it.
        assert instance.run_monitoring_enabled
