"""Each step notes of which rows it measured a day, and a day is fresh once all of them agree."""

import datetime as dt

import pytest
import sqlalchemy as sa

from driftmeter.arrival.changed_days import mark_changed, stale_days
from driftmeter.arrival.contents import day_content
from driftmeter.arrival.inputs import (
    has_reference_tests,
    note_inputs,
    note_tests,
    steps_after,
    unfinished_days,
)
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.incidents.update import update_incidents
from driftmeter.monitors.config import Monitor, ReferenceDays
from driftmeter.monitors.days import every_day
from driftmeter.monitors.manifest import load_monitors
from driftmeter.performance.performance_day import load_background, measure_day
from tests.integration.test_any_columns import (
    FEATURES,
    QUALITY,
    SPAN,
    Project,
    built,
    built_once,
    project,
)
from tests.integration.test_doctor import MONITOR

__all__ = ["built", "built_once", "project"]

DAY = dt.date(2026, 3, 3)
HOUR = dt.timedelta(hours=1)
BEING_MEASURED = (
    "being measured: {} still to come; `driftmeter run` goes on with it if its run was ended"
)


def build(project: Project, **variables: str) -> Monitor:
    made = project.build(**(variables or SPAN))
    assert made.returncode == 0, made.stdout
    return declared(project)


def declared(project: Project) -> Monitor:
    return load_monitors(project.directory / "target" / "manifest.json")["odd_names"]


def state(project: Project, day: dt.date = DAY) -> tuple[str, str | None]:
    query = "select state, reason from metrics.partitions where partition_date = :day"
    with project.engine.connect() as session:
        return tuple(session.execute(sa.text(query), {"day": day}).one())


def drift(project: Project, monitor: Monitor, day: dt.date = DAY) -> None:
    reference = load_reference(project.engine, monitor)
    to_follow = steps_after(monitor, "drift")
    compute_partition(project.engine, monitor, day, reference, to_follow=to_follow)


def performance(project: Project, monitor: Monitor) -> None:
    background = load_background(project.engine, monitor)
    to_follow = steps_after(monitor, "performance")
    measure_day(project.engine, background, DAY, monitor.config_hash, to_follow)


def incidents(project: Project, monitor: Monitor) -> None:
    update_incidents(project.engine, monitor, [DAY], ends_run=True)


def notes(project: Project, day: dt.date = DAY) -> dict[str, str | None]:
    query = "select step, fingerprint from metrics.measured_inputs where partition_date = :day"
    with project.engine.connect() as session:
        return dict(session.execute(sa.text(query), {"day": day}).tuples().all())


