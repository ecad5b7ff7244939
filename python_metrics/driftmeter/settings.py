"""Where things are: the project, its scratch directory and the warehouse, from the environment."""

import os
import re
from pathlib import Path

from driftmeter.errors import DriftmeterError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
EXAMPLE_PROJECT = PROJECT_ROOT / "dbt_project"
# A wheel has no example; what is no Python lies inside its package, and in a checkout where
# people look for it.
PROJECT_FILE, KEPT = "dbt_project.yml", ".driftmeter"
IS_CHECKOUT = (EXAMPLE_PROJECT / PROJECT_FILE).exists()
INSTALLED = Path(__file__).resolve().parent
DBT_PACKAGE = EXAMPLE_PROJECT / "driftmeter" if IS_CHECKOUT else INSTALLED / "dbt_package"
# How packages.yml names the package, from the project's directory: a link, made on each machine.
PACKAGE_LINK = f"{KEPT}/dbt_package"
GRAFANA = (PROJECT_ROOT if IS_CHECKOUT else INSTALLED) / "grafana"


# Where commands mean the example, beside its own project; in no other directory do they.
EXAMPLE_PLACES = (PROJECT_ROOT, PROJECT_ROOT / "notebooks")
PROJECT, HOME = "DRIFTMETER_DBT_PROJECT", "DRIFTMETER_HOME"


def dbt_project_dir() -> Path:
    """The dbt project that declares the monitors.

    ``DRIFTMETER_DBT_PROJECT``; without it the current directory, and in the root of this checkout
    the example's.

    Raises
    ------
    DriftmeterError
        If that is no dbt project.
    """
    project = _project()
    if project is None:
        raise _no_project(Path.cwd())
    return project


def check_project() -> None:
    """Refuse a directory without a dbt project, the one that is named too.

    Raises
    ------
    DriftmeterError
    """
    if not (dbt_project_dir() / PROJECT_FILE).exists():
        raise _no_project(dbt_project_dir(), f"correct {PROJECT}, which names it")


def has_project() -> bool:
    """Whether there is a dbt project here, or one is named."""
    return _project() is not None


def is_example() -> bool:
    """Whether the monitors are those of the example that ships."""
    return IS_CHECKOUT and _project() == EXAMPLE_PROJECT


def choose_example() -> None:
    """Let this process and all that it starts mean the example, whatever directory it is in.

    Raises
    ------
    DriftmeterError
        If another project is named.
    """
    if _named_project() not in (None, EXAMPLE_PROJECT):
        raise DriftmeterError(
            f"names {_named_project()}, and this command is for the example only",
            where=PROJECT,
            fix="unset it for this command",
        )
    os.environ[PROJECT] = str(EXAMPLE_PROJECT)


def make_private(directory: Path) -> None:
    """Make a directory that only its owner reads, and those above it; one that is there stays.

    Reports, calibrations and logs hold values of rows.
    """
    for missing in reversed([directory, *directory.parents]):
        missing.mkdir(mode=0o700, exist_ok=True)


def home() -> Path:
    """Driftmeter's directory for all it keeps: ``DRIFTMETER_HOME``.

    Without it ``.driftmeter/``, in a dbt project of one's own, in this checkout for the example, or
    in a directory where `driftmeter up` made one before it was a project.

    Raises
    ------
    DriftmeterError
        If there is neither a project nor such a directory.
    """
    if named := os.environ.get(HOME):
        return Path(named).resolve()
    project, here = _project(), Path.cwd().resolve()
    if project is None and not (here / KEPT).is_dir():
        raise _no_project(here)
    root = PROJECT_ROOT if is_example() else project or here
    return (root / KEPT).resolve()


def keep_here() -> None:
    """Make the current directory the one of `home`, where nothing says another."""
    if not has_project():
        os.environ.setdefault(HOME, str(Path.cwd() / KEPT))


def _named_project() -> Path | None:
    named = os.environ.get(PROJECT)
    return Path(named).resolve() if named else None


def _project() -> Path | None:
    if named := _named_project():
        return named
    here = Path.cwd().resolve()
    if IS_CHECKOUT and here in EXAMPLE_PLACES:
        return EXAMPLE_PROJECT
    return here if (here / PROJECT_FILE).exists() else None


def _no_project(directory: Path, otherwise: str = "") -> DriftmeterError:
    return DriftmeterError(
        "holds no dbt project",
        where=str(directory),
        fix=otherwise
        or "go into your project's directory, or run `driftmeter init --table SCHEMA.TABLE` here to"
        " make one",
    )


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
            f"{name!r} is not a plain schema name",
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
