"""Where things are: the project, its scratch directory and the warehouse, from the environment."""

import os
import re
from pathlib import Path

from python_metrics.errors import DriftmeterError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
EXAMPLE_PROJECT = PROJECT_ROOT / "dbt_project"
# A wheel has no example; what is no Python lies inside its package, and in a checkout where
# people look for it.
IS_CHECKOUT = (EXAMPLE_PROJECT / "dbt_project.yml").exists()
INSTALLED = Path(__file__).resolve().parent
DBT_PACKAGE = EXAMPLE_PROJECT / "driftmeter" if IS_CHECKOUT else INSTALLED / "dbt_package"
GRAFANA = (PROJECT_ROOT if IS_CHECKOUT else INSTALLED) / "grafana"


def dbt_project_dir() -> Path:
    """The dbt project that declares the monitors.

    ``DRIFTMETER_DBT_PROJECT``; without it the current directory, where that is a dbt project or
    there is no example to fall back on.
    """
    if named := os.environ.get("DRIFTMETER_DBT_PROJECT"):
        return Path(named).resolve()
    here = Path.cwd().resolve()
    is_project = (here / "dbt_project.yml").exists()
    return here if is_project or not IS_CHECKOUT else EXAMPLE_PROJECT


def is_example() -> bool:
    """Whether the monitors are those of the example that ships."""
    return dbt_project_dir() == EXAMPLE_PROJECT


def home() -> Path:
    """Driftmeter's directory for all it keeps: ``DRIFTMETER_HOME``.

    Without it ``.driftmeter/``, in a dbt project of one's own or in this checkout.
    """
    root = PROJECT_ROOT if is_example() else dbt_project_dir()
    return Path(os.environ.get("DRIFTMETER_HOME") or root / ".driftmeter").resolve()


def external_database_url() -> str | None:
    """The user's own warehouse, ``DRIFTMETER_DATABASE_URL``; None means the embedded one."""
    return os.environ.get("DRIFTMETER_DATABASE_URL") or None


def loader_url() -> str | None:
    """The example's login for loading, ``DRIFTMETER_LOADER_URL``; None: as everything else."""
    return os.environ.get("DRIFTMETER_LOADER_URL") or None


def postgres_programs() -> Path | None:
    """Directory of pg_dump and its like, ``DRIFTMETER_PG_BIN``; None means the wheel's."""
    named = os.environ.get("DRIFTMETER_PG_BIN")
    return Path(named).resolve() if named else None


def metrics_schema() -> str:
    """Schema of all that is measured, ``DRIFTMETER_METRICS_SCHEMA``; ``metrics`` without it.

    Raises
    ------
    DriftmeterError
        If it is no plain name.
    """
    name = os.environ.get("DRIFTMETER_METRICS_SCHEMA") or "metrics"
    if not re.fullmatch("[a-z_][a-z0-9_]{0,62}", name):
        raise DriftmeterError(
            f"{name!r} is no plain name of a schema",
            where="DRIFTMETER_METRICS_SCHEMA",
            fix="use small letters, digits and _, such as driftmeter",
        )
    return name


def dagster_config() -> Path | None:
    """What a team adds to Dagster's instance, ``DRIFTMETER_DAGSTER_CONFIG``: a file of YAML."""
    named = os.environ.get("DRIFTMETER_DAGSTER_CONFIG")
    return Path(named).resolve() if named else None


def reports_url() -> str | None:
    """Where reports are served, ``DRIFTMETER_REPORTS_URL``; None means this machine."""
    return (os.environ.get("DRIFTMETER_REPORTS_URL") or "").rstrip("/") or None


def notify_urls() -> list[str]:
    """Whom incidents are told to, ``DRIFTMETER_NOTIFY_URLS``: Apprise's addresses, secrets."""
    return (os.environ.get("DRIFTMETER_NOTIFY_URLS") or "").replace(",", " ").split()


def reader_password() -> str | None:
    """Password of the dashboards' role, ``DRIFTMETER_READER_PASSWORD``; None leaves it as it is."""
    return os.environ.get("DRIFTMETER_READER_PASSWORD") or None
