"""dbt's manifest, parsed when missing or out of date; needs no network and no database."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

from dagster_dbt import DbtProject

from orchestration import source_choice
from orchestration.dbt_profile import ensure_profile
from python_metrics import settings
from python_metrics.errors import DriftmeterError
from python_metrics.monitors.config import Days, Monitor
from python_metrics.monitors.manifest import load_monitors

DBT = Path(sys.executable).parent / "dbt"


@functools.cache
def dbt_project() -> DbtProject:
    """The dbt project with a manifest that is up to date.

    Raises
    ------
    DriftmeterError
        If dbt cannot parse the project; carries dbt's own words.
    """
    project = DbtProject(
        project_dir=settings.PROJECT_ROOT / "dbt_project",
        profiles_dir=settings.PROJECT_ROOT / "dbt_project",
    )
    if not project.manifest_path.exists() or _last_change() > project.manifest_path.stat().st_mtime:
        _parse(project)
    return project


def monitors() -> dict[str, Monitor]:
    """Every monitor that the dbt project declares, by name.

    Downloaded months bring reference days of their own.
    """
    own = source_choice.chosen().own_days
    changes = {"reference": own.reference} if own else {}
    return {
        name: monitor.model_copy(update=changes) for name, monitor in _declared_monitors().items()
    }


@functools.cache
def _declared_monitors() -> dict[str, Monitor]:
    return load_monitors(dbt_project().manifest_path)


def _last_change() -> float:
    root = settings.PROJECT_ROOT
    sources = [root / "dbt_project" / "dbt_project.yml", *(root / "seeds").iterdir()]
    for folder in ("models", "macros", "tests"):
        sources.extend((root / "dbt_project" / folder).rglob("*"))
    return max(path.stat().st_mtime for path in sources)


def _parse(project: DbtProject) -> None:
    ensure_profile()
    parsed = subprocess.run(
        [str(DBT), "--quiet", "--no-use-colors", "parse"],
        cwd=project.project_dir,
        env={**os.environ, "DBT_PROFILES_DIR": str(project.profiles_dir)},
        capture_output=True,
        text=True,
    )
    if parsed.returncode != 0:
        said = " ".join((parsed.stdout + parsed.stderr).split())
        raise DriftmeterError(
            f"dbt cannot parse the project ({said})",
            where="dbt_project",
            fix="correct the file that dbt names, then run `dbt parse` there",
        )


def trained_days(monitor: str) -> Days:
    """Days that a monitor's baseline model is trained on: declared, or of downloaded months."""
    if own := source_choice.chosen().own_days:
        return own.trained
    nodes = json.loads(dbt_project().manifest_path.read_text())["nodes"].values()
    node = next(node for node in nodes if node["name"] == monitor)
    return Days(**node["config"]["meta"]["baseline_model"]["trained"])
