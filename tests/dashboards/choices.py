"""Every choice that a person can make of a dashboard's variables and time range."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import sqlalchemy as sa

from python_metrics.dashboards.preview.frames import Scope
from tests.dashboards.answers import Answer, check_shape, with_values
from tests.dashboards.grafana_files import PANELS, queries, variables

# What Grafana sends for All, without its quotes.
ALL_VERSIONS = variables()["model_version"]["allValue"].strip("'")
NAMES = [f"{uid}: {panel['title']}" for uid, panel in PANELS]
# Grafana sends what was chosen last, though it is on no list any more.
GONE = "a version that is gone"


def ranges(opened: Scope) -> list[tuple[dt.datetime, dt.datetime]]:
    """As the dashboards open, their last day alone, a year back from a moment, and no data."""
    day, year = dt.timedelta(days=1), dt.timedelta(days=365)
    before = opened.first - 10 * year
    return [
        (opened.first, opened.last),
        (opened.last - day + dt.timedelta(milliseconds=1), opened.last),
        (opened.last - year, opened.last),
        (before, before + day),
    ]


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
    sql, panel = dict(queries())[where], dict(zip(NAMES, PANELS, strict=True)).get(where)
    for scope in choices(reader, opened, monitors):
        answer = Answer(reader, sql, scope)
        if panel:
            check_shape(panel[1], answer, scope)
        elif "annotation" in where:
            assert None not in [*answer.column("time"), *answer.column("text")]
            assert all(time <= scope.last for time in answer.column("time"))
        elif where.startswith("rule "):
            # Rules know of no choice.
            assert answer.rows
        else:
            values = answer.column(answer.names[0])
            assert len(values) == len(set(values))
