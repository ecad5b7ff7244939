"""The warehouse as a resource of Dagster. It connects only in a run."""

import dagster as dg
import sqlalchemy as sa

from driftmeter.warehouse import connection


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Postgres that everything is in: ``DRIFTMETER_DATABASE_URL``, or the embedded one."""

    def engine(self) -> sa.Engine:
        return connection.engine()
