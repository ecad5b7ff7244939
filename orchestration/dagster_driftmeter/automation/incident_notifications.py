"""Tells people of incidents: a sensor starts a small job, which sends the messages."""

import datetime as dt

import dagster as dg

from dagster_driftmeter.runs.resources import Warehouse
from driftmeter import settings

HOW = "set DRIFTMETER_NOTIFY_URLS to Apprise addresses, such as mailto:// or slack://"
# A run that was killed says that it is on for ever: after so long nobody waits for it.
LONGEST_RUN = dt.timedelta(minutes=10)
UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.op(
    description="Sends the messages that are due. If a service refuses one, a later run tries "
    "again."
)
def send_messages(context: dg.OpExecutionContext, warehouse: Warehouse) -> None:
    """Send one message an incident, and say what became of each."""
    # Late: the code location must load without it.
    from driftmeter.incidents.messages import deliver

    for delivery in deliver(warehouse.engine(), settings.notify_urls()):
        context.log.info(f"{delivery.state}: {delivery.message.title}")


@dg.job(
    executor_def=dg.in_process_executor,
    description="Sends one message for each incident that opened or closed.",
)
def incident_messages() -> None:
    """What the sensor starts."""
    send_messages()


@dg.sensor(
    name="incident_notifications",
    job=incident_messages,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Starts a run when messages about incidents are due. It needs "
    "DRIFTMETER_NOTIFY_URLS.",
)
def incident_notifications(
    context: dg.SensorEvaluationContext, warehouse: Warehouse
) -> dg.RunRequest | dg.SkipReason:
    """One query a tick: a service that is slow to answer must not hold other sensors up."""
    if not settings.notify_urls():
        return dg.SkipReason(f"DRIFTMETER_NOTIFY_URLS names no address: {HOW}")
    from driftmeter.incidents.messages import is_due

    if not is_due(warehouse.engine()):
        return dg.SkipReason("no message is due")
    unfinished = dg.RunsFilter(
        job_name=incident_messages.name,
        statuses=UNFINISHED,
        created_after=dt.datetime.now(dt.timezone.utc) - LONGEST_RUN,
    )
    if context.instance.get_runs(unfinished, limit=1):
        return dg.SkipReason("a run is sending messages already")
    return dg.RunRequest()
