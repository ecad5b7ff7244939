"""The login that the project's own dbt profile names, as dbt itself reads it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from dagster_driftmeter.dbt.profile import FILE, own_profiles_dir
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import WAREHOUSE_URL, Address, read_address

# What a profile of dbt has beside libpq's parameters.
RENAMED = {"database": "dbname"}
PARAMETERS = ("host", "port", "user", "password", "sslmode", "sslcert", "sslkey", "sslrootcert")


def name_warehouse() -> None:
    """Let this process, and all that it starts, use the database of the project's own profile.

    Nothing is done where ``DRIFTMETER_DATABASE_URL`` names one, or the project has no profile.

    Raises
    ------
    DriftmeterError
        If dbt cannot read the profile, or it names no Postgres.
    """
    if settings.external_database_url() is not None or not settings.has_project():
        return
    own = own_profiles_dir()
    if own is None:
        return
    read = dict(login_of_profile(own))
    login = Address(
        read.pop("host", ""),
        int(read.pop("port", 5432)),
        read.pop("user", ""),
        read.pop("password", ""),
        read.pop("dbname", ""),
        read,
    )
    os.environ[WAREHOUSE_URL] = read_address(login.url, str(own / FILE)).url


def login_of_profile(directory: Path) -> dict[str, str]:
    """Parameters of libpq that a directory's profile has for the project.

    Raises
    ------
    DriftmeterError
        If dbt cannot read the profile, or it names no Postgres.
    """
    # dbt alone knows what a profile comes to: a process of its own, which costs its imports.
    ended = subprocess.run(
        [sys.executable, "-m", "dagster_driftmeter.dbt.profile_login", str(directory)],
        cwd=settings.dbt_project_dir(),
        capture_output=True,
        text=True,
    )
    where = str(directory / FILE)
    if ended.returncode:
        reason = (ended.stderr.strip().splitlines() or ["dbt gave no reason"])[-1]
        raise DriftmeterError(
            f"dbt cannot use the project's profile ({reason})",
            where=where,
            fix="correct the profile; `dbt debug` in the project says more",
        )
    read = json.loads(ended.stdout.splitlines()[-1])
    if read["type"] != "postgres":
        raise DriftmeterError(
            f"dbt's profile names a {read['type']} database, but the warehouse must be a Postgres",
            where=where,
            fix="let the profile name the Postgres that holds the predictions",
        )
    parameters: dict[str, str] = read["parameters"]
    return parameters


def _print_login(directory: str) -> None:
    """Print what dbt reads in the project's profile, for the process that asked."""
    from argparse import Namespace

    from dbt.cli import requires
    from dbt.config.runtime import load_profile
    from dbt.flags import set_from_args

    set_from_args(Namespace(PROFILES_DIR=directory), None)
    requires.set_invocation_context(os.environ)  # type: ignore[attr-defined]
    target = os.environ.get("DBT_TARGET") or os.environ.get("DBT_ENGINE_TARGET")
    credentials = load_profile(".", {}, None, target).credentials
    read = {name: getattr(credentials, name, None) for name in (*PARAMETERS, *RENAMED)}
    parameters = {RENAMED.get(name, name): str(value) for name, value in read.items() if value}
    print(json.dumps({"type": credentials.type, "parameters": parameters}))


if __name__ == "__main__":
    _print_login(sys.argv[1])
