"""Models that a run does not rebuild, because dbt would drop other views that depend on them."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

# dbt swaps these for new ones, and drops the old with every view on them.
SWAPPED = ("view", "view_by_name", "table")
EXISTS = sa.text("select to_regclass(quote_ident(:schema) || '.' || quote_ident(:table))")


def left_alone(
    engine: sa.Engine, manifest: Mapping[str, Any], built: Collection[str]
) -> dict[str, list[str]]:
    """Models of a run that are there already and under a view that is none of the run.

    A team's other views, and those of monitors that are not run, lose nothing by a run of ours.

    Parameters
    ----------
    built : collection of str
        Names of the models that the run would build.

    Returns
    -------
    dict of str to list of str
        By model: the views that building it would drop.
    """
    models = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    children: Mapping[str, list[str]] = manifest["child_map"]
    with engine.connect() as session:
        swapped = {
            key
            for key, node in models.items()
            if node["name"] in built
            and node["config"]["materialized"] in SWAPPED
            and session.scalar(EXISTS, {"schema": node["schema"], "table": node["alias"]})
        }

    def views_on(key: str) -> Iterator[str]:
        for child in children.get(key, []):
            kind = models[child]["config"]["materialized"] if child in models else None
            if kind == "view":
                yield child
            elif kind == "ephemeral":
                yield from views_on(child)

    running = {key for key, node in models.items() if node["name"] in built}
    left: dict[str, list[str]] = {}
    # A model that is left is itself a view that its own parents must not drop.
    while under := {
        key: views for key in swapped & running if (views := set(views_on(key)) - running)
    }:
        for key, views in under.items():
            left[models[key]["name"]] = sorted(view.rsplit(".", 1)[-1] for view in views)
        running -= set(under)
    return left
