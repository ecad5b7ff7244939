"""dbt's manifest, parsed when missing or out of date; needs no network and no database."""

import functools
import os
import subprocess

import yaml
from dagster_dbt import DbtProject

from orchestration.dbt_packages import DBT, ensure_packages, installed_packages
from orchestration.dbt_profile import ensure_profile, profiles_dir
from orchestration.reference_days import chosen_reference
from python_metrics import settings
from python_metrics.errors import DriftmeterError
from python_metrics.monitors.config import Monitor
from python_metrics.monitors.manifest import load_monitors, quality_schema

# Folders whose files make the manifest, as dbt_project.yml names them and as dbt does without.
SOURCE_PATHS = {
    "model-paths": "models",
    "macro-paths": "macros",
    "test-paths": "tests",
    "seed-paths": "seeds",
}


@functools.cache
def dbt_project() -> DbtProject:
    """The dbt project with a manifest that is up to date.

    Raises
    ------
    DriftmeterError
        If dbt cannot parse the project; carries dbt's own words.
    """
    directory = settings.dbt_project_dir()
    if not (directory / "dbt_project.yml").exists():
        raise DriftmeterError(
            "is no dbt project: it has no dbt_project.yml",
            where=str(directory),
            fix="set DRIFTMETER_DBT_PROJECT to the directory that has one",
        )
    project = DbtProject(project_dir=directory, profiles_dir=profiles_dir())
    manifest = project.manifest_path
    if (
        not manifest.exists()
        or _last_change() > manifest.stat().st_mtime
        # The variable is of no file.
        or quality_schema(manifest) not in (None, settings.metrics_schema())
    ):
        _parse(project)
    return project


def monitors() -> dict[str, Monitor]:
    """Every monitor that the dbt project declares, by name.

    Reference days that were chosen on this machine stand in for the declared ones.
    """
    chosen = chosen_reference()
    changes = {"reference": chosen} if chosen else {}
    return {
        name: monitor.model_copy(update=changes) for name, monitor in _declared_monitors().items()
    }


@functools.cache
def _declared_monitors() -> dict[str, Monitor]:
    return load_monitors(dbt_project().manifest_path)


def _last_change() -> float:
    root = settings.dbt_project_dir()
    sources = [root / "dbt_project.yml"]
    declared = yaml.safe_load(sources[0].read_text())
    for kind, usual in SOURCE_PATHS.items():
        for folder in declared.get(kind, [usual]):
            # The folder itself too: of a file that is gone it is all that changed.
            sources.extend([root / folder, *(root / folder).rglob("*")])
    if installed_packages().is_dir():
        # A local package is a link, which `rglob` does not follow.
        for package in installed_packages().iterdir():
            sources.extend(package.resolve().rglob("*"))
    return max(path.stat().st_mtime for path in sources if path.exists())


def _parse(project: DbtProject) -> None:
    ensure_profile()
    ensure_packages()
    parsed = subprocess.run(
        [str(DBT), "--quiet", "--no-use-colors", "parse"],
        cwd=project.project_dir,
        env={
            **os.environ,
            "DBT_PROFILES_DIR": str(project.profiles_dir),
            # The manifest's place; DBT_TARGET_PATH of the environment is that of runs.
            "DBT_TARGET_PATH": str(project.target_path),
        },
        capture_output=True,
        text=True,
    )
    if parsed.returncode != 0:
        output = " ".join((parsed.stdout + parsed.stderr).split())
        raise DriftmeterError(
            f"dbt cannot parse the project ({output})",
            where=str(project.project_dir),
            fix="correct the file that dbt names, then run `dbt parse` there",
        )