def change_a_row(project: Project) -> None:
    with project.engine.begin() as session:
        changed = f'update team.scores set "{FEATURES[0]}" = 77 where "order" = \'row 61\''
        assert session.execute(sa.text(changed)).rowcount == 1


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_dbt_and_python_note_the_same_rows_alike(
    project: Project, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time is printed in the connection's zone, and is hashed as printed."""
    with project.engine.begin() as session:
        as_time = "\"order\" type timestamptz using timestamptz 'epoch' + random() * interval '9y'"
        session.execute(sa.text(f"alter table team.scores alter {as_time}"))
    monkeypatch.setenv("PGTZ", zone)
    monitor = build(project)
    monkeypatch.setenv("PGTZ", "America/New_York")
    with sa.create_engine(project.engine.url).connect() as session:
        assert session.scalar(sa.text("show timezone")) == "America/New_York"
        content = day_content(session, monitor, DAY)
    assert notes(project) == {"quality": content.fingerprint}


def test_a_day_is_fresh_once_its_last_step_is_done(built: Project) -> None:
    project, monitor = built, declared(built)
    for step, left in (
        (drift, "performance, incidents"),
        (performance, "incidents"),
    ):
        step(project, monitor)
        reason = BEING_MEASURED.format(left)
        assert state(project) == ("stale", reason)
        assert list(stale_days(project.engine, monitor.name)) == [DAY]
        # Its run may go on: the sensor waits.
        assert stale_days(project.engine, monitor.name, HOUR) == {}
    incidents(project, monitor)
    assert state(project) == ("fresh", None)
    assert stale_days(project.engine, monitor.name) == {}
    assert len(set(notes(project).values())) == 1
    assert set(notes(project)) == {"quality", "drift", "performance", "incidents"}


def test_a_run_that_ended_before_its_last_step_is_run_again_after_an_hour(
    built: Project,
) -> None:
    project, monitor = built, declared(built)
    drift(project, monitor)
    with project.engine.begin() as session:
        earlier = "update metrics.measured_inputs set measured_at = now() - interval '61 minutes'"
        session.execute(sa.text(earlier))
    assert list(stale_days(project.engine, monitor.name, HOUR)) == [DAY]


def test_quality_of_other_rows_makes_a_day_stale_until_the_rest_follows(built: Project) -> None:
    project, monitor = built, declared(built)
    for step in (drift, performance, incidents):
        step(project, monitor)
    # The same rows again change nothing.
    build(project, start_date="2026-03-03", end_date="2026-03-04")
    assert state(project) == ("fresh", None)
    change_a_row(project)
    build(project, start_date="2026-03-03", end_date="2026-03-04")
    reason = BEING_MEASURED.format("drift, performance, incidents")
    assert state(project) == ("stale", reason)
    for step in (drift, performance, incidents):
        assert state(project)[0] == "stale"
        step(project, monitor)
    assert state(project) == ("fresh", None)


def test_rows_that_change_between_two_steps_are_seen(built: Project) -> None:
    project, monitor = built, declared(built)
    drift(project, monitor)
    change_a_row(project)
    project.build("odd_names", start_date="2026-03-03", end_date="2026-03-04")
    performance(project, monitor)
    incidents(project, monitor)
    reason = BEING_MEASURED.format("performance")
    # Incidents are folded from what drift measured, so performance is what differs.
    assert state(project) == ("stale", reason)
    assert [change.day for change in mark_changed(project.engine, monitor).changed] == [DAY]
    assert state(project) == ("stale", "rows changed after the day was measured")


def test_a_day_without_rows_agrees_too(project: Project) -> None:
    with project.engine.begin() as session:
        session.execute(sa.text("delete from team.scores where day = '2026-03-03'"))
    monitor = build(project)
    for step in (drift, performance, incidents):
        step(project, monitor)
    assert state(project)[0] == "empty"
    assert len(set(notes(project).values())) == 1


def test_quality_models_by_themselves_note_too(built: Project) -> None:
    project = built
    with project.engine.begin() as session:
        session.execute(sa.text("delete from metrics.measured_inputs"))
    assert project.build(*QUALITY, **SPAN).returncode == 0
    assert set(notes(project)) == {"quality"}


def test_who_knows_of_one_state_only_is_understood(warehouse: sa.Engine) -> None:
    insert = (
        "insert into metrics.partitions (monitor, partition_date, state, row_count, fingerprint,"
        " config_hash, duration_seconds) values ('loans', :day, 'fresh', 3, 'aa', 'x', 1)"
    )
    mark = "update metrics.partitions set state = 'stale', reason = 'by hand'"
    query = "select state, reason, drift_state, drift_reason from metrics.partitions"
    with warehouse.begin() as session:
        session.execute(sa.text(insert), {"day": DAY})
        note_inputs(session, "loans", "performance", {DAY: "bb"})
        assert session.execute(sa.text(query)).one()[0] == "stale"
        note_inputs(session, "loans", "performance", {DAY: "aa"})
        assert session.execute(sa.text(query)).one() == ("fresh", None, "fresh", None)
        session.execute(sa.text(mark))
        assert session.execute(sa.text(query)).one() == ("stale", "by hand") * 2


def test_a_reference_is_done_once_tests_of_each_of_its_days_are_as_declared_now(
    warehouse: sa.Engine,
) -> None:
    reference = every_day(MONITOR.reference.from_date, MONITOR.reference.to_date)
    longer = ReferenceDays(**{"from": reference[0], "to": reference[-1] + dt.timedelta(days=1)})
    with warehouse.begin() as session:
        # As before runs noted it.
        assert has_reference_tests(session, MONITOR)
        note_tests(session, MONITOR, reference, is_done=False)
        assert not has_reference_tests(session, MONITOR)
        note_tests(session, MONITOR, reference[1:], is_done=True)
        assert not has_reference_tests(session, MONITOR)
        note_tests(session, MONITOR, reference, is_done=True)
        assert has_reference_tests(session, MONITOR)
        for change in ({"segments": ("income",)}, {"reference": longer}):
            assert not has_reference_tests(session, MONITOR.model_copy(update=change))
        note_inputs(session, MONITOR.name, "quality", {reference[3]: "of other rows"})
        assert not has_reference_tests(session, MONITOR)
        note_tests(session, MONITOR, reference, is_done=True)
        assert has_reference_tests(session, MONITOR)


def test_a_day_that_a_run_began_and_took_no_further_is_unfinished(warehouse: sa.Engine) -> None:
    insert = (
        "insert into metrics.partitions (monitor, partition_date, state, row_count, fingerprint,"
        " config_hash, duration_seconds) values ('loans', :day, :state, 3, 'aa', 'x', 1)"
    )
    state = sa.text("select state from metrics.partitions where partition_date = :day")
    with warehouse.begin() as session:
        for is_done in (False, True):
            first = MONITOR.reference.from_date
            others = [first, first - dt.timedelta(days=1)]
            note_tests(session, MONITOR, [DAY, *others], is_done=is_done)
            assert unfinished_days(session, MONITOR) == [DAY]
        session.execute(sa.text(insert), {"day": DAY, "state": "fresh"})
        assert unfinished_days(session, MONITOR) == []
        note_tests(session, MONITOR, [DAY], is_done=False)
        assert unfinished_days(session, MONITOR) == [DAY]
        note_inputs(session, MONITOR.name, "performance", {DAY: "aa"})
        # What was measured of the day is right: nothing of it waits.
        assert session.scalar(state, {"day": DAY}) == "fresh"
        session.execute(sa.text("update metrics.partitions set state = 'failed'"))
        assert unfinished_days(session, MONITOR) == []
