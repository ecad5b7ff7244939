"""A monitor over its life: retrained, given another unit, another name, another time zone."""

import pytest
import sqlalchemy as sa

from driftmeter.monitors.registry import register
from driftmeter.monitors.renamed import take_over_history
from tests.integration.commands import driftmeter, run
from tests.integration.test_any_columns import FEATURES, Project, project
from tests.integration.test_arrival import monitor

__all__ = ["project"]
SPAN = ("--from", "2026-03-01", "--to", "2026-03-11")
TABLES = """
    select relname from pg_class where relnamespace = 'metrics'::regnamespace
    and relkind in ('r', 'p') and not relispartition and exists (
        select from pg_attribute where attrelid = pg_class.oid and attname = 'monitor')
"""
STALE = "select count(*) from metrics.partitions where state = 'stale'"


def counts(project: Project, name: str) -> dict[str, int]:
    """Rows of a monitor by table, where it has any."""
    with project.engine.connect() as session:
        rows = {
            table: session.exec_driver_sql(
                f"select count(*) from metrics.{table} where monitor = '{name}'"
            ).scalar_one()
            for table in session.scalars(sa.text(TABLES)).all()
        }
    return {table: count for table, count in rows.items() if count}


@pytest.fixture
def retrained(project: Project) -> Project:
    """Version v2 scores from 5 March on, and is wrong by fifty."""
    with project.engine.begin() as session:
        session.execute(
            sa.text(
                "update team.scores set version = 'v2', predicted = predicted + 50"
                " where day >= '2026-03-05'"
            )
        )
    project.declare("odd_names", materialized="view")
    run(project, *SPAN)
    return project


def test_what_was_measured_stays_with_a_monitor_that_changes(retrained: Project) -> None:
    diagnosis = "select diagnosis from metrics.incidents where family = 'performance'"
    told = str(retrained.scalar(diagnosis))
    assert told.endswith("; version v2 of the model has scored since 2026-03-05.")

    # A unit is for people.
    features = {name: {"kind": "numerical", "unit": "kg"} for name in FEATURES}
    retrained.declare("odd_names", materialized="view", features=features)
    assert "no day changed" in run(retrained)
    assert retrained.scalar(STALE) == 0

    before = counts(retrained, "odd_names")
    assert before.keys() >= {"column_summary", "drift", "incidents", "performance_history"}
    for file in (retrained.directory / "models").iterdir():
        text = file.read_text().replace("odd_names", "better_name")
        file.rename(file.with_stem(file.stem.replace("odd_names", "better_name"))).write_text(text)
    declared = retrained.directory / "models" / "_models.yml"
    declared.write_text(
        declared.read_text().replace("monitor:\n", "monitor:\n        was: odd_names\n")
    )
    listed = retrained.directory / "dbt_project.yml"
    listed.write_text(listed.read_text().replace("odd_names", "better_name"))
    shown = run(retrained)
    assert "better_name: has the history of odd_names, which it was called before" in shown
    assert "no day changed" in shown
    assert counts(retrained, "odd_names") == {}
    assert counts(retrained, "better_name") == before
    assert retrained.scalar(STALE) == 0
    assert "has the history" not in run(retrained)
    refused = "performance_history is only added to"
    with pytest.raises(sa.exc.DBAPIError, match=refused), retrained.engine.begin() as session:
        session.exec_driver_sql("update metrics.performance_history set value = 0")

    declared.write_text(
        declared.read_text().replace("monitor:\n", "monitor:\n        timezone: Asia/Tokyo\n")
    )
    shown = run(retrained)
    assert "better_name: time zone changed: Asia/Tokyo, was UTC. The 11 days measured" in shown
    assert "2026-03-01 to 2026-03-11" in shown
    assert "time zone changed" not in run(retrained)
    assert retrained.scalar(STALE) == 0


def test_a_monitor_that_is_declared_again_has_its_open_incidents(retrained: Project) -> None:
    is_open = "select count(*) from metrics.incidents where closed_on is null"
    before = retrained.scalar(is_open)
    assert before
    # Another project on the same warehouse is told what it cannot do.
    number = retrained.scalar("select min(incident_id) from metrics.incidents")
    declared = retrained.directory / "models" / "_models.yml"
    text = declared.read_text()
    declared.write_text(text.replace("monitor:", "unwatched:"))
    assert "odd_names is no longer declared and is retired" in driftmeter(retrained, "run").stdout
    assert retrained.scalar(is_open) == 0
    for action in ("ack", "exclude", "accept"):
        refused = driftmeter(retrained, "incidents", action, str(number))
        assert refused.returncode == 1
        assert "it is of the monitor odd_names, which this dbt project does not" in refused.stderr
    acted = "select count(*) from metrics.incident_events where author <> 'driftmeter'"
    assert retrained.scalar(acted) == 0
    declared.write_text(text)
    assert "odd_names is declared again and goes on where it was" in run(retrained)
    assert retrained.scalar(is_open) == before


def test_a_former_name_that_is_unknown_or_anothers_is_one_line(warehouse: sa.Engine) -> None:
    declared = monitor(was="old_loans").model_copy(update={"project": "bank"})
    (line,) = take_over_history(warehouse, [declared])
    assert line == (
        "loans: begins without a history, for the monitor old_loans is not in this warehouse."
        " Correct `was`, or remove it"
    )
    former = monitor().model_copy(update={"name": "old_loans", "project": "risk"})
    register(warehouse, former)
    (line,) = take_over_history(warehouse, [declared])
    assert "old_loans is one of the dbt project risk, which keeps it. Correct `was`" in line
    names = sa.text("select monitor from metrics.monitors")
    with warehouse.connect() as session:
        assert session.scalars(names).all() == ["old_loans"]
    # Of its own project it is the history.
    register(warehouse, former.model_copy(update={"project": "bank"}))
    assert take_over_history(warehouse, [declared]) == [
        "loans: has the history of old_loans, which it was called before"
    ]
    assert take_over_history(warehouse, [declared]) == []


def test_a_former_name_that_is_declared_too_is_refused(project: Project) -> None:
    project.declare("odd_names", materialized="view", was="odd_names")
    ended = driftmeter(project, "run")
    assert ended.returncode == 1
    assert "was: odd_names is declared too, and keeps its own history" in ended.stderr
