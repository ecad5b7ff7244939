"""Where the example's trips come from, as its assets are handed it."""

import datetime as dt

import dagster as dg
import sqlalchemy as sa

from orchestration.example import source_choice
from python_metrics import settings
from python_metrics.example.labels import LabelDelay
from python_metrics.example.sources import Source
from python_metrics.warehouse import connection


def loading_engine() -> sa.Engine:
    """The warehouse as the login that loads: ``DRIFTMETER_LOADER_URL``, or the one for all."""
    return connection.engine(settings.loader_url(), "DRIFTMETER_LOADER_URL")


class Trips(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The source of trips that the last `driftmeter demo` chose; simulated trips before that."""

    def open(self, as_of: dt.date | None = None) -> Source:
        return source_choice.chosen().open(as_of)

    def delay(self) -> LabelDelay:
        return source_choice.chosen().delay
