"""The `driftmeter` command over a dbt project that a test wrote."""

import os
import subprocess

from tests.integration.test_any_columns import Project
from tests.programs import DRIFTMETER, run_program


def driftmeter(project: Project, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the project's own warehouse and home."""
    url = project.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    own = {
        "DRIFTMETER_DATABASE_URL": url,
        "DRIFTMETER_DBT_PROJECT": str(project.directory),
        "DRIFTMETER_HOME": str(project.root / "home"),
    }
    return run_program(DRIFTMETER, *arguments, environment={**os.environ, **own})


def run(project: Project, *arguments: str) -> str:
    """What a run that succeeds prints.

    In one process where nothing else is asked for: several import for longer than days of tests
    take. That they measure the same is what `test_days_side_by_side` is about.
    """
    workers = () if "--workers" in arguments else ("--workers", "1")
    ended = driftmeter(project, "run", *arguments, *workers)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout
