"""Asks Dagster's webserver what its pages ask, through GraphQL; for compose.sh.

First its address, then one of:
launch 2019-04-03 [2019-04-04]              prints the run's id
wait RUN STARTED|SUCCESS|... [SECONDS]      until the run is so
start schedule|sensor NAME                  turns it on
tick schedule|sensor NAME [SECONDS]         until the daemon has ticked it
"""

import sys
import time
from typing import Any

import requests

REPOSITORY = {"repositoryLocationName": "driftmeter", "repositoryName": "__repository__"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}"""
STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
START = {
    "schedule": "mutation ($name: ScheduleSelector!) { startSchedule(scheduleSelector: $name)"
    " { __typename ... on PythonError { message } } }",
    "sensor": "mutation ($name: SensorSelector!) { startSensor(sensorSelector: $name)"
    " { __typename ... on PythonError { message } } }",
}
TICKS = {
    "schedule": "query ($name: ScheduleSelector!) { scheduleOrError(scheduleSelector: $name)"
    " { ... on Schedule { scheduleState { ticks { status runIds } } } } }",
    "sensor": "query ($name: SensorSelector!) { sensorOrError(sensorSelector: $name)"
    " { ... on Sensor { sensorState { ticks { status runIds } } } } }",
}


def ask(url: str, query: str, **variables: Any) -> dict[str, Any]:
    """The answer's data; whatever is wrong ends this."""
    body = {"query": query, "variables": variables}
    answer = requests.post(f"{url}/graphql", json=body, timeout=60)
    if answer.status_code != 200 or "errors" in answer.json():
        sys.exit(f"error: HTTP {answer.status_code} {answer.text[:500]}")
    data: dict[str, Any] = answer.json()["data"]
    return data


def launch(url: str, first: str, last: str | None = None) -> str:
    tags = [{"key": "dagster/partition", "value": first}]
    if last is not None:
        tags = [
            {"key": "dagster/asset_partition_range_start", "value": first},
            {"key": "dagster/asset_partition_range_end", "value": last},
        ]
    params = {
        "selector": {**REPOSITORY, "jobName": "daily_chain"},
        "mode": "default",
        "runConfigData": {},
        "executionMetadata": {"tags": tags},
    }
    launched = ask(url, LAUNCH, params=params)["launchRun"]
    if launched["__typename"] != "LaunchRunSuccess":
        sys.exit(f"error: not launched: {launched}")
    return str(launched["run"]["runId"])


def wait(url: str, run: str, wanted: str, seconds: str = "1200") -> str:
    until = time.monotonic() + float(seconds)
    status = ""
    while time.monotonic() < until:
        status = ask(url, STATUS, run=run)["runOrError"]["status"]
        if status in wanted.split("|"):
            return status
        if status in ENDED:
            break
        time.sleep(2)
    sys.exit(f"error: run {run} is {status}, not {wanted}")


def selector(kind: str, name: str) -> dict[str, str]:
    return {**REPOSITORY, f"{kind}Name": name}


def start(url: str, kind: str, name: str) -> str:
    answer = ask(url, START[kind], name=selector(kind, name))
    (outcome,) = answer.values()
    if "Error" in outcome["__typename"]:
        sys.exit(f"error: {kind} {name} was not started: {outcome}")
    return "started"


def tick(url: str, kind: str, name: str, seconds: str = "300") -> str:
    until = time.monotonic() + float(seconds)
    ticks: list[dict[str, Any]] = []
    while time.monotonic() < until:
        (instigator,) = ask(url, TICKS[kind], name=selector(kind, name)).values()
        ticks = instigator[f"{kind}State"]["ticks"]
        for one in ticks:
            if one["status"] in ("SUCCESS", "SKIPPED"):
                return " ".join([one["status"], *one["runIds"]])
        time.sleep(3)
    sys.exit(f"error: the daemon has not ticked {kind} {name}: {ticks}")


if __name__ == "__main__":
    commands = {"launch": launch, "wait": wait, "start": start, "tick": tick}
    print(commands[sys.argv[2]](sys.argv[1], *sys.argv[3:]))
