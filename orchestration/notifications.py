"""The sensor that tells people of incidents, beside the runs and never in their way."""

import dagster as dg

from orchestration.resources import Warehouse
from python_metrics import settings

HOW = "set DRIFTMETER_NOTIFY_URLS to Apprise addresses, such as mailto:// or slack://"


@dg.sensor(
    name="incident_notifications",
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="One message an incident that opened or closed. Does nothing without addresses.",
)
def incident_notifications(warehouse: Warehouse) -> dg.SkipReason:
    """Send what is due; what a service refuses is tried again at a later tick."""
    urls = settings.notify_urls()
    if not urls:
        return dg.SkipReason(f"nobody is told: {HOW}")
    # Late: the code location must load without it.
    from python_metrics.notifications import deliver

    done = deliver(warehouse.engine(), urls)
    if not done:
        return dg.SkipReason("no news")
    states = [each.state for each in done]
    return dg.SkipReason(
        ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    )
