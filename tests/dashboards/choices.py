"""Every choice that a person can make of a dashboard's variables and time range."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import sqlalchemy as sa

from driftmeter.dashboards.preview.frames import Scope
from tests.dashboards.answers import Answer, check_shape, with_values
from tests.dashboards.grafana_files import PANELS, queries, variables

# What Grafana sends for All, without its quotes.
ALL_VERSIONS = variables()["model_version"]["allValue"].strip("'")
# Grafana sends what was chosen last, though it is on no list any more.
GONE = "a version that is gone"
QUERIES = dict(queries())
PANEL_OF = {f"{uid}: {panel['title']}": panel for uid, panel in PANELS}


def ranges(opened: Scope) -> list[tuple[dt.datetime, dt.datetime]]:
    """As the dashboards open, their last day alone, a year back from a moment, and no data."""
    day, year = dt.timedelta(days=1), dt.timedelta(days=365)
    before = opened.first - 10 * year
    return [
        (opened.first, opened.last),
        (midnight_before(opened.last), opened.last),
        (opened.last - year, opened.last),
        (before, before + day),
    ]


def midnight_before(moment: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(moment.date(), dt.time.min, moment.tzinfo)


def choices(reader: sa.Engine, opened: Scope, monitors: list[str]) -> Iterator[Scope]:
    """Each monitor, of all, one and two versions and of one that is gone, over each range."""
    for monitor, (first, last) in product(monitors, ranges(opened)):
        scope = replace(with_values(opened, monitor=monitor), first=first, last=last)
        known = Answer(reader, variables()["model_version"]["query"], scope)
        versions = known.column(known.names[0])
        for chosen in ([ALL_VERSIONS], versions[:1], versions[:2], [GONE]):
            if chosen:
                yield with_values(scope, model_version=chosen)


def check_choices(reader: sa.Engine, where: str, opened: Scope, monitors: list[str]) -> None:
    """Whatever is chosen, a query's answer is of the shape that is read, with rows or without."""
    for scope in choices(reader, opened, monitors):
        answer = Answer(reader, QUERIES[where], scope)
        if panel := PANEL_OF.get(where):
            # The day in which a range begins belongs to it whole, in every query.
            check_shape(panel, answer, replace(scope, first=midnight_before(scope.first)))
        elif "annotation" in where:
            assert None not in [*answer.column("time"), *answer.column("text")]
            assert all(time <= scope.last for time in answer.column("time"))
        elif where.startswith("rule "):
            # Rules know of no choice.
            assert answer.rows
        else:
            values = answer.column(answer.names[0])
            assert len(values) == len(set(values))
