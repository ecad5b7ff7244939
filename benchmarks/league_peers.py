"""Beside the league: days on which Evidently's defaults and a z-score of daily means alarm."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pandas as pd
import sqlalchemy as sa

from benchmarks.detection import MONTH
from benchmarks.league_tables import Event, Table

DEVIATIONS = 3.0
# Driftmeter stores Evidently's own scores and verdicts beside its own: docs/metrics.md.
EVIDENTLY = (
    "select partition_date as day, column_name, method, is_drifted from metrics.drift"
    " where monitor = :monitor and partition_date > :last and segment is null"
    " and method not in ('day_level', 'domain_classifier') and is_drifted order by 1"
)
SHARE = "share_of_drifted_columns"


def peers(
    engine: sa.Engine, table: Table, rows: pd.DataFrame, numbers: Sequence[str], days_judged: int
) -> list[dict[str, Any]]:
    """A row a peer: days with an alarm a month, and the first day that it alarms of each event.

    Parameters
    ----------
    rows : pandas.DataFrame
        All rows, their local day in ``_day``.
    numbers : sequence of str
        Columns whose means and missing shares the z-score watches.
    """
    asked = {"monitor": table.name, "last": table.reference[1]}
    with engine.connect() as session:
        drifted = pd.read_sql(sa.text(EVIDENTLY), session, params=asked)
    of_columns = drifted[drifted["method"] != SHARE]
    of_share = drifted[drifted["method"] == SHARE]
    alarms = {
        "Evidently, any column": list(
            zip(of_columns["day"], of_columns["column_name"], strict=True)
        ),
        "Evidently, half of the columns": [(day, None) for day in of_share["day"]],
        f"z-score of daily means beyond {DEVIATIONS:g}": z_score(rows, table, numbers),
    }
    return [
        {
            "who": who,
            "alarm_days_a_month": round(len({day for day, _ in of}) * MONTH / days_judged, 2),
            "events": {event.name: first_alarm(event, of) for event in table.events},
        }
        for who, of in alarms.items()
    ]


def z_score(
    rows: pd.DataFrame, table: Table, numbers: Sequence[str]
) -> list[tuple[dt.date, str | None]]:
    """Days and columns whose mean or missing share is beyond 3 deviations of the reference's."""
    found: list[tuple[dt.date, str | None]] = []
    for name in numbers:
        values = rows[name].astype(float)
        for each in (values, values.isna().astype(float)):
            daily = each.groupby(rows["_day"]).mean()
            before = daily[
                (daily.index >= table.reference[0]) & (daily.index <= table.reference[1])
            ]
            later = daily[daily.index > table.reference[1]]
            deviation = float(before.std())
            if deviation > 0:
                beyond = (later - before.mean()).abs() > DEVIATIONS * deviation
                found += [(day, name) for day in later.index[beyond]]
    return found


def first_alarm(event: Event, alarms: Sequence[tuple[dt.date, str | None]]) -> str | None:
    """The first day of an event with an alarm, of its columns where it names some."""
    days = [
        day
        for day, column in alarms
        if event.from_date <= day <= event.to_date
        and (not event.columns or column is None or column in event.columns)
    ]
    return str(min(days)) if days else None


def as_markdown(answers: Sequence[dict[str, Any]], events: Sequence[Event]) -> str:
    """Peers as a Markdown table."""
    names = [event.name for event in events]
    lines = [
        f"| beside it | days with an alarm a month |{''.join(f' {name} |' for name in names)}",
        f"|---|---:|{'---|' * len(names)}",
        *(
            f"| {answer['who']} | {answer['alarm_days_a_month']} |"
            + "".join(f" {answer['events'][name] or 'not found'} |" for name in names)
            for answer in answers
        ),
    ]
    return "\n".join(lines) + "\n"
