"""A Dagster component that watches a dbt project's monitors, declared in a few lines of YAML."""

import os
import pkgutil
from pathlib import Path

import dagster as dg
from dagster_dbt import DagsterDbtTranslator
from pydantic import BaseModel

from dagster_driftmeter.monitoring import monitoring_definitions
from driftmeter.errors import DriftmeterError


class ScaffoldParameters(BaseModel):
    """Options of ``dg scaffold``: the component's attributes.

    Attributes
    ----------
    manifest : str, optional
        Path of dbt's ``manifest.json``, relative to the directory in which ``dg`` is started.
    translator : str, optional
        As the component has it.
    """

    manifest: str | None = None
    translator: str | None = None


class MonitoringScaffolder(dg.Scaffolder[ScaffoldParameters]):
    """Writes the component's YAML; `dg check yaml` asks for a manifest that was not given."""

    @classmethod
    def get_scaffold_params(cls) -> type[ScaffoldParameters]:
        return ScaffoldParameters

    def scaffold(self, request: dg.ScaffoldRequest[ScaffoldParameters]) -> None:
        attributes = request.params.model_dump(exclude_none=True)
        if request.params.manifest is not None:
            manifest = Path(request.params.manifest).resolve()
            attributes["manifest"] = os.path.relpath(manifest, request.target_path.resolve())
        dg.scaffold_component(request, attributes)


@dg.scaffold_with(MonitoringScaffolder)
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
