"""YAML that changes under a living monitor: columns come, go and turn; a monitor is retired."""

import datetime as dt

import pytest
import sqlalchemy as sa

from driftmeter.arrival.column_changes import (
    is_reference_of_other_types,
    note_columns,
    retyped_in_words,
)
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.incidents.messages import pending
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.changed_settings import mark_setting_changes, retire_undeclared
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.registry import register
from tests.integration.commands import driftmeter, run
from tests.integration.test_any_columns import FEATURES, Project, project
from tests.integration.test_arrival import FIRST, LOANS, change, monitor, states

__all__ = ["project"]
OPEN_INCIDENT = """
    insert into metrics.incidents (monitor, kind, severity, opened_on, last_seen_on, diagnosis,
        family, cause, columns, days)
    values ('loans', 'concept_drift', 'error', '2026-02-20', '2026-03-03', 'the error rose',
        'performance', 'error', '{income}', 12)
"""
TOLD = """
    with opened as (insert into metrics.incident_events (incident_id, monitor, event, on_date,
        kind, diagnosis, author) select incident_id, monitor, 'opened', opened_on, kind, diagnosis,
        'driftmeter' from metrics.incidents returning event_id)
    insert into metrics.notifications (event_id, state, attempts, sent_at, tried_at)
    select event_id, 'sent', 1, now(), now() from opened
"""


def declared(**changes: object) -> Monitor:
    return monitor(**changes).model_copy(update={"project": "bank"})


@pytest.fixture
def measured(warehouse: sa.Engine) -> sa.Engine:
    """Eight days measured and one incident open."""
    change(warehouse, LOANS)
    register(warehouse, declared())
    reference = load_reference(warehouse, declared())
    for number in range(8):
        compute_partition(warehouse, declared(), FIRST + dt.timedelta(days=number), reference)
    change(warehouse, OPEN_INCIDENT)
    return warehouse


def scalars(engine: sa.Engine, query: str) -> list[object]:
    with engine.connect() as session:
        return list(session.scalars(sa.text(query)))


STATE = "select state from metrics.monitor_state"
ALERTS = (
    "select sum(days) from metrics.partition_alerts union all"
    " select sum(is_late) from metrics.freshness union all"
    " select sum(firing) from metrics.incident_alerts"
)


def test_a_monitor_that_is_no_longer_declared_is_retired_and_one_of_another_project_is_not(
    measured: sa.Engine,
) -> None:
    change(measured, "update metrics.partitions set state = 'missing'")
    # Live once, and silent since: without a declaration that would be late for ever.
    change(measured, "update metrics.partitions set computed_at = partition_date + 1")
    assert scalars(measured, STATE) == ["missing"]
    assert all(scalars(measured, ALERTS))
    before = scalars(measured, "select count(*) from metrics.partitions")

    assert retire_undeclared(measured, "another", ["theirs"]) == []
    assert retire_undeclared(measured, "", []) == []
    assert retire_undeclared(measured, "bank", ["loans", "other"]) == []
    assert scalars(measured, STATE) == ["missing"]
    assert retire_undeclared(measured, "bank", ["other"]) == ["loans"]
    assert retire_undeclared(measured, "bank", ["other"]) == []

    assert scalars(measured, STATE) == ["retired"]
    assert scalars(measured, ALERTS) == [0, 0, 0]
    assert scalars(measured, "select count(*) from metrics.partitions") == before
    assert scalars(measured, "select closed_on from metrics.incidents") == [dt.date(2026, 3, 3)]
    with measured.connect() as session:
        assert pending(session, dt.datetime.now(dt.timezone.utc)) == []
    # Those who were told of a loss that lasted are told that it is closed.
    change(measured, TOLD)
    with measured.connect() as session:
        (message,) = pending(session, dt.datetime.now(dt.timezone.utc))
    assert message.title == "[closed] loans: concept_drift"

    # Declared again, it goes on where it was.
    register(measured, declared())
    assert scalars(measured, STATE) == ["missing"]


def test_days_that_are_stale_because_the_yaml_changed_have_no_late_rows(
    measured: sa.Engine,
) -> None:
    late = "select partition_date from metrics.breaches where kind = 'late_data'"
    changed = declared(features={"income": {"kind": "categorical"}}, min_rows=20)
    assert mark_setting_changes(measured, changed)
    for reason in ("", "the reference or the configuration changed after it was computed"):
        if reason:
            change(measured, f"update metrics.partitions set drift_reason = '{reason}'")
        update_incidents(measured, declared(), [])
        assert len(states(measured)) == 8
        assert scalars(measured, late) == []
    rows = "3 rows came late, after the day was measured"
    change(
        measured,
        f"update metrics.partitions set drift_reason = '{rows}' where partition_date = '{FIRST}'",
    )
    update_incidents(measured, declared(), [])
    assert scalars(measured, late) == [FIRST]


def test_columns_that_change_make_the_measured_days_stale_and_say_so_in_one_line(
    measured: sa.Engine,
) -> None:
    assert mark_setting_changes(measured, declared()) is None
    features = {"income": {"kind": "categorical"}, "version": {"kind": "categorical"}}
    changed = declared(features=features, target=None)
    line = mark_setting_changes(measured, changed)
    assert line == (
        "loans: columns changed: added version; removed defaulted; retyped income now categorical."
        " The 8 days measured before are stale and keep their results until they are measured"
        " again, as `driftmeter run --monitor loans` does"
    )
    reason = "columns changed: added version; removed defaulted; retyped income now categorical"
    assert set(states(measured).values()) == {reason}
    assert len(states(measured)) == 8
    register(measured, changed)
    assert mark_setting_changes(measured, changed) is None


