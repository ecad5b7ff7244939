"""What assets are handed: warehouse and source of trips. Neither is touched before a run."""

import dagster as dg
import sqlalchemy as sa

from orchestration import source_choice
from python_metrics.raw.labels import LabelDelay
from python_metrics.raw.sources import Source
from python_metrics.warehouse import connection


class Warehouse(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Postgres that everything is in: ``DRIFTMETER_DATABASE_URL``, or the embedded one."""

    def engine(self) -> sa.Engine:
        return connection.engine()


class Trips(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The source of trips that the last `driftmeter run` chose; simulated trips before that."""

    def open(self) -> Source:
        return source_choice.chosen().open()

    def delay(self) -> LabelDelay:
        return source_choice.chosen().delay
