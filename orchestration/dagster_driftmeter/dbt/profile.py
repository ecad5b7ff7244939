"""dbt's profile: the team's own, or one of plain fields in Driftmeter's own directory.

Driftmeter's is of one login of one database and lies in a directory of its own, so that commands
with other warehouses, at the same time or later, never change where this one's dbt writes. It
holds the password; only its owner can read it.
"""

import contextlib
import os
import tempfile
from pathlib import Path

import yaml

from dagster_driftmeter.dbt.jinja import unrendered_values
from dagster_driftmeter.dbt.project_file import read_project
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import Address, read_address
from driftmeter.warehouse.connection import warehouse_url

FILE = "profiles.yml"
# First words of a profile that Driftmeter wrote.
WRITTEN = "# Written by `driftmeter up`; holds a password."
TRANSFORMER_URL = "DRIFTMETER_TRANSFORMER_URL"
# Parsing a project needs a profile and no database.
NOWHERE = Address("127.0.0.1", 1, "nobody", "", "none", {})


def dbt_address() -> Address:
    """What dbt logs in to where the profile is Driftmeter's: its own login, or Python's.

    Raises
    ------
    DriftmeterError
        If the URL cannot be used, or there is no warehouse yet.
    """
    own = os.environ.get(TRANSFORMER_URL)
    return read_address(own, TRANSFORMER_URL) if own else read_address(warehouse_url())


def profiles_dir() -> Path:
    """Directory of the profile that dbt is called with; Driftmeter's own is written if need be.

    Raises
    ------
    DriftmeterError
        If the URL that the environment names cannot be used.
    """
    own = own_profiles_dir()
    if own is not None:
        return own
    try:
        address = dbt_address()
    except DriftmeterError:
        if settings.external_database_url() or os.environ.get(TRANSFORMER_URL):
            raise
        address = NOWHERE
    directory = settings.home() / "profiles" / address.place
    _write(directory / FILE, _profile(address))
    return directory


def own_profiles_dir() -> Path | None:
    """Directory of the team's own profile, looked for as dbt does; None where it has none.

    ``DBT_PROFILES_DIR``, the project, ``~/.dbt``: the first whose profiles.yml has the project's
    profile and was not written by Driftmeter.
    """
    project = settings.dbt_project_dir()
    named = os.environ.get("DBT_PROFILES_DIR")
    for place in [*([Path(named)] if named else []), project, Path.home() / ".dbt"]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            text = (place / FILE).read_text()
            if f"{profile_name()}:" in text and not text.startswith(WRITTEN):
                return place.resolve()
    return None


def profile_name() -> str:
    """Name of the profile that the project asks for."""
    return str(read_project(settings.dbt_project_dir()).get("profile") or "driftmeter")


def _profile(address: Address) -> str:
    fields = {
        "type": "postgres",
        "schema": "public",
        "threads": 4,
        **unrendered_values(address.libpq()),
    }
    profile = {profile_name(): {"target": "warehouse", "outputs": {"warehouse": fields}}}
    return f"{WRITTEN}\n{yaml.safe_dump(profile, allow_unicode=True, sort_keys=False)}"


def _write(path: Path, text: str) -> None:
    """Write the file whole, readable by its owner only; one that is just so is left alone."""
    with contextlib.suppress(FileNotFoundError):
        if path.read_text() == text:
            return
    settings.make_private(path.parent)
    handle, new = tempfile.mkstemp(prefix=FILE, dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(new, path)
