"""A run that Dagster's daemon takes from its queue: `python -m tests.faults.run_queue FROM TO`.

Exits as the run does, once Dagster has noted how it ended.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg

from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.run_scope import range_tags
from driftmeter.monitors.config import Days

PROGRAMS = Path(sys.executable).parent
DEFINITIONS = "dagster_driftmeter.definitions"
# How often Dagster asks whether a run's process lives; 120 without, each kill would wait for it.
ASK_SECONDS = 5


def main(first: str, last: str) -> int:
    """Queue the days, and wait; the daemon and its code server end with this."""
    prepare()
    config = Path(os.environ["DAGSTER_HOME"], "dagster.yaml")
    seldom, often = "run_monitoring:\n", f"  poll_interval_seconds: {ASK_SECONDS}\n"
    config.write_text(config.read_text().replace(seldom, seldom + often))
    daemon = subprocess.Popen([PROGRAMS / "dagster-daemon", "run", "-m", DEFINITIONS])
    try:
        with dg.DagsterInstance.get() as instance:
            tags = range_tags(Days.model_validate({"from": first, "to": last}))
            launch = [PROGRAMS / "dagster", "job", "launch", "-m", DEFINITIONS, "-j", "daily_chain"]
            subprocess.run([*launch, "--tags", json.dumps(tags)], check=True)
            queued = instance.get_runs(limit=1)[0].run_id
            while not (run := instance.get_run_by_id(queued)) or not run.is_finished:
                time.sleep(1)
            print(f"Dagster says {run.status.value}", flush=True)
            return run.status is not dg.DagsterRunStatus.SUCCESS
    finally:
        daemon.terminate()
        daemon.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
