"""Dashboards as external assets, so that the lineage ends where people look."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from dagster_driftmeter.assets.dbt_models import FolderTranslator


def exposure_specs(manifest: Mapping[str, Any], monitors: Iterable[str]) -> Iterator[dg.AssetSpec]:
    """One external asset for each exposure that dbt declares.

    Its lineage begins at the dbt models it names and, where its meta says that it reads what
    Python writes, at every monitor's incidents.
    """
    incidents = [dg.AssetKey(["incidents", name]) for name in monitors]
    translator = FolderTranslator()
    for exposure in manifest["exposures"].values():
        nodes = (manifest["nodes"][key] for key in exposure["depends_on"]["nodes"])
        yield dg.AssetSpec(
            key=["dashboards", exposure["name"]],
            group_name="dashboards",
            description=exposure["description"],
            owners=[exposure["owner"]["email"]],
            kinds={"grafana"},
            metadata={"url": dg.MetadataValue.url(exposure["url"])},
            deps=[
                *(translator.get_asset_key(node) for node in nodes),
                *(incidents if exposure["config"]["meta"].get("reads_drift") else []),
            ],
        )
