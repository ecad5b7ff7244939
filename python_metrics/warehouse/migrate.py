"""Creates and upgrades the tables that Python writes, with Alembic."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from python_metrics.errors import DriftmeterError

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the warehouse's schemas and tables to a revision; a second call changes nothing.

    Raises
    ------
    DriftmeterError
        If the warehouse refuses, for instance a role that may not create schemas. Nothing is
        changed then: an upgrade is one transaction.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    except sa.exc.DBAPIError as error:
        raise DriftmeterError(
            f"the warehouse's tables cannot be brought up to date ({first_line(error)})",
            where=engine.url.render_as_string(hide_password=True),
            fix="let this role create schemas in the database, tables in raw and metrics, and the"
            " role driftmeter_reader (or create that one for it)",
        ) from error
    except CommandError as error:
        raise DriftmeterError(
            f"the warehouse was made by another version of Driftmeter ({error})",
            where=engine.url.render_as_string(hide_password=True),
            fix="use the newer version of the two",
        ) from error


def first_line(error: sa.exc.DBAPIError) -> str:
    """What Postgres said, without the statement and the context that SQLAlchemy adds."""
    return str(error.orig).strip().splitlines()[0]
