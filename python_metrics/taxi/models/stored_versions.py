"""Which version of a model is acted on, and which ones score beside it."""

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError


def promote(engine: sa.Engine, version: str) -> str:
    """Make a version the active one of its monitor; gives the monitor's name.

    Days that were scored keep their predictions until they are run again.
    """
    monitor = _monitor_of(engine, version)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "update metrics.model_versions set is_active = model_version = :version,"
                " is_challenger = is_challenger and model_version <> :version"
                " where monitor = :monitor"
            ),
            {"monitor": monitor, "version": version},
        )
    return monitor


def retire(engine: sa.Engine, version: str) -> str:
    """Let a challenger score no more; gives the monitor's name."""
    monitor = _monitor_of(engine, version)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "update metrics.model_versions set is_challenger = false"
                " where model_version = :version"
            ),
            {"version": version},
        )
    return monitor


def _monitor_of(engine: sa.Engine, version: str) -> str:
    with engine.connect() as connection:
        known = connection.execute(
            sa.text("select model_version, monitor from metrics.model_versions order by 1")
        )
        versions = {row.model_version: str(row.monitor) for row in known}
    if version not in versions:
        raise DriftmeterError(
            f"there is no version {version!r}",
            where="metrics.model_versions",
            fix=f"use one of {', '.join(versions)}" if versions else "train one first",
        )
    return versions[version]
