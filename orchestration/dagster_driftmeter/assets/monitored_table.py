"""A monitor's dbt models as Dagster knows them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.manifest import quality_schema

QUALITY = ("reference_bins", "column_summary")


@dataclass(frozen=True)
class MonitoredTable:
    """A monitor, and the asset keys of its inference table and of the quality models.

    Attributes
    ----------
    feeds : tuple of AssetKey
        Of a monitor by weeks or months: what builds the models over its batches.
    """

    monitor: Monitor
    inference: dg.AssetKey
    quality: tuple[dg.AssetKey, ...]
    feeds: tuple[dg.AssetKey, ...] = ()


def monitored_tables(
    manifest: Path, monitors: Mapping[str, Monitor], translator: DagsterDbtTranslator
) -> dict[str, MonitoredTable]:
    """Every monitor with the keys that a translator gives its models.

    Raises
    ------
    DriftmeterError
        If the manifest lacks a quality model, or has them in another schema.
    """
    nodes = json.loads(manifest.read_text())["nodes"].values()
    models = {node["name"]: node for node in nodes if node["resource_type"] == "model"}
    for name in QUALITY:
        if monitors and name not in models:
            raise DriftmeterError(
                f"there is no model {name!r}",
                where=str(manifest),
                fix="add Driftmeter's package to packages.yml and run `dbt deps` and `dbt parse`",
            )
    schema = quality_schema(manifest)
    if monitors and schema != settings.metrics_schema():
        raise DriftmeterError(
            f"dbt has the quality models in schema {schema}, and Driftmeter reads"
            f" {settings.metrics_schema()}",
            where=str(manifest),
            fix="set DRIFTMETER_METRICS_SCHEMA to the same for both, and run `dbt parse`",
        )
    return {
        name: MonitoredTable(
            monitor,
            translator.get_asset_key(models[name]),
            tuple(translator.get_asset_key(models[quality]) for quality in QUALITY),
        )
        for name, monitor in monitors.items()
    }
