"""Where the example's trips come from, as its assets are handed it."""

import dagster as dg

from orchestration.example import source_choice
from python_metrics.example.labels import LabelDelay
from python_metrics.example.sources import Source


class Trips(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The source of trips that the last `driftmeter demo` chose; simulated trips before that."""

    def open(self) -> Source:
        return source_choice.chosen().open()

    def delay(self) -> LabelDelay:
        return source_choice.chosen().delay
