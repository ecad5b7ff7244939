"""One row that comes late makes its own day stale and no other, and that day alone is measured."""

import datetime as dt
from pathlib import Path

import sqlalchemy as sa

from driftmeter.arrival.changed_days import mark_changed
from driftmeter.monitors.manifest import load_monitors
from tests.integration.commands import run
from tests.integration.test_any_columns import Project
from tests.integration.test_changed_policy import LOOSE, declare, fill

LATE = dt.date(2026, 3, 4)
DAYS = ("--from", "2026-03-01", "--to", "2026-03-08")
# The row of another day, under an id and a day of its own.
LATE_ROW = """
    insert into team.scores
    select (jsonb_populate_record(one, '{"order": "late", "day": "2026-03-04"}')).*
    from team.scores as one where "order" = 'row 61'
"""


def clocks(engine: sa.Engine) -> dict[tuple[dt.date, str], object]:
    """When each step measured each day."""
    query = (
        "select partition_date, step, measured_at from metrics.measured_inputs"
        " where partition_date >= '2026-03-01' union all"
        " select partition_date, 'day', computed_at from metrics.partitions"
    )
    with engine.connect() as session:
        return {(row[0], row[1]): row[2] for row in session.execute(sa.text(query))}


def states(engine: sa.Engine) -> dict[dt.date, str]:
    query = "select partition_date, state from metrics.partitions"
    with engine.connect() as session:
        return dict(session.execute(sa.text(query)).tuples().all())


def test_one_late_row_is_one_stale_day_and_one_day_measured_again(
    tmp_path: Path, warehouse: sa.Engine
) -> None:
    fill(warehouse)
    project = Project(tmp_path, warehouse)
    declare(project, LOOSE)
    run(project, *DAYS)
    before = clocks(warehouse)
    steps = {"quality", "tests", "drift", "performance", "incidents", "day"}
    assert {step for _, step in before} == steps
    assert set(states(warehouse).values()) == {"fresh"}
    with warehouse.begin() as session:
        assert session.execute(sa.text(LATE_ROW)).rowcount == 1
    monitor = load_monitors(project.directory / "target" / "manifest.json")["odd_names"]
    (change,) = mark_changed(warehouse, monitor).changed
    assert (change.day, change.reason) == (LATE, "1 row came late, after the day was measured")
    stale = {day: state for day, state in states(warehouse).items() if state != "fresh"}
    assert stale == {LATE: "stale"}
    shown = run(project, "--stale")
    assert str(LATE) in shown
    after = clocks(warehouse)
    assert {key for key in after if after[key] != before[key]} == {(LATE, step) for step in steps}
    assert set(states(warehouse).values()) == {"fresh"}
