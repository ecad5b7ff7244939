"""Checks that dbt, Dagster's storage and Python use one database, before any of them writes.

A lock that Python holds under a random number is seen by another session only in the same database
of the same running server, whoever it logs in as and whatever it may read there: a copy of the
server, with the same name and the same rows, does not have it.
"""

import os
import secrets

import sqlalchemy as sa

from dagster_driftmeter.dbt.profile import FILE, TRANSFORMER_URL, dbt_address, own_profiles_dir
from dagster_driftmeter.dbt.profile_login import login_of_profile
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import WAREHOUSE_URL, address_of
from driftmeter.warehouse.pooler import FIX


def check_same_database(engine: sa.Engine, dagster_url: str) -> None:
    """Refuse to go on where dbt or Dagster's storage is in another database than Python.

    Raises
    ------
    DriftmeterError
        If one of them is, or does not get in.
    """
    key = secrets.randbits(62)
    with engine.begin() as session:
        session.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": key})
        ours = address_of(engine).shown
        if settings.has_project():
            where, login = _dbt_login()
            _prove("dbt", where, login, key, ours)
        _prove("Dagster's storage", WAREHOUSE_URL, sa.make_url(dagster_url), key, ours)


def _prove(who: str, where: str, login: sa.URL, key: int, ours: str) -> None:
    theirs = sa.create_engine(
        # The driver of dbt and of Dagster's storage.
        login.set(drivername="postgresql+psycopg2"),
        poolclass=sa.NullPool,
        connect_args={"connect_timeout": 10},
    )
    asked = sa.text("select not pg_try_advisory_xact_lock(:key)")
    options = str(login.query.get("options", ""))
    try:
        with theirs.connect() as session:
            is_same = bool(session.scalar(asked, {"key": key}))
            path = str(session.scalar(sa.text("show search_path")))
    except sa.exc.DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        if "startup parameter" in reason:
            raise _no_options(where) from error
        raise DriftmeterError(
            f"{who} cannot connect to the warehouse ({reason})",
            where=where,
            fix="correct its host, port, database, user or password",
        ) from error
    if is_same and options and f"search_path={path}" not in options:
        raise _no_options(where)
    if not is_same:
        raise DriftmeterError(
            f"{who} uses another database than {ours}, which {WAREHOUSE_URL} names",
            where=where,
            fix="let both name the same server and database",
        )


def _no_options(where: str) -> DriftmeterError:
    return DriftmeterError(
        "a pooler answers that does not hand on the startup parameter options, with which Dagster"
        " finds its tables",
        where=where,
        fix=FIX,
    )


def _dbt_login() -> tuple[str, sa.URL]:
    """Where dbt's login is written, and the login."""
    own = own_profiles_dir()
    if own is None:
        where = TRANSFORMER_URL if os.environ.get(TRANSFORMER_URL) else WAREHOUSE_URL
        return where, dbt_address().sqlalchemy()
    return str(own / FILE), sa.URL.create("postgresql", query=login_of_profile(own))
