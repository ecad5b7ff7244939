"""dbt's manifest, parsed when missing or out of date; needs no network and no database."""

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dagster_driftmeter.dbt.packages import (
    TARGET,
    ensure_packages,
    installed_packages,
    link_package,
    project_lock,
    words_of_failure,
)
from dagster_driftmeter.dbt.profile import profiles_dir
from dagster_driftmeter.dbt.project_file import NAME, read_project
from dagster_driftmeter.dbt.reference_days import chosen_reference
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import DAILY
from driftmeter.monitors.config import Monitor, ReferenceDays
from driftmeter.monitors.manifest import load_monitors, quality_schema

if TYPE_CHECKING:
    from dagster_dbt import DbtProject

MANIFEST = "manifest.json"
# What dbt knows of a project's files, so that it parses only those that changed.
PARTIAL_PARSE = "partial_parse.msgpack"
# Folders whose files make the manifest, as dbt_project.yml names them and as dbt does without.
SOURCE_PATHS = {
    "model-paths": "models",
    "macro-paths": "macros",
    "test-paths": "tests",
    "seed-paths": "seeds",
}


@functools.cache
def manifest_path() -> Path:
    """The manifest, up to date.

    Raises
    ------
    DriftmeterError
        If there is no dbt project, or dbt cannot parse it; carries dbt's own words.
    """
    directory = settings.dbt_project_dir()
    settings.check_project()
    link_package()
    _check_files(directory)
    if not _is_parsed(directory):
        ensure_packages()
        with project_lock():
            # Another process may have parsed it meanwhile.
            if not _is_parsed(directory):
                _parse(directory)
    return directory / TARGET / MANIFEST


def read_manifest() -> dict[str, Any]:
    """dbt's manifest of the project."""
    return dict(json.loads(manifest_path().read_text()))


@functools.cache
def dbt_project() -> "DbtProject":
    """The dbt project as Dagster takes it, with a manifest that is up to date."""
    # Imports Dagster and dbt, which takes two seconds.
    from dagster_dbt import DbtProject

    manifest_path()
    return DbtProject(
        project_dir=settings.dbt_project_dir(),
        profiles_dir=profiles_dir(),
        target_path=Path(TARGET),
    )


def monitors() -> dict[str, Monitor]:
    """Every monitor that the dbt project declares, by name.

    Reference days that were chosen on this machine stand in for those that daily ones declare.
    """
    chosen = chosen_reference()
    changes = {"reference": ReferenceDays(**chosen.model_dump(by_alias=True))} if chosen else {}
    return {
        name: monitor.model_copy(update=changes if monitor.cadence == DAILY else {})
        for name, monitor in _declared_monitors().items()
    }


@functools.cache
def _declared_monitors() -> dict[str, Monitor]:
    return load_monitors(manifest_path())


def _check_files(directory: Path) -> None:
    """Refuse a monitor whose model has no file: dbt leaves it out, and only warns."""
    folders = read_project(directory).get("model-paths", [SOURCE_PATHS["model-paths"]])
    files = [file for folder in folders for file in (directory / folder).rglob("*.*")]
    known = {file.stem for file in files if file.suffix in (".sql", ".py")}
    for file in files:
        if file.suffix not in (".yml", ".yaml"):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        for model in _models_of(text) if "monitor:" in text else []:
            config = model.get("config") or {}
            meta = {**(model.get("meta") or {}), **(config.get("meta") or {})}
            if "monitor" in meta and "versions" not in model and model.get("name") not in known:
                raise DriftmeterError(
                    f"the model {model.get('name')} is declared as a monitor and has no file",
                    where=str(file.relative_to(directory)),
                    fix=f"add {model.get('name')}.sql, or remove the model here",
                )


def _models_of(text: str) -> list[dict[str, Any]]:
    """Models that a YAML file declares; none of one that dbt will refuse."""
    try:
        models = (yaml.safe_load(text) or {}).get("models") or []
    except (yaml.YAMLError, AttributeError):
        return []
    return [model for model in models if isinstance(model, dict)]


def source_files() -> list[Path]:
    """Files that make the manifest, those of packages too, and the folders that they are in."""
    root = settings.dbt_project_dir()
    sources, declared = [root / NAME], read_project(root)
    for kind, usual in SOURCE_PATHS.items():
        named = declared.get(kind, [usual])
        # What is no list dbt refuses, and says so.
        for folder in map(str, named if isinstance(named, list) else [usual]):
            # The folder itself too: of a file that is gone it is all that changed.
            sources.extend([root / folder, *(root / folder).rglob("*")])
    if installed_packages().is_dir():
        # A local package is a link, which `rglob` does not follow.
        for package in installed_packages().iterdir():
            sources.extend(package.resolve().rglob("*"))
    return [path for path in sources if path.exists()]


def _is_parsed(directory: Path) -> bool:
    manifest = directory / TARGET / MANIFEST
    return (
        manifest.exists()
        and max(path.stat().st_mtime for path in source_files()) <= manifest.stat().st_mtime
        # The variable is of no file.
        and _is_of_schema(manifest)
    )


def _is_of_schema(manifest: Path) -> bool:
    """Whether a manifest's quality models are in the schema that is asked for, or it has none."""
    return not manifest.exists() or quality_schema(manifest) in (None, settings.metrics_schema())


def _parse(directory: Path) -> None:
    """Parse the project beside its manifest, and replace that whole: others may be reading it."""
    target = directory / TARGET
    # Of processes that were killed: this one holds the project.
    for leftover in target.glob("parse-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="parse-", dir=target) as folder:
        # dbt does not see that the variable of a package's schema changed: it parses all anew then.
        if (target / PARTIAL_PARSE).exists() and _is_of_schema(target / MANIFEST):
            shutil.copy(target / PARTIAL_PARSE, folder)
        refused = words_of_failure(
            "parse", DBT_PROFILES_DIR=str(profiles_dir()), DBT_TARGET_PATH=folder
        )
        if refused is not None:
            raise DriftmeterError(
                f"dbt cannot parse the project ({refused})",
                where=str(directory),
                fix="correct the file that dbt names, then run `dbt parse` there",
            )
        # The manifest last: it says that all is up to date.
        for name in (PARTIAL_PARSE, MANIFEST):
            if Path(folder, name).exists():
                os.replace(Path(folder, name), target / name)


def check_monitor(name: str, known: Collection[str]) -> None:
    """Refuse a name that no monitor has.

    Raises
    ------
    DriftmeterError
        With the names that there are.
    """
    if name not in known:
        raise DriftmeterError(
            f"there is no monitor {name!r}",
            where="--monitor",
            fix=f"use one of {', '.join(known)}"
            if known
            else "declare it with `driftmeter init`, then run `driftmeter run`",
        )
