"""Packages that a dbt project declares, Driftmeter's own among them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_driftmeter.dbt.project_file import read_project
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.locks import one_at_a_time

DBT = Path(sys.executable).parent / "dbt"
# dbt too, quicker where `dagster_driftmeter.dbt.server` keeps a process for it.
KEPT_DBT = Path(sys.executable).parent / "driftmeter-dbt"
# Where dbt writes within a project, whatever DBT_TARGET_PATH says of runs.
TARGET = "target"


@contextmanager
def project_lock() -> Iterator[None]:
    """Hold the dbt project: two processes that write its packages or manifest mix them up."""
    target = settings.dbt_project_dir() / TARGET
    target.mkdir(exist_ok=True)
    with one_at_a_time(target / "driftmeter.lock"):
        yield


def installed_packages() -> Path:
    """Directory of the dbt project that dbt installs packages into."""
    directory = settings.dbt_project_dir()
    declared = read_project(directory)
    return directory / str(declared.get("packages-install-path", "dbt_packages"))


def ensure_packages() -> None:
    """Install the packages that the project declares, if none is installed."""
    directory = settings.dbt_project_dir()
    declares = any((directory / name).exists() for name in ("packages.yml", "dependencies.yml"))
    if declares and not installed_packages().exists():
        with project_lock():
            if not installed_packages().exists():
                install_packages()


def install_packages() -> None:
    """Install the packages that the project declares.

    Raises
    ------
    DriftmeterError
        If dbt cannot install them; carries dbt's own words.
    """
    refused = words_of_failure("deps")
    if refused is not None:
        raise DriftmeterError(
            f"dbt cannot install the project's packages ({refused})",
            where=str(settings.dbt_project_dir()),
            fix="correct packages.yml, then run `dbt deps` there",
        )


def words_of_failure(command: str, **environment: str) -> str | None:
    """Run a command of dbt in the project; what it says where it fails, on one line, else None."""
    ended = subprocess.run(
        [str(DBT), "--quiet", "--no-use-colors", command],
        cwd=settings.dbt_project_dir(),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    return " ".join((ended.stdout + ended.stderr).split()) if ended.returncode else None
