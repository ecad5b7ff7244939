"""Where the example's trips come from, as its assets are handed it."""

import datetime as dt

import dagster as dg
import sqlalchemy as sa

from dagster_taxi import source_choice
from driftmeter import settings
from driftmeter.warehouse import connection
from taxi.sources import Source
from taxi.trip_labels import LabelDelay


def loading_engine() -> sa.Engine:
    """The warehouse as the login that loads: ``DRIFTMETER_LOADER_URL``, or the one for all."""
    return connection.engine(settings.loader_url(), "DRIFTMETER_LOADER_URL")


class Trips(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The source of trips that the last `driftmeter demo` chose; simulated trips before that."""

    def open(self, as_of: dt.date | None = None) -> Source:
        return source_choice.chosen().open(as_of)

    def delay(self) -> LabelDelay:
        return source_choice.chosen().delay
