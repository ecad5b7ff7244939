"""Dagster's assets, checks and sensors for the monitors of any dbt project."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from dagster_driftmeter.assets.drift_asset import AbsentDays, drift_asset, no_absent_days
from dagster_driftmeter.assets.incidents_asset import incidents_asset
from dagster_driftmeter.assets.keys import python_keys
from dagster_driftmeter.assets.monitored_table import monitored_tables
from dagster_driftmeter.assets.partitions import Partitions, batch_partitions, daily_partitions
from dagster_driftmeter.assets.performance_asset import performance_asset
from dagster_driftmeter.automation.checks import drift_check
from dagster_driftmeter.automation.incident_notifications import (
    incident_messages,
    incident_notifications,
)
from dagster_driftmeter.automation.stale_days_sensor import stale_days_sensors
from dagster_driftmeter.runs.resources import Warehouse
from driftmeter.monitors.cadence import Every
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.manifest import load_monitors

# Of a monitor's name: assets that make the rows of its table.
Feeds = Callable[[str], Sequence[dg.AssetKey]]


def no_feeds(monitor: str) -> Sequence[dg.AssetKey]:
    """None: whoever fills the table is not known here."""
    return ()


def monitoring_definitions(
    manifest: Path,
    *,
    translator: DagsterDbtTranslator | None = None,
    monitors: Mapping[str, Monitor] | None = None,
    feeds: Feeds = no_feeds,
    absent_days: AbsentDays = no_absent_days,
    partitions: dg.DailyPartitionsDefinition | None = None,
    batches: Mapping[Every, Partitions] | None = None,
) -> dg.Definitions:
    """Make the assets, checks and sensors of every monitor that a dbt manifest declares.

    Merge them with definitions of your own:
    ``dg.Definitions.merge(yours, monitoring_definitions(manifest))``. The dbt models, those of data
    quality included, stay your own project's assets.

    Parameters
    ----------
    manifest : Path
        Path of dbt's ``manifest.json``.
    translator : DagsterDbtTranslator, optional
        The translator of your dbt assets. It says which asset key a dbt model has.
    monitors : mapping of str to Monitor, optional
        Monitors by name, in place of those that the manifest declares.
    feeds : callable, optional
        Takes a monitor's name and returns the assets that fill its table. They are materialized
        again, beside the monitor's own, when a day of the table changed. Of a monitor by hours,
        weeks or months they have its partitions, and they build its dbt models and quality models.
    absent_days : callable, optional
        Takes a warehouse and days, and returns the days whose rows never came. Such a day is not
        the same as an empty one.
    partitions : DailyPartitionsDefinition, optional
        The partitions of your dbt assets: Dagster refuses to run assets of two partitions
        definitions together. Without it, days begin with the earliest reference period.
    batches : mapping of str to partitions, optional
        The partitions of monitors by ``hour``, by ``week`` and by ``month``. Without it, they begin
        with the earliest reference period.

    Returns
    -------
    Definitions
        Assets ``drift``, ``performance`` and ``incidents`` of each monitor, a check of each, and
        the sensors ``stale_days``, or ``stale_hours``, ``stale_weeks`` and ``stale_months``, and
        ``incident_notifications``.

    Raises
    ------
    DriftmeterError
        If a monitor's YAML is wrong, or the manifest lacks Driftmeter's quality models.
    """
    all_declared = load_monitors(manifest)
    declared = dict(monitors) if monitors is not None else all_declared
    tables = monitored_tables(manifest, declared, translator or DagsterDbtTranslator())
    daily = partitions or daily_partitions(declared.values())
    by_cadence = batches or batch_partitions(declared.values(), daily.timezone)
    days: Mapping[Every, Partitions] = {**by_cadence, "day": daily}
    tables = {
        name: table if table.monitor.every == "day" else replace(table, feeds=tuple(feeds(name)))
        for name, table in tables.items()
    }
    keys = {
        name: [*feeds(name), *table.quality, *python_keys(table.monitor)]
        if table.monitor.every == "day"
        else [*table.feeds, *python_keys(table.monitor)]
        for name, table in tables.items()
    }
    return dg.Definitions(
        assets=[
            *(
                drift_asset(table, list(all_declared), days[table.monitor.every], absent_days)
                for table in tables.values()
            ),
            *(performance_asset(m, days[m.every]) for m in declared.values() if m.target),
            *(incidents_asset(m, days[m.every]) for m in declared.values()),
        ],
        asset_checks=[drift_check(monitor) for monitor in declared.values()],
        jobs=[incident_messages],
        sensors=[incident_notifications, *stale_days_sensors(declared, keys, daily.timezone)],
        resources={"warehouse": Warehouse()},
    )
