"""Checks judge the days of their run; a lost connection is tried again, another error is not."""

import datetime as dt

import dagster as dg
import pytest
import sqlalchemy as sa

from dagster_driftmeter.assets.partitions import DAILY
from dagster_driftmeter.automation.checks import drift_check
from dagster_driftmeter.monitoring import monitoring_definitions
from dagster_driftmeter.runs.resources import Warehouse
from dagster_driftmeter.runs.retries import MOST_RETRIES, retried_when_disconnected
from dagster_driftmeter.runs.run_scope import DAY_TAG, range_tags
from tests.integration.pipeline import days
from tests.integration.test_arrival import change, monitor

DAYS = """
insert into metrics.partitions
    (monitor, partition_date, state, row_count, config_hash, duration_seconds)
values
    ('loans', '2026-03-01', 'fresh', 10, 'x', 1), ('loans', '2026-03-02', 'fresh', 10, 'x', 1),
    ('loans', '2026-03-03', 'empty', 0, 'x', 1), ('loans', '2026-03-04', 'fresh', 10, 'x', 1),
    ('other', '2026-03-05', 'failed', 0, 'x', 1);
select metrics.make_months('metrics.drift', '{2026-03-01}');
insert into metrics.drift
    (monitor, partition_date, column_name, baseline, method, score, threshold, is_drifted,
    n_reference, n_current, status, engine, segment, segment_value)
select 'loans', day, name, 'reference', 'day_level', score, 2, score > 2, 1, 1, 'ok', 'e',
    case when plan is not null then 'plan' end, plan
from (
    values
    ('2026-03-01'::date, 'income', 1, null), ('2026-03-02', 'income', 5, null),
    ('2026-03-02', 'risk', 9, null), ('2026-03-02', 'income', 4, 'a'),
    ('2026-03-02', null, 3, null), ('2026-03-04', 'income', 1, null)
) as scores (day, name, score, plan)
"""


SECOND = "2026-03-02 risk, income, income where plan = a, all columns together"


@pytest.fixture
def judged(warehouse: sa.Engine, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> sa.Engine:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    change(warehouse, DAYS)
    return warehouse


def check(tags: dict[str, str]) -> tuple[bool, dict[str, object]]:
    """What the check says in a run with these tags."""

    @dg.asset(key=["drift", "loans"], partitions_def=DAILY, backfill_policy=dg.BackfillPolicy())
    def drift() -> None: ...

    result = dg.materialize(
        [drift, drift_check(monitor())],
        selection=dg.AssetSelection.checks_for_assets(["drift", "loans"]),
        resources={"warehouse": Warehouse()},
        tags=tags,
    )
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.severity == dg.AssetCheckSeverity.WARN
    return evaluation.passed, {key: value.value for key, value in evaluation.metadata.items()}


@pytest.mark.parametrize(
    ("tags", "passed", "metadata"),
    [
        (
            {DAY_TAG: "2026-03-01"},
            True,
            {"days": 1, "not fresh": "none", "drifted columns": "none"},
        ),
        (
            {DAY_TAG: "2026-03-02"},
            False,
            {"days": 1, "not fresh": "none", "drifted columns": SECOND},
        ),
        (
            range_tags(days("2026-03-01", "2026-03-03")),
            False,
            {
                "days": 3,
                "not fresh": "2026-03-03 empty",
                "drifted columns": SECOND,
            },
        ),
        # By itself: the newest day.
        ({}, True, {"days": 1, "not fresh": "none", "drifted columns": "none"}),
        (
            {DAY_TAG: "2025-01-01"},
            False,
            {"days": 0, "not fresh": "none", "drifted columns": "none"},
        ),
    ],
)
def test_a_check_judges_the_days_of_its_run_and_not_the_newest(
    judged: sa.Engine, tags: dict[str, str], passed: bool, metadata: dict[str, object]
) -> None:
    assert check(tags) == (passed, metadata)


def test_a_connection_that_is_ended_under_a_step_is_tried_again(warehouse: sa.Engine) -> None:
    tries = []

    @dg.op
    @retried_when_disconnected(wait_seconds=0)
    def step(context: dg.OpExecutionContext) -> None:
        tries.append(context.retry_number)
        with warehouse.connect() as session:
            if len(tries) == 1:
                end = "select pg_terminate_backend(pg_backend_pid())"
                session.execute(sa.text(end))
            session.execute(sa.text("select 1"))

    @dg.job
    def one_step() -> None:
        step()

    assert one_step.execute_in_process().success
    assert tries == [0, 1]


def test_a_warehouse_that_stays_away_fails_the_step_at_last_and_a_wrong_query_at_once() -> None:
    tries = {"away": 0, "wrong": 0}
    away = sa.create_engine("postgresql+psycopg://a:b@127.0.0.1:9/none")

    @dg.op
    @retried_when_disconnected(wait_seconds=0)
    def nobody_there() -> None:
        tries["away"] += 1
        away.connect()

    @dg.op
    @retried_when_disconnected(wait_seconds=0)
    def wrong() -> None:
        tries["wrong"] += 1
        raise ValueError("a column is missing")

    @dg.job
    def steps() -> None:
        nobody_there()
        wrong()

    assert not steps.execute_in_process(raise_on_error=False).success
    assert tries == {"away": 1 + MOST_RETRIES, "wrong": 1}


def test_what_is_computed_of_a_monitor_is_late_after_noon_in_its_zone() -> None:
    from dagster_driftmeter.dbt.project_manifest import manifest_path

    graph = monitoring_definitions(manifest_path()).resolve_asset_graph()
    for step in ("drift", "performance", "incidents"):
        policy = graph.get(dg.AssetKey([step, "trip_duration"])).freshness_policy
        assert isinstance(policy, dg.FreshnessPolicy)
        expected = dg.FreshnessPolicy.cron("0 12 * * *", dt.timedelta(hours=12), "America/New_York")
        assert policy == expected


def test_more_rows_than_a_file_holds_fail_the_check_of_the_loads(
    warehouse: sa.Engine, warehouse_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster_taxi.trip_checks import loads_balance
    from taxi.load_trips import load_day
    from taxi.sources.simulated import SimulatedSource

    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    for number in (1, 2):
        load_day(warehouse, SimulatedSource(trips_per_day=50), dt.date(2019, 4, number))
    assert loads_balance(Warehouse()).passed
    change(
        warehouse,
        "update raw.source_files set row_count = row_count - 1 where source_file like '%-02'",
    )
    result = loads_balance(Warehouse())
    assert not result.passed
    (file,) = result.metadata["files"].value
    assert file["source_file"] == "simulated_2019-04-02"
    assert file["loaded"] + file["rejected"] - file["rows_in_file"] == 1
