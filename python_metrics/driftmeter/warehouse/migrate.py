"""Creates and upgrades the tables that Python writes, with Alembic, and the views over them.

Alembic is imported late: it takes a quarter of the time in which a command starts that needs none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import sqlalchemy as sa

from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import WAREHOUSE_URL
from driftmeter.warehouse.turn import alone
from driftmeter.warehouse.views import upgrade_views

if TYPE_CHECKING:
    from alembic.config import Config

# Where Alembic keeps the revision, in the schema itself.
VERSION_TABLE = "alembic_version"
ENVIRONMENT = Path(__file__).parent / "migrations"
# What brings a schema of an earlier revision to the first one of today's chains.
BEFORE_BASELINE = "Driftmeter 0.1"
# What is in a schema before its first upgrade, but for the tables that dbt makes in it.
FOREIGN = sa.text(
    "select format('%I.%I', nspname, relname) from pg_class"
    " join pg_namespace on pg_namespace.oid = relnamespace where nspname = :schema"
    " and relkind in ('r', 'p', 'v', 'm', 'f')"
    " and relname !~ '^(column_summary|custom_metrics|group_counts|reference_bins)'"
    " order by 1 limit 1"
)


@dataclass(frozen=True)
class Migrations:
    """A chain of migrations over one schema.

    Attributes
    ----------
    versions : Path
        Directory of its files, one a revision.
    schema : str
        Where the tables lie, and the chain's own record of its revision.
    """

    versions: Path
    schema: str

    def config(self) -> "Config":
        """Alembic's configuration, without a connection."""
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(ENVIRONMENT))
        # A path may hold blanks and commas.
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", str(self.versions))
        config.attributes["schema"] = self.schema
        return config

    def known(self) -> list[str]:
        """Revisions of the chain, the newest first."""
        from alembic.script import ScriptDirectory

        chain = ScriptDirectory.from_config(self.config())
        return [script.revision for script in chain.walk_revisions()]

    def stored(self, session: sa.Connection) -> str | None:
        """Revision that the schema is at; None before its first."""
        table = f"{self.schema}.{VERSION_TABLE}"
        if not session.scalar(sa.text("select to_regclass(:table) is not null"), {"table": table}):
            return None
        revision: str | None = session.scalar(sa.text(f"select version_num from {table}"))
        return revision

    def why_not_from(self, revision: str, where: str) -> DriftmeterError | None:
        """Why nothing goes on from a revision that was found somewhere; None where it does.

        Revisions are numbers of four digits: one below the chain's first is of an earlier version.
        """
        known = self.known()
        if revision in known:
            return None
        at = f"schema {self.schema} is at revision {revision}"
        if revision < known[-1]:
            return DriftmeterError(
                f"{at}, of an earlier Driftmeter: this one goes on from {known[-1]} and later",
                where=where,
                fix=f"run `driftmeter up` of the last {BEFORE_BASELINE} on it first, or drop the"
                f" schema {self.schema} and fill it again",
            )
        return DriftmeterError(
            f"{at}, which this version of Driftmeter does not know: its newest is {known[0]}",
            where=where,
            fix="install the newer version that made it",
        )


def metrics_migrations() -> Migrations:
    """Those of the metrics schema."""
    return Migrations(ENVIRONMENT / "versions", settings.metrics_schema())


def upgrade(engine: sa.Engine) -> None:
    """Bring the metrics schema, its tables and views up to date; a second call changes nothing.

    Raises
    ------
    DriftmeterError
        If the warehouse refuses, for instance a role that may not create schemas, or if another
        version made its schema from which this one cannot go on. Nothing is changed then: an
        upgrade is one transaction.
    """
    migrations = metrics_migrations()
    with engine.connect() as session:
        if reason := why_not_ours(session):
            raise reason
    with upgraded(engine, migrations) as connection:
        upgrade_views(connection, migrations.known()[0])


def why_not_ours(session: sa.Connection) -> DriftmeterError | None:
    """Why the metrics schema is another's; None where it is ours, or is there to be taken.

    An upgrade would replace views in it, and grant all of it to the dashboards' role.
    """
    migrations = metrics_migrations()
    if migrations.stored(session) is not None:
        return None
    foreign = session.scalar(FOREIGN, {"schema": migrations.schema})
    return foreign and DriftmeterError(
        f"schema {migrations.schema} holds {foreign}, which is not Driftmeter's",
        where=session.engine.url.render_as_string(hide_password=True),
        fix="set DRIFTMETER_METRICS_SCHEMA to another name, such as driftmeter",
    )


@contextmanager
def upgraded(engine: sa.Engine, migrations: Migrations) -> Iterator[sa.Connection]:
    """Run a chain's migrations, and what the caller adds, in one transaction.

    Yields
    ------
    sqlalchemy.Connection
        After the newest migration.

    Raises
    ------
    DriftmeterError
        As `upgrade`, and if the warehouse is read-only.
    """
    from alembic import command

    config = migrations.config()
    where = engine.url.render_as_string(hide_password=True)
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            if connection.scalar(sa.text("show transaction_read_only")) == "on":
                raise DriftmeterError(
                    "the warehouse takes no writes: it is a standby, or read-only by its settings",
                    where=where,
                    fix=f"name the primary server in {WAREHOUSE_URL}",
                )
            # Two processes that start at once must not both create the tables.
            alone(connection, "driftmeter migrations")
            # Dagster's own is granted on, and no backup of the metrics brings it along. Who may
            # not create schemas may use those that are there.
            for schema in (migrations.schema, "dagster"):
                if not sa.inspect(connection).has_schema(schema):
                    connection.execute(sa.text(f"create schema {schema}"))
            stored = migrations.stored(connection)
            if stored is not None and (reason := migrations.why_not_from(stored, where)):
                raise reason
            command.upgrade(config, "head")
            yield connection
            # Roles that were created since, tables that were added.
            if connection.scalar(sa.text("select metrics.roles_lack_grants()")):
                connection.execute(sa.text("select metrics.grant_roles()"))
    except sa.exc.DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.DependentObjectsStillExist):
            raise DriftmeterError(
                f"one of your views reads a view that must be replaced ({first_line(error)})",
                where=where,
                fix="drop your view, run this again, and create your view again",
            ) from error
        raise DriftmeterError(
            f"the warehouse's tables cannot be brought up to date ({first_line(error)})",
            where=where,
            fix="let this role create schemas in the database, tables in them, and"
            " the role driftmeter_reader (or create that one for it)",
        ) from error


def revisions(session: sa.Connection) -> tuple[str | None, str]:
    """Revision that the metrics schema is at, None before its first, and the newest known here."""
    migrations = metrics_migrations()
    return migrations.stored(session), migrations.known()[0]


def first_line(error: sa.exc.DBAPIError) -> str:
    """What Postgres said, without the statement and the context that SQLAlchemy adds."""
    return str(error.orig).strip().splitlines()[0]
