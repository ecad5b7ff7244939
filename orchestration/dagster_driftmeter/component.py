"""A Dagster component that watches a dbt project's monitors, declared in a few lines of YAML."""

import pkgutil
from pathlib import Path

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from dagster_driftmeter.monitoring import monitoring_definitions
from driftmeter.errors import DriftmeterError


class MonitoringComponent(dg.Component, dg.Model, dg.Resolvable):
    """A Dagster component that makes what `monitoring_definitions` makes, from a few lines of YAML.

    Attributes
    ----------
    manifest : str
        Path of dbt's ``manifest.json``, relative to the YAML file that names it.
    translator : str, optional
        The translator of your dbt assets, as ``module:Class``. It says which asset key a dbt model
        has.
    """

    manifest: str
    translator: str | None = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        directory = context.path if context.path.is_dir() else context.path.parent
        return monitoring_definitions(
            (directory / Path(self.manifest)).resolve(),
            translator=load_translator(self.translator) if self.translator else None,
        )


def load_translator(place: str) -> DagsterDbtTranslator:
    """The translator of a class that is named ``module:Class``.

    Raises
    ------
    DriftmeterError
        If there is no such class, or it is no translator.
    """
    try:
        translator = pkgutil.resolve_name(place)()
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise DriftmeterError(
            f"{place!r} cannot be used ({error})", where="translator", fix="write module:Class"
        ) from error
    if not isinstance(translator, DagsterDbtTranslator):
        raise DriftmeterError(
            f"{place!r} is not a DagsterDbtTranslator",
            where="translator",
            fix="name a class that is",
        )
    return translator
