"""Months that are kept at any age: of references, baselines and open incidents."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.monitors.baselines import ACCEPTED, LAG, TRAILING, WEEKS
from driftmeter.monitors.config import Monitor

# Of monitors that live: a retired one is compared with nothing any more.
BASELINES = sa.text(
    "select monitor, reference_from as first, reference_to as last, 'reference' as why"
    " from metrics.monitors where retired_at is null"
    " union select monitor, from_date, to_date, baseline from metrics.baselines"
    " join metrics.monitors using (monitor) where retired_at is null"
    " union select monitor, from_date, least(from_date + :accepted, in_force_on) - 1,"
    " 'accepted normal' from metrics.accepted_normals"
    " join metrics.monitors using (monitor) where retired_at is null"
)
TRAINED = sa.text(
    "select monitor, trained_from as first, trained_to as last, 'training' as why"
    " from metrics.model_versions where is_active"
)
OPEN_INCIDENTS = sa.text(
    "select monitor, min(opened_on) as first, max(last_seen_on) as last, 'open incidents' as why"
    " from metrics.incidents where closed_on is null group by monitor"
)


@dataclass(frozen=True, order=True)
class Span:
    """Days that are still needed.

    Attributes
    ----------
    why : str
        What needs them: ``reference``, ``training``, ``open incidents`` ...
    """

    first: dt.date
    last: dt.date
    monitor: str
    why: str

    def months(self) -> set[dt.date]:
        """First days of the months that hold one of its days."""
        month, months = self.first.replace(day=1), set()
        while month <= self.last:
            months.add(month)
            month = (month + dt.timedelta(days=32)).replace(day=1)
        return months


def baseline_spans(connection: sa.Connection, monitors: Mapping[str, Monitor]) -> list[Span]:
    """Reference days, as declared and as registered, and days that other baselines hold."""
    declared = [
        Span(monitor.reference.from_date, monitor.reference.to_date, name, "reference")
        for name, monitor in monitors.items()
    ]
    return sorted({*declared, *_spans(connection, BASELINES, accepted=ACCEPTED)})


def training_spans(connection: sa.Connection) -> list[Span]:
    """Days on which the active versions were trained."""
    return _spans(connection, TRAINED)


def open_incidents(connection: sa.Connection) -> list[Span]:
    """Days of incidents that are open: what they are shown by."""
    return _spans(connection, OPEN_INCIDENTS)


def shortest_days(monitors: Iterable[Monitor]) -> int:
    """Days that are read again in any case: by baselines, for late rows and for late labels."""
    watched = [max(monitor.watch_days, monitor.label_delay_days) for monitor in monitors]
    return max(7 * WEEKS, TRAILING + LAG, *watched, 0)


def _spans(connection: sa.Connection, query: sa.TextClause, **values: object) -> list[Span]:
    rows = connection.execute(query, values)
    return sorted(Span(row.first, row.last, row.monitor, row.why) for row in rows)
