"""Which monitors a run is for: all of them, or the one that its tag names."""

from collections.abc import Iterable, Mapping

import dagster as dg

from python_metrics.monitors.config import Monitor

MONITOR_TAG = "driftmeter/monitor"


def monitors_of(
    context: dg.AssetExecutionContext, monitors: Mapping[str, Monitor]
) -> Iterable[str]:
    """Names of the monitors of this run."""
    only = context.run.tags.get(MONITOR_TAG)
    return [only] if only else list(monitors)
