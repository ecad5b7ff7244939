"""Which assets measure a monitor."""

import dagster as dg

from dagster_driftmeter.assets.partitions import batch_models_key
from driftmeter.imports import many_imports
from driftmeter.monitors.cadence import Every
from driftmeter.monitors.config import Monitor

# Steps after dbt, each with one asset a monitor; performance of those that have a target.
PYTHON_STEPS = ("drift", "performance", "incidents")


def dbt_keys() -> list[dg.AssetKey]:
    """Assets that dbt makes."""
    with many_imports():
        from dagster_driftmeter.assets.dbt_models import dbt_models

    return list(dbt_models.keys)


def model_keys(every: Every) -> list[dg.AssetKey]:
    """Assets that build models over days, or over weeks or months as a whole."""
    return dbt_keys() if every == "day" else [batch_models_key(every)]


def python_keys(monitor: Monitor) -> list[dg.AssetKey]:
    """Assets of a monitor after dbt, in order."""
    return [
        dg.AssetKey([step, monitor.name])
        for step in PYTHON_STEPS
        if step != "performance" or monitor.target
    ]
