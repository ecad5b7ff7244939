"""Columns of the inference table that come, go or change: an incident, and no silence."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.arrival.column_changes import changed_columns
from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.commands import driftmeter, run
from tests.integration.test_any_columns import LONG, Project
from tests.integration.test_changed_policy import LOOSE, declare, fill

MEASURED = "column_changes"
FIRST, SECOND, THIRD = "2026-03-01", "2026-03-02", "2026-03-03"
BEFORE = "select md5(string_agg(stored::text, '' order by stored::text)) from {} as stored" + (
    " where monitor = 'odd_names' and partition_date = '2026-03-01'"
)
TABLES = ("metrics.drift", "metrics.performance", "metrics.column_summary")


@pytest.fixture(scope="module")
def measured(postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A monitor over a view of a table, of which one day was measured; copied for each test."""
    create_database(postgres, MEASURED, template)
    engine = connection.engine(f"{postgres}/{MEASURED}")
    fill(engine)
    project = Project(tmp_path_factory.mktemp("measured"), engine)
    declare(project, LOOSE)
    run(project, "--from", FIRST, "--to", FIRST)
    # Nobody may be connected to what is copied.
    engine.dispose()
    return project


@pytest.fixture
def scores(measured: Project, postgres: str, tmp_path: Path) -> Iterator[Project]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    create_database(postgres, name, MEASURED)
    engine = connection.engine(f"{postgres}/{name}")
    yield measured.copied(tmp_path, engine)
    engine.dispose()


def change(project: Project, statement: str, model: Callable[[str], str] = str) -> None:
    """Change the source, and the model over it; the view is made anew by dbt."""
    with project.engine.begin() as session:
        session.execute(sa.text("drop view public_scoring.odd_names"))
        session.execute(sa.text(statement))
    file = project.directory / "models" / "odd_names.sql"
    file.write_text(model(file.read_text()))


def incidents(project: Project) -> list[tuple[str, str, str]]:
    query = "select kind, severity, diagnosis from metrics.incidents where kind = 'schema_change'"
    with project.engine.connect() as session:
        return [tuple(row) for row in session.execute(sa.text(query))]


def contents(project: Project) -> list[object]:
    return [project.scalar(BEFORE.format(table)) for table in TABLES]


def state(project: Project, day: str) -> tuple[str, str]:
    query = "select state, coalesce(reason, '') from metrics.partitions where partition_date = :day"
    with project.engine.connect() as session:
        return tuple(session.execute(sa.text(query), {"day": day}).one())


def test_a_column_that_comes_is_told_once_and_hurts_nobody(scores: Project) -> None:
    change(scores, "alter table team.scores add tip numeric", lambda sql: with_column(sql, "tip"))
    run(scores, "--from", SECOND, "--to", SECOND)
    sentence = "The inference table changed: tip came (numeric), and nobody monitors it."
    assert incidents(scores) == [("schema_change", "warn", sentence)]
    assert state(scores, SECOND)[0] == "fresh"
    run(scores, "--from", THIRD, "--to", THIRD)
    assert len(incidents(scores)) == 1


def with_column(sql: str, name: str) -> str:
    return sql.replace("segment_1, predicted", f"segment_1, {name}, predicted")


def test_a_monitored_column_that_goes_fails_the_day_and_leaves_those_before(
    scores: Project,
) -> None:
    before = contents(scores)
    change(scores, "alter table team.scores drop bins", lambda sql: sql.replace(" bins,", ""))
    ended = driftmeter(scores, "run", "--from", SECOND, "--to", SECOND)
    assert ended.returncode == 1
    assert "bins" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert state(scores, SECOND)[0] == "failed"
    assert state(scores, FIRST) == ("fresh", "")
    assert contents(scores) == before
    sentence = "The inference table changed: bins is gone, and it is monitored."
    assert incidents(scores) == [("schema_change", "error", sentence)]
    # Back again: the day is measured, and that it was gone stays on record.
    change(
        scores,
        "alter table team.scores add bins double precision default 0.5",
        lambda sql: sql.replace(' "user', ' bins, "user'),
    )
    run(scores, "--from", SECOND, "--to", SECOND)
    assert state(scores, SECOND)[0] == "fresh"


def test_a_column_that_is_called_otherwise_is_told_as_that(scores: Project) -> None:
    change(
        scores,
        "alter table team.scores rename bins to buckets",
        lambda sql: sql.replace(" bins,", " buckets,"),
    )
    ended = driftmeter(scores, "run", "--from", SECOND, "--to", SECOND)
    assert ended.returncode == 1
    renamed = "bins is called buckets now, as it seems by its type"
    sentence = f"The inference table changed: {renamed}."
    assert incidents(scores) == [("schema_change", "error", sentence)]
    assert state(scores, SECOND)[0] == "failed"


def reference_is_measured_again(project: Project) -> object:
    return project.scalar(
        "select count(*) = 59 and bool_and(notes.measured_at > last.noted_at)"
        " from metrics.measured_inputs as notes"
        " cross join (select max(noted_at) as noted_at from metrics.column_changes) as last"
        " where step = 'quality' and notes.partition_date < '2026-03-01'"
    )


def test_columns_of_other_types_that_can_be_measured_are_told_and_measured(
    scores: Project,
) -> None:
    """Each in the same run: what is told of a column, and makes a day stale, names each."""
    before = contents(scores)
    types = {"bins": "real", "Gross Weight": "numeric(12,2)", LONG: "text"}
    changes = (f'alter "{name}" type {to} using "{name}"::{to}' for name, to in types.items())
    change(scores, f"alter table team.scores {', '.join(changes)}")
    ended = driftmeter(scores, "run", "--from", SECOND, "--to", SECOND)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    assert state(scores, SECOND)[0] == "fresh"
    # Values that can be measured are compared as ever: their type alone is no incident.
    assert incidents(scores) == []
    (told,) = [line for line in ended.stdout.splitlines() if " was double precision" in line]
    words, follows = told.removeprefix("odd_names: ").split(": ")
    retyped = {f"{name} was double precision and is {to}" for name, to in types.items()}
    assert set(words.split("; ")) == retyped
    assert follows.startswith("the reference period is measured again")
    # Only columns for whose sake it is measured again make a day stale.
    reason = state(scores, FIRST)[1].removeprefix("columns changed: ")
    assert set(reason.split("; ")) == retyped
    assert reference_is_measured_again(scores) is True
    # Of a reference with other values the day before is stale; what was measured of it stays.
    assert contents(scores) == before


def test_a_column_of_another_type_that_cannot_be_measured_fails_the_day(scores: Project) -> None:
    before = contents(scores)
    as_text = "alter bins type text using (bins || ' mg')::text"
    change(scores, f"alter table team.scores {as_text}")
    ended = driftmeter(scores, "run", "--from", SECOND, "--to", SECOND)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert state(scores, SECOND)[0] == "failed"
    retyped = "bins was double precision and is text"
    assert [row[2] for row in incidents(scores)] == [f"The inference table changed: {retyped}."]
    assert f"{retyped}: the reference period is measured again" not in ended.stdout
    assert "bins was double precision" in state(scores, FIRST)[1]
    assert reference_is_measured_again(scores) is False
    assert contents(scores) == before


def test_what_changed_is_sorted_by_what_it_does() -> None:
    before = {"a": "integer", "b": "text", "c": "date"}
    now = {"a": "bigint", "c": "date", "d": "text"}
    changes = [(change.change, change.name) for change in changed_columns(before, now)]
    assert changes == [("removed", "b"), ("retyped", "a"), ("added", "d")]
    assert changed_columns(before, before) == []
