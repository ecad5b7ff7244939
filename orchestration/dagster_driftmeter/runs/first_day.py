"""The first measured days, in a file, because Dagster's definitions load without a warehouse."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from driftmeter import settings
from driftmeter.monitors.cadence import Every

FIRST = sa.text(
    "select coalesce(every, 'day') as every, min(partition_date)::text as first"
    " from metrics.partitions left join metrics.monitors using (monitor) group by 1 order by 1"
)


def note_first_day(engine: sa.Engine) -> None:
    """Note the first measured day of the warehouse, for the partitions of Dagster's assets.

    Of hours, days, weeks and months each. Batches before the reference period are measured when
    somebody asks for them, and where the reference period was moved: they are partitions too.
    """
    with engine.connect() as session:
        first = dict(session.execute(FIRST).tuples().all())
    _file().write_text(json.dumps(first))


def first_measured_days() -> Mapping[Every, dt.date]:
    """The days that were noted last; none of a warehouse without a measured day."""
    if not _file().exists():
        return {}
    try:
        noted = json.loads(_file().read_text())
    except json.JSONDecodeError:
        # As an earlier version wrote it; the next command writes it anew.
        return {}
    return {every: dt.date.fromisoformat(first) for every, first in noted.items()}


def _file() -> Path:
    return settings.home() / "first_day"
