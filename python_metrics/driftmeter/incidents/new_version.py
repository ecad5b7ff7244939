"""Names the version of the model that began to score just before predictions or errors changed."""

import datetime as dt
from dataclasses import dataclass, replace

import sqlalchemy as sa

from driftmeter.incidents.breach import Breach
from driftmeter.monitors.config import Monitor

# A version that has scored for longer is not why a day differs from the days before it.
NEW_DAYS = 7
STARTS = sa.text(
    "select distinct drift.partition_date as day, starts.model_version, starts.first_day"
    " from metrics.model_version_starts as starts join metrics.drift as drift"
    " using (monitor, model_version) where monitor = :monitor and starts.first_day > :reference_to"
    " and drift.column_name is null and drift.segment is null"
    " and drift.partition_date < starts.first_day + :days"
    " and exists (select from metrics.model_version_starts as before"
    " where before.monitor = :monitor and before.first_day < starts.first_day)"
    " order by starts.first_day, starts.model_version"
)


@dataclass(frozen=True)
class NewVersion:
    """A version of the model that scores rows of a day, and since when."""

    version: str
    since: dt.date

    def named(self, breach: Breach, monitor: Monitor) -> Breach:
        """A breach of the error or the predictions, with the version; any other as it is."""
        if breach.family != "performance" and breach.column_name != monitor.prediction:
            return breach
        return replace(
            breach,
            diagnosis=f"{breach.diagnosis.removesuffix('.')}; version {self.version} of the model"
            f" has scored since {self.since}.",
            evidence={**breach.evidence, "version": self.version, "since": str(self.since)},
        )


def new_versions(connection: sa.Connection, monitor: Monitor) -> dict[dt.date, NewVersion]:
    """The newest version that began on a day or within the six before it, where one did.

    A version that scored in the reference period is not new, and neither is the first of all.
    """
    asked = {
        "monitor": monitor.name,
        "reference_to": monitor.reference.to_date,
        "days": NEW_DAYS,
    }
    # In order of their first day: the newest stays.
    return {
        row.day: NewVersion(row.model_version, row.first_day)
        for row in connection.execute(STARTS, asked)
    }
