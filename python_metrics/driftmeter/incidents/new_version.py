"""Names the version of the model that began to score just before predictions or errors changed."""

import datetime as dt
from dataclasses import dataclass, replace

import sqlalchemy as sa

from driftmeter.incidents.breach import Breach
from driftmeter.monitors.config import Monitor

# A version that has scored for longer is not why a day differs from the days before it.
NEW_DAYS = 7
SCORED = sa.text(
    "select distinct partition_date as day, model_version from metrics.drift"
    " where monitor = :monitor and column_name is null and segment is null"
    " and model_version is not null order by partition_date, model_version"
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
    scored = connection.execute(SCORED, {"monitor": monitor.name}).all()
    since: dict[str, dt.date] = {}
    for day, version in scored:
        since.setdefault(version, day)
    oldest = min(since.values(), default=dt.date.max)
    new: dict[dt.date, NewVersion] = {}
    # In order of their first day: the newest stays.
    for day, version in sorted(scored, key=lambda row: (since[row.model_version], *row)):
        first = since[version]
        is_new = first > max(monitor.reference.to_date, oldest)
        if is_new and monitor.cadence.between(first, day) < NEW_DAYS:
            new[day] = NewVersion(version, first)
    return new
