"""Prepares a process for the warehouse, dbt and Dagster."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from dagster_driftmeter.dbt.packages import ensure_packages, make_kept
from dagster_driftmeter.dbt.profile import profiles_dir
from dagster_driftmeter.dbt.profile_login import name_warehouse
from dagster_driftmeter.dbt.same_database import check_same_database
from dagster_driftmeter.runs.first_day import note_first_day
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.address import read_address
from driftmeter.warehouse.embedded import EmbeddedPostgres
from driftmeter.warehouse.locks import one_at_a_time
from driftmeter.warehouse.reader import close_to_public, set_reader_password

# Runs share the warehouse's server; the URL with its password stays in the environment.
DAGSTER_YAML = Path(__file__).with_name("dagster.yaml").read_text()


def prepare(needs_project: bool = True) -> str:
    """Start the warehouse if it is the embedded one, upgrade it, and point dbt and Dagster at it.

    Parameters
    ----------
    needs_project : bool
        Whether a directory without a dbt project is refused, before anything is written.

    Returns
    -------
    str
        The warehouse's URL.

    Raises
    ------
    DriftmeterError
        If there is no dbt project, if the warehouse does not start or does not answer, or if dbt
        or Dagster's storage would be in another database.

    Notes
    -----
    The warehouse is the Postgres that ``DRIFTMETER_DATABASE_URL`` names, else that of the project's
    own dbt profile, else an embedded one.
    """
    if needs_project:
        settings.check_project()
    name_warehouse()
    if external := settings.external_database_url():
        read_address(external)
    # Telemetry of every tool below is off; unset these to turn it on.
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    # dbt and Dagster read what is stored as we do.
    os.environ["PGCLIENTENCODING"] = "UTF8"
    make_kept(settings.home())
    # Two at once must not both make a cluster.
    with one_at_a_time(settings.home() / "up.lock"):
        if external is None:
            EmbeddedPostgres(settings.home()).start()
        url = connection.warehouse_url()
        engine = connection.engine(url)
        prepare_dagster(url)
        check_same_database(engine, dagster_url(url))
        if settings.has_project():
            profiles_dir()
            ensure_packages()
        migrate.upgrade(engine)
        if settings.is_example():
            from taxi.migrations import upgrade_raw

            upgrade_raw(engine)
        if external is None:
            close_to_public(engine)
        if password := settings.reader_password():
            set_reader_password(engine, password)
        note_first_day(engine)
    return url


def own_tables() -> Mapping[str, tuple[str, ...]]:
    """Tables that Driftmeter itself fills beside metrics, by kind: none in a team's project."""
    if not settings.is_example():
        return {}
    from taxi.tables import TABLES

    return TABLES


def prepare_dagster(url: str) -> None:
    """Let Dagster keep its tables in this warehouse, by a configuration in Driftmeter's directory.

    Raises
    ------
    DriftmeterError
        If what a team adds to it cannot be read, or sets what is Driftmeter's.
    """
    home = settings.home() / "dagster"
    home.mkdir(exist_ok=True)
    file, text = home / "dagster.yaml", DAGSTER_YAML.format(home=home) + _of_team()
    # Another process may be reading it.
    if not file.exists() or file.read_text() != text:
        file.write_text(text)
    os.environ["DAGSTER_HOME"] = str(home)
    # A run of months has an event for each asset and day: one statement for many is a tenth of it.
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
    os.environ["DRIFTMETER_DAGSTER_URL"] = dagster_url(url)


def dagster_url(url: str) -> str:
    """URL with which Dagster keeps its tables in this warehouse."""
    # A crash of Postgres may lose the last moments of Dagster's log, and of no day's rows.
    parameters = {"options": "-c search_path=dagster -c synchronous_commit=off"}
    address = read_address(url)
    # SQLAlchemy decodes what stands in a query, and no name of a database elsewhere.
    parsed = address.sqlalchemy("postgresql").set(database="")
    with_schema = parsed.update_query_dict({"dbname": address.database, **parameters})
    return with_schema.render_as_string(hide_password=False)


def _of_team() -> str:
    """What a team adds to Dagster's instance: where its runs are started, say.

    Raises
    ------
    DriftmeterError
        If the file is not there, is no YAML, or sets what is ours.
    """
    file = settings.dagster_config()
    if file is None:
        return ""
    where = f"DRIFTMETER_DAGSTER_CONFIG, {file}"
    try:
        text = file.read_text(encoding="utf-8")
        added = yaml.safe_load(text) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise DriftmeterError(
            f"cannot be read ({reason})", where=where, fix="name a YAML file"
        ) from error
    ours = yaml.safe_load(DAGSTER_YAML)
    refused = sorted({*added} & {*ours}) if isinstance(added, dict) else ["nothing"]
    if refused:
        raise DriftmeterError(
            f"sets {', '.join(refused)}, but Driftmeter itself sets {', '.join(ours)}",
            where=where,
            fix="leave these out; you may set others, such as run_launcher and run_retries",
        )
    return f"# Of {file}:\n{text}"
