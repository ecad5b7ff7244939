"""An alarm policy that changes in YAML: stored days are judged again, and nothing is measured."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from driftmeter.warehouse import connection
from tests.conftest import create_database
from tests.integration.commands import driftmeter, run
from tests.integration.test_any_columns import LONG, Project

TABLE = f'''
    create schema team;
    create table team.scores (
        day date, "order" text, version text, "Gross Weight" double precision,
        "user's ""own""" integer, bins double precision, "{LONG}" double precision,
        segment_1 integer, predicted double precision, target double precision
    )
'''
# 160 rows a day in two segments. On some days one thing is off, plainly or by so little that the
# budget decides whether it is an alarm.
ROWS = """
    insert into team.scores
    with drawn as (
        select
            date '2026-01-01' + number % 73 as day,
            number,
            number % 2 as half,
            (hashtextextended(number::text, 1) & 1023) / 1023.0 as first,
            (hashtextextended(number::text, 2) & 1023) / 1023.0 as second,
            (hashtextextended(number::text, 3) & 1023) / 1023.0 as third,
            (hashtextextended(number::text, 4) & 1023) / 1023.0 as noise
        from generate_series(1, 11680) as number
    )
    select
        day,
        'row ' || number,
        'v1',
        power(first, case when day = '2026-03-02' then 0.72 else 1 end),
        (5 * second)::integer,
        third * case when day in ('2026-03-04', '2026-03-05') then 3 else 1 end,
        power(second, case when day = '2026-03-09' and half = 1 then 0.6 else 1 end),
        half,
        10 * first,
        10 * first + (noise - 0.5) * case when day = '2026-03-06' then 2.35 else 2 end
    from drawn
    where not (day = '2026-03-07' and number % 19 < 6)
"""
NEWEST = "2026-03-14"
DAYS = ("--from", "2026-03-01", "--to", NEWEST)
STRICT = {"alarm_budget": {"false_alarms_per_month": 0.005}}
LOOSE = {
    "alarm_budget": {"false_alarms_per_month": 1},
    "least_effect": {"shift": 0.06, "share": 0.02},
}
TABLES = (
    "drift", "performance", "breaches", "incidents", "partitions", "baselines", "monitors",
    "monitored_columns", "test_results", "alarms", "alarm_days", "monitor_state",
)  # fmt: skip
# Clocks, and numbers that tell in which order incidents were first written.
NOT_STATE = ("computed_at", "duration_seconds", "incident_id", "report_url", "report_state")
WITHOUT_PAGE = (
    "select kind from metrics.incidents where report_state not in ('drawn', 'too few rows')"
    " and family not in ('volume', 'missing_day', 'empty_day', 'late_data')"
)
Rows = dict[str, list[str]]


def fill(engine: sa.Engine, rows: str = ROWS) -> None:
    """Make the table of scores, with its rows."""
    with engine.begin() as session:
        for statement in (*TABLE.split(";"), rows):
            session.exec_driver_sql(statement.replace("%", "%%"))


def declare(project: Project, policy: dict[str, dict[str, float]]) -> None:
    project.declare("odd_names", materialized="view", segments=["segment_1"], **policy)


def stored(project: Project) -> Rows:
    """Every row of the metrics schema, but for its clocks."""
    keys = ", ".join(f"'{key}'" for key in NOT_STATE)
    rows = "select (to_jsonb(stored) - array[{keys}])::text from metrics.{table} as stored"
    with project.engine.connect() as session:
        return {
            table: sorted(session.scalars(sa.text(rows.format(keys=keys, table=table))))
            for table in TABLES
        }


def measurements(project: Project) -> list[str]:
    """What measuring a day again would change: its clocks, and its scores with theirs."""
    kept = {
        "partitions": "- array['policy_hash', 'breaches_of']",
        "performance": "- array['threshold_p', 'is_alarm', 'is_beyond', 'window_days',"
        " 'window_p_value']",
        "test_results": "",
        "drift": "- array['threshold', 'q_value', 'is_drifted']",
    }
    judged = "where to_jsonb(stored) ->> 'method' is distinct from 'day_level'"
    with project.engine.connect() as session:
        return sorted(
            row
            for table, but in kept.items()
            for row in session.scalars(
                sa.text(
                    f"select (to_jsonb(stored) {but})::text from metrics.{table} as stored {judged}"
                )
            )
        )


@dataclass(frozen=True)
class Story:
    """Two warehouses with the same rows: each measured by its policy, then given the other's."""

    strict: Rows
    loose: Rows
    loosened: Rows
    tightened: Rows
    measured: list[str]
    still_measured: list[str]
    status: str
    output: str
    again: str
    without_page: list[str]
    project: Project


@pytest.fixture(scope="module")
def story(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """The strict one is loosened by `driftmeter run`, the loose one tightened by `judge`."""
    projects = []
    for name in ("strict", "loose"):
        create_database(postgres, f"policy_{name}", template)
        engine = connection.engine(f"{postgres}/policy_{name}")
        fill(engine)
        projects.append(Project(tmp_path_factory.mktemp(name), engine))
    strict, loose = projects
    declare(strict, STRICT)
    declare(loose, LOOSE)
    run(strict, *DAYS)
    run(loose, *DAYS)
    as_strict, as_loose, measured = stored(strict), stored(loose), measurements(strict)
    declare(strict, LOOSE)
    declare(loose, STRICT)
    status = driftmeter(strict, "status").stdout
    output = run(strict)
    judged = driftmeter(loose, "judge", "--monitor", "odd_names", "--apply")
    assert judged.returncode == 0, judged.stderr
    loosened, tightened, still_measured = stored(strict), stored(loose), measurements(strict)
    again = run(strict)
    with strict.engine.connect() as session:
        without_page = list(session.scalars(sa.text(WITHOUT_PAGE)))
    # Of a day that is run, the configuration is held against that of all others.
    run(strict, "--from", NEWEST, "--to", NEWEST)
    yield Story(
        strict=as_strict,
        loose=as_loose,
        loosened=loosened,
        tightened=tightened,
        measured=measured,
        still_measured=still_measured,
        status=status,
        output=output,
        again=again,
        without_page=without_page,
        project=strict,
    )
    for project in projects:
        project.engine.dispose()


def test_a_run_without_new_days_draws_the_pages_that_incidents_lack(story: Story) -> None:
    assert "no day is new" in story.output
    assert story.without_page == []


def test_the_policies_do_not_alarm_on_the_same(story: Story) -> None:
    def alarms(rows: Rows) -> set[tuple[object, ...]]:
        parts = ("budget", "partition_date", "column_name", "segment_value")
        return {tuple(json.loads(row)[name] for name in parts) for row in rows["alarms"]}

    strict, loose = alarms(story.strict), alarms(story.loose)
    assert strict < loose
    assert {budget for budget, *_ in loose - strict} >= {"columns", "segments", "error", "volume"}
    for table in ("drift", "performance", "breaches", "incidents"):
        assert story.strict[table] != story.loose[table]


@pytest.mark.parametrize("table", TABLES)
def test_days_judged_again_are_as_if_they_had_been_measured_under_the_policy(
    story: Story, table: str
) -> None:
    assert story.loosened[table] == story.loose[table]
    assert story.tightened[table] == story.strict[table]


def test_no_day_is_stale_and_nothing_is_measured_again(story: Story) -> None:
    assert story.still_measured == story.measured
    states = "select string_agg(distinct state, ' ') from metrics.partitions"
    assert story.project.scalar(states) == "fresh"


def test_one_line_says_so_and_says_it_once(story: Story) -> None:
    assert "14 days were judged by the old policy: `driftmeter run`" in " ".join(
        story.status.replace("│", " ").split()
    )
    assert story.output.count("odd_names: policy changed: 14 days judged again") == 1
    assert "none measured again" in story.output
    assert "no day is new, and no day changed" in story.output
    assert "policy changed" not in story.again
    assert "policy changed" not in driftmeter(story.project, "status").stdout


def test_what_is_only_tried_is_not_kept(story: Story) -> None:
    tried = "alarm_budget.false_alarms_per_month=2"
    asked = ("judge", "--monitor", "odd_names", "--set", tried)
    kept = driftmeter(story.project, *asked, "--apply")
    assert kept.returncode == 1
    assert "leave out --from, --to and --set" in kept.stderr
    shown = driftmeter(story.project, *asked, *DAYS)
    assert "2 false alarms a month" in shown.stdout
    assert stored(story.project) == story.loosened


def test_days_that_another_version_judged_are_offered_to_be_judged_again(story: Story) -> None:
    """One that never saw a drift; upgraded, nothing is judged again before somebody asks for it."""
    project = story.project
    with project.engine.begin() as session:
        days = session.scalar(
            sa.text(
                "with others as (update metrics.drift set is_drifted = false where is_drifted"
                " and method = 'day_level' returning partition_date),"
                " versions as (update metrics.partitions set judging_version = 2)"
                " select count(distinct partition_date) from others"
            )
        )
    offer = "14 days were judged by another version of Driftmeter, whose verdicts can differ"
    before = stored(project)
    assert run(project).count(f"odd_names: {offer}") == 1
    assert stored(project) == before
    status = driftmeter(project, "status").stdout
    assert offer in " ".join(status.replace("│", " ").split())
    shown = driftmeter(project, "judge", "--monitor", "odd_names", *DAYS).stdout
    counts = re.search(r"(\d+) have a stored alarm, (\d+) have one as judged now", shown)
    assert counts
    assert 0 < days <= int(counts[2])
    assert int(counts[1]) < int(counts[2])
    judged = driftmeter(project, "judge", "--monitor", "odd_names", "--apply")
    assert judged.returncode == 0, judged.stderr
    assert stored(project) == story.loosened
    assert offer not in run(project)
    assert "another version" not in driftmeter(project, "status").stdout


def test_days_from_before_versions_were_on_record_are_offered_to_be_judged_again(
    story: Story,
) -> None:
    """They were judged by version 3, and version 4 does not judge labels that are not due."""
    with story.project.engine.begin() as session:
        session.execute(sa.text("update metrics.partitions set judging_version = null"))
    assert "another version" in driftmeter(story.project, "status").stdout
