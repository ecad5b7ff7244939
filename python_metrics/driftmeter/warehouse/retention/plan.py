"""Plans which months of every table are dropped, which are kept, and which days are final."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.baselines import LAG, TRAILING, WEEKS, accepted_batches
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Days, Monitor
from driftmeter.monitors.hour import day_of
from driftmeter.warehouse.retention.drop import Kind, OldMonth, Table, old_months

# Of monitors that live: a retired one is compared with nothing any more.
BASELINES = sa.text(
    "select monitor, reference_from as first, reference_to as last, 'reference' as why"
    " from metrics.monitors where retired_at is null"
    " union select monitor, from_date, to_date, baseline from metrics.baselines"
    " join metrics.monitors using (monitor) where retired_at is null"
)
ACCEPTED_NORMALS = sa.text(
    "select distinct monitor, from_date, coalesce(every, 'day') as every"
    " from metrics.accepted_normals join metrics.monitors using (monitor) where retired_at is null"
)
# Days on which the active versions were trained.
TRAINED = sa.text(
    "select monitor, trained_from as first, trained_to as last, 'training' as why"
    " from metrics.model_versions where is_active"
)
# What open incidents are shown by.
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
    declared += [
        _normal(name, change.on, monitor.cadence, "declared change")
        for name, monitor in monitors.items()
        for change in monitor.changes
    ]
    accepted = [
        _normal(row.monitor, row.from_date, Cadence(row.every), "accepted normal")
        for row in connection.execute(ACCEPTED_NORMALS)
    ]
    return sorted({*declared, *accepted, *_spans(connection, BASELINES)})


def _normal(monitor: str, first: dt.date, cadence: Cadence, why: str) -> Span:
    """Days of an accepted or declared normal, all that it grows to."""
    last = day_of(cadence.after(first, accepted_batches(cadence)))
    return Span(first, last - dt.timedelta(days=1), monitor, why)


def shortest_days(monitors: Iterable[Monitor]) -> int:
    """Days that are read again in any case: by baselines, for late rows and for late labels."""
    watched = [max(monitor.watch_days, monitor.label_delay_days) for monitor in monitors]
    return max(7 * WEEKS, TRAILING + LAG, *watched, 0)


def _spans(connection: sa.Connection, query: sa.TextClause) -> list[Span]:
    rows = connection.execute(query)
    return sorted(Span(row.first, row.last, row.monitor, row.why) for row in rows)


@dataclass(frozen=True)
class Plan:
    """What `drop_months` is to drop.

    Attributes
    ----------
    months : tuple of OldMonth
        What goes, table by table.
    kept : tuple of Span
        Days for which older months stay.
    lost : tuple of Span
        Days of references and baselines that go, because they may.
    """

    months: tuple[OldMonth, ...]
    kept: tuple[Span, ...]
    lost: tuple[Span, ...]


def make_plan(
    connection: sa.Connection,
    tables: Mapping[Kind, Sequence[Table]],
    before: Mapping[Kind, dt.date],
    monitors: Mapping[str, Monitor],
    drop_reference: bool = False,
) -> Plan:
    """Find the months that are older than their kind is kept.

    Parameters
    ----------
    before : mapping of kind to date
        The first day that stays, the first of a month.
    monitors : mapping of str to Monitor
        Those that the project declares, whose reference days stay.
    drop_reference : bool
        Whether days of references, baselines and training may go too; those of open incidents
        stay in any case.

    Raises
    ------
    DriftmeterError
        If a table is none that loses rows by month.
    """
    baselines = baseline_spans(connection, monitors)
    training, incidents = _spans(connection, TRAINED), _spans(connection, OPEN_INCIDENTS)
    months: list[OldMonth] = []
    kept: set[Span] = set()
    lost: set[Span] = set()
    for kind, those in tables.items():
        needed = [*baselines, *(training if kind == "raw" else [])]
        staying = [*([] if drop_reference else needed), *(incidents if kind == "metrics" else [])]
        stays = {month for span in staying for month in span.months()}
        gone = [
            month for table in those for month in old_months(connection, table, before[kind], stays)
        ]
        months += gone
        kept.update(span for span in staying if span.first < before[kind])
        if drop_reference:
            firsts = {month.first for month in gone}
            lost.update(span for span in needed if span.months() & firsts)
    return Plan(tuple(months), tuple(sorted(kept)), tuple(sorted(lost)))


WITHOUT_ROWS = sa.text(
    "select monitor, min(partition_date) as first, max(partition_date) as last"
    " from metrics.partitions where partition_date between :first and :last"
    " and (:monitor = '' or monitor = :monitor) and rows_dropped_at is not null"
    " group by monitor order by monitor limit 1"
)


def refuse_days_without_rows(engine: sa.Engine, days: Days, monitor: str | None = None) -> None:
    """Refuse to measure days again whose rows are gone: their metrics would say that none came.

    Raises
    ------
    DriftmeterError
        With the first monitor that has such days.
    """
    asked = {"first": days.from_date, "last": days.to_date, "monitor": monitor or ""}
    with engine.connect() as connection:
        dropped = connection.execute(WITHOUT_ROWS, asked).first()
    if dropped is not None:
        raise DriftmeterError(
            f"the rows of {dropped.monitor} from {dropped.first} to {dropped.last} were dropped by"
            " `driftmeter retain`, and what was measured of them is final",
            where="--from",
            fix="leave these days out",
        )
