"""Which assets measure a monitor."""

from collections.abc import Sequence

import dagster as dg

from dagster_driftmeter.dbt.project_manifest import monitors

# Steps after dbt, each with one asset a monitor; performance of those that have a target.
PYTHON_STEPS = ("drift", "performance", "incidents")


def dbt_keys() -> list[dg.AssetKey]:
    """Assets that dbt makes."""
    from dagster_driftmeter.assets.dbt_models import dbt_models

    return list(dbt_models.keys)


def python_keys(names: Sequence[str]) -> list[dg.AssetKey]:
    """Assets after dbt of these monitors."""
    return [
        dg.AssetKey([step, name])
        for step in PYTHON_STEPS
        for name in names
        if step != "performance" or monitors()[name].target
    ]
