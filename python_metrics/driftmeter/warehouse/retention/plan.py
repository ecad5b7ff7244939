"""Plans which months of every table are dropped, and which are kept."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from driftmeter.warehouse.retention.drop import Kind, OldMonth, Table, old_months
from driftmeter.warehouse.retention.kept import Span, baseline_spans, open_incidents, training_spans


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
    training, incidents = training_spans(connection), open_incidents(connection)
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
