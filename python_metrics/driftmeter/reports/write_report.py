"""A report of one day: which rows, against which, into which file."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from driftmeter.arrival.inference_rows import VERSION, count_rows, read_rows
from driftmeter.arrival.labels_due import last_due
from driftmeter.errors import DriftmeterError
from driftmeter.imports import many_imports
from driftmeter.monitors.baselines import Baseline, baseline_days, record
from driftmeter.monitors.cadence import DAILY
from driftmeter.monitors.config import Monitor
from driftmeter.reports.report_address import reports_url

# Rows of either side that a page draws: more make it slow to open and show nothing else.
MOST_ROWS = 20_000
Segment = tuple[str, str]
WHOSE_VERDICTS = (
    "The incident above is Driftmeter's finding, by alarms that keep the monitor's budget. The"
    " verdicts below are Evidently's, of each column by itself at Evidently's defaults. They may"
    " differ."
)


class TooFewRows(DriftmeterError):
    """A day or a baseline holds no row that could be drawn."""


def write_report(
    engine: sa.Engine,
    monitor: Monitor,
    day: dt.date,
    directory: Path,
    *,
    segment: Segment | None = None,
    against: Baseline = "reference",
    columns: Sequence[str] | None = None,
    name: str | None = None,
    most_rows: int = MOST_ROWS,
    heading: Mapping[str, str] | None = None,
) -> Path:
    """Write Evidently's page of a day's rows beside a baseline's, and give its path.

    Parameters
    ----------
    columns : sequence of str, optional
        Draw these only; every monitored column without it.
    name : str, optional
        Name of the file; told by what is asked without it.
    most_rows : int
        Rows of either side that are drawn at most, a sample by hash of the id.
    heading : mapping of str to str, optional
        What the page says before all else, such as the incident that it is of.

    Raises
    ------
    TooFewRows
        If the day or the baseline holds no row to draw.
    """
    with engine.begin() as connection:
        days = baseline_days(connection, monitor, against, day)
        if against != "reference":
            record(connection, monitor, against, days)
        total, current = _side(
            connection, monitor, [day], segment, monitor.cadence.named(day), most_rows
        )
        before, reference = _side(
            connection, monitor, days, segment, f"the {against} baseline", most_rows
        )
        is_due = day <= last_due(connection, monitor)
    cadence = monitor.cadence
    shown = f"{day:%A} {day}" if cadence == DAILY else cadence.name(day)
    versions = ", ".join(sorted(current[VERSION].dropna().unique())) or "none"
    facts = {
        **(heading or {}),
        "Monitor": f"{monitor.name} (owner {monitor.owner})",
        cadence.every.capitalize(): f"{shown}, {total:,} rows, model version {versions}",
        "Against": f"{against}: {cadence.counted(len(days))} from {cadence.named(days[0])} to"
        f" {cadence.named(days[-1])}, {before:,} rows",
    }
    if segment is not None:
        facts["Segment"] = " = ".join(segment)
    # Late: they import scikit-learn and Evidently, which takes seconds.
    with many_imports():
        from driftmeter.performance.undeclared_slices import HEADINGS, slices_of
        from driftmeter.reports.page import write_page

    if against == "reference":
        found = slices_of(monitor, reference, current, is_due=is_due)
        for question, heading_of in HEADINGS.items():
            if named := [str(each) for each in found if each.question == question]:
                facts[heading_of] = ". ".join(named)
    notes = [WHOSE_VERDICTS] if heading else []
    sides = (
        (f"the {cadence.every}", total, current),
        ("the baseline", before, reference),
    )
    notes += [
        f"Drawn from {len(frame):,} of {rows:,} rows of {side}, a sample by hash of {monitor.id}."
        for side, rows, frame in sides
        if len(frame) < rows
    ]
    notes += [
        f"Evidently's scores of {rows:,} rows of {side} say little: below {monitor.min_rows}"
        " (`min_rows`) they vary more by chance than by a change."
        for side, rows, _ in sides
        if rows < monitor.min_rows
    ]
    path = directory / (name or file_name(monitor.name, day, segment, against))
    write_page(
        monitor,
        reference.drop(columns=VERSION),
        current.drop(columns=VERSION),
        facts,
        notes,
        columns or list(monitor.columns),
        path,
    )
    return path


def file_name(
    monitor: str, day: dt.date, segment: Segment | None = None, against: Baseline = "reference"
) -> str:
    """Name of a report's file; the same question has the same file."""
    where = "" if segment is None else "-" + "-".join(map(plain_name, segment))
    held = "" if against == "reference" else f"-against-{against}"
    return f"{plain_name(monitor)}-{name_of_batch(day)}{where}{held}.html"


def name_of_batch(day: dt.date) -> str:
    """A batch as it may stand in the name of a page: an hour with its offset from UTC."""
    if not isinstance(day, dt.datetime):
        return str(day)
    return re.sub(r"[^0-9-]", "_", day.strftime("%Y-%m-%d-%H%M%z"))


def report_url(path: Path) -> str:
    """Where a written report is served."""
    return f"{reports_url()}/{path.name}"


def plain_name(text: str) -> str:
    """Text as it may stand in the name of a page, which is served by letters, digits, _ and -."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text)


def _side(
    connection: sa.Connection,
    monitor: Monitor,
    days: list[dt.date],
    segment: Segment | None,
    name: str,
    most_rows: int,
) -> tuple[int, pd.DataFrame]:
    rows = count_rows(connection, monitor, days, segment=segment)
    if not rows:
        chosen = f" with {' = '.join(segment)}" if segment else ""
        raise TooFewRows(
            f"{name} holds no row{chosen}",
            where=f"{monitor.schema_name}.{monitor.name}",
            fix="choose a day, segment or baseline that has rows",
        )
    return rows, read_rows(connection, monitor, days, segment=segment, most_rows=most_rows)