def test_another_cadence_says_in_one_line_what_becomes_of_the_batches(
    measured: sa.Engine,
) -> None:
    stay = "are stale and keep their results until they are measured again, as"
    weekly = declared(every="week", reference={"from": "2025-12-01", "to": "2026-02-22"})
    line = mark_setting_changes(measured, weekly)
    assert line == (
        f"loans: every changed: week, was day. The 8 days measured before {stay} `driftmeter run"
        " --monitor loans` does"
    )
    change(measured, "update metrics.partitions set drift_state = 'fresh'")
    change(measured, "update metrics.monitors set every = 'hour'")
    line = mark_setting_changes(measured, declared())
    assert line == (
        f"loans: every changed: day, was hour. The 8 hours measured before {stay} `driftmeter run"
        " --monitor loans` does. A day that is measured replaces its hours"
    )


@pytest.mark.parametrize(
    ("changes", "column", "types", "is_again"),
    [
        ({}, "income", ("integer", "numeric(12,2)"), True),
        ({}, "income", ("integer", "bigint"), False),
        ({}, "risk", ("numeric", "real"), True),
        # A label is spelled alike of every type.
        ({}, "defaulted", ("boolean", "text"), False),
        ({"task": "regression", "target": "id"}, "id", ("bigint", "double precision"), True),
        ({"model_version": "id"}, "id", ("bigint", "numeric(6,1)"), True),
        ({"segments": ["id"]}, "id", ("bigint", "numeric(6,1)"), True),
        ({"segments": ["id"]}, "version", ("text", "character varying(9)"), False),
        # Nobody compares it.
        ({}, "id", ("bigint", "text"), False),
    ],
)
def test_days_and_reference_are_measured_again_where_a_column_that_counts_is_retyped(
    measured: sa.Engine,
    changes: dict[str, object],
    column: str,
    types: tuple[str, str],
    is_again: bool,
) -> None:
    found = declared(**changes)
    change(measured, "alter table bank.loans add id bigint default 1")
    assert note_columns(measured, found, FIRST) == []
    # As dbt notes that it counted the reference.
    counted = "select metrics.note_inputs('loans', 'quality', '{2026-01-01}', '{x}', '{}')"
    change(measured, counted)
    alter = f"alter table bank.loans alter {column} type {types[1]} using {column}::{types[1]}"
    change(measured, alter)
    said = [retyped_in_words(noted) for noted in note_columns(measured, found, FIRST)]
    assert said == [f"{column} was {types[0]} and is {types[1]}"]
    with measured.connect() as session:
        assert is_reference_of_other_types(session, found) == is_again
    stale = states(measured)
    assert set(stale.values()) == ({f"columns changed: {said[0]}"} if is_again else set())
    assert len(stale) == (8 if is_again else 0)
    change(measured, counted)
    with measured.connect() as session:
        assert not is_reference_of_other_types(session, found)


def test_a_feature_that_is_added_is_measured_in_the_reference_and_in_days_that_are_run_again(
    project: Project,
) -> None:
    one = {name: {"kind": "numerical"} for name in FEATURES[:-1]}
    project.declare("odd_names", materialized="view", features=one)
    run(project, "--from", "2026-03-01", "--to", "2026-03-02")
    added = {**one, FEATURES[-1]: {"kind": "numerical"}, "segment_1": {"kind": "categorical"}}
    project.declare("odd_names", materialized="view", features=added)
    shown = run(project, "--from", "2026-03-02", "--to", "2026-03-02")
    assert f"columns changed: added {FEATURES[-1]}, segment_1. The 2 days measured" in shown
    assert "including the reference period" in shown
    query = (
        "select string_agg(distinct partition_date::text, ' ' order by partition_date::text)"
        f" from metrics.drift where column_name = '{FEATURES[-1]}' and method = 'day_level'"
        " and status = 'ok'"
    )
    assert project.scalar(query) == "2026-03-02"
    told = driftmeter(project, "status").stdout
    assert f"columns changed: added {FEATURES[-1]}" in told
    shown = run(project, "--stale")
    assert "columns changed" not in shown
    assert project.scalar(query) == "2026-03-01 2026-03-02"

    # From a day on, up to the newest day with rows.
    assert "2026-03-10 to 2026-03-11 in" in run(project, "--from", "2026-03-10")
    ended = driftmeter(project, "run", "--from", "2026-03-12")
    assert "no day from 2026-03-12 on that has ended has rows" in ended.stderr
    assert "the newest that has some is 2026-03-11. name an earlier day" in ended.stderr

    # A model that has lost its file is not one that was taken back.
    model = project.directory / "models" / "odd_names.sql"
    model.rename(model.with_suffix(".txt"))
    ended = driftmeter(project, "run")
    assert "odd_names is declared as a monitor and has no file" in ended.stderr
    assert "models/_models.yml" in ended.stderr
    assert "retired" not in ended.stdout
    model.with_suffix(".txt").rename(model)

    # No longer declared: the next run says so, and so does status from then on.
    (project.directory / "models" / "_models.yml").unlink()
    ended = driftmeter(project, "run")
    assert "odd_names is no longer declared and is retired" in ended.stdout
    assert "declares no monitor" in ended.stderr
    assert "it is no longer declared; its history stays" in driftmeter(project, "status").stdout
