"""The warehouse as a resource of Dagster. It connects only in a run."""

import dagster as dg
import sqlalchemy as sa

from dagster_driftmeter.dbt.profile_login import name_warehouse
from driftmeter.warehouse import connection


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Postgres that everything is in.

    It is the one of ``DRIFTMETER_DATABASE_URL``, of the project's own dbt profile, or embedded.
    """

    def engine(self) -> sa.Engine:
        name_warehouse()
        return connection.engine()
