"""Driftmeter in Dagster: assets, checks and sensors of every monitor, and the command line."""

from typing import TYPE_CHECKING, Any

from driftmeter import __version__

if TYPE_CHECKING:
    from dagster_driftmeter.component import MonitoringComponent
    from dagster_driftmeter.monitoring import monitoring_definitions

__all__ = ["MonitoringComponent", "__version__", "monitoring_definitions"]


def __getattr__(name: str) -> Any:
    # Dagster takes seconds to import, and commands such as `driftmeter url` do without it.
    if name == "MonitoringComponent":
        from dagster_driftmeter.component import MonitoringComponent

        return MonitoringComponent
    if name == "monitoring_definitions":
        from dagster_driftmeter.monitoring import monitoring_definitions

        return monitoring_definitions
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
