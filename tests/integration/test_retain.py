"""`driftmeter retain`: whole months go, and what is still needed stays."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from dagster_driftmeter.cli.retained_tables import declared_ages, tables_of
from dagster_driftmeter.dbt.project_manifest import monitors
from driftmeter.arrival.changed_days import mark_changed, mark_days_stale
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.changed_settings import mark_setting_changes
from driftmeter.warehouse.retention import drop
from driftmeter.warehouse.retention.age import first_kept
from driftmeter.warehouse.retention.drop import (
    METRICS,
    Table,
    drop_months,
    old_months,
    stale_days_of,
)
from driftmeter.warehouse.retention.plan import Plan, make_plan
from tests.integration.conftest import Chain
from tests.integration.pipeline import DAILY_TABLES, rows_of
from tests.integration.test_arrival import monitor
from tests.integration.test_months import FILLED

MARCH, APRIL, MAY = (dt.date(2026, month, 1) for month in (3, 4, 5))
SCORES = Table("public.scores", "inference", ("loans",))
MORE = """
create table public.scores (id bigint, partition_date date);
insert into public.scores
select day, '2026-03-20'::date + day from generate_series(0, 29) as day;
insert into metrics.performance_history (monitor, partition_date, metric, kind, value, state)
select 'loans', '2026-03-20'::date + day, 'mae', 'realised', day, 'final'
from generate_series(0, 29) as day;
select metrics.make_months('metrics.' || split, '{2026-03-01, 2026-04-01}')
from unnest(array['column_summary', 'drift', 'performance', 'test_results']) as split;
"""


@pytest.fixture
def filled(warehouse: sa.Engine) -> sa.Engine:
    """Twelve days of March and eighteen of April, their metrics, and a team's own table."""
    with warehouse.begin() as session:
        session.exec_driver_sql((MORE + FILLED).replace("%", "%%"))
    return warehouse


def plan_of(engine: sa.Engine, before: dt.date, drop_reference: bool = False) -> Plan:
    tables = {"inference": [SCORES], "metrics": [Table(name, "metrics") for name in METRICS]}
    with engine.connect() as session:
        return make_plan(
            session,
            tables,  # type: ignore[arg-type]
            {"inference": before, "metrics": before},
            {"loans": monitor()},
            drop_reference,
        )


def days_of(engine: sa.Engine, table: str) -> tuple[int, dt.date | None]:
    """How many days a table has, and the first."""
    with engine.connect() as session:
        row = session.exec_driver_sql(
            f"select count(distinct partition_date), min(partition_date) from {table}"
        ).one()
    return row[0], row[1]


def change(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as session:
        session.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("age", "first"),
    [
        ("1d", "2026-04-01"),
        ("18d", "2026-04-01"),
        ("19d", "2026-03-01"),
        ("8w", "2026-02-01"),
        ("4m", "2025-12-01"),
        ("2y", "2024-04-01"),
    ],
)
def test_an_age_is_counted_back_to_the_first_of_its_month(age: str, first: str) -> None:
    found = first_kept(age, dt.date(2026, 4, 18), "--metrics")
    assert found == dt.date.fromisoformat(first)


@pytest.mark.parametrize("age", ["", "90", "0d", "1.5y", "3 years", "9999y", "-3d"])
def test_what_is_no_age_is_refused(age: str) -> None:
    with pytest.raises(DriftmeterError, match=r"--metrics: .* is not an age"):
        first_kept(age, dt.date(2026, 4, 18), "--metrics")


def test_old_months_go_from_every_table_split_or_not(filled: sa.Engine) -> None:
    plan = plan_of(filled, APRIL)
    assert {(month.table.name, month.first, month.rows) for month in plan.months} >= {
        ("metrics.drift", MARCH, 12),
        ("metrics.partitions", MARCH, 12),
        ("public.scores", MARCH, 12),
    }
    assert all(month.size > 0 for month in plan.months)
    drop_months(filled, plan.months)
    for table in ("public.scores", "metrics.drift", "metrics.partitions", "metrics.column_profile",
                  "metrics.performance_history"):  # fmt: skip
        assert days_of(filled, table) == (18, APRIL), table
    assert plan_of(filled, APRIL).months == ()


def test_days_without_rows_are_never_measured_again(filled: sa.Engine) -> None:
    with filled.connect() as session:
        scores = old_months(session, SCORES, APRIL, ())
    drop_months(filled, scores)
    with filled.begin() as session:
        days = [MARCH + dt.timedelta(days=number) for number in range(60)]
        marked = mark_days_stale(session, ["loans"], days, "late")
    assert marked == [day for day in days if APRIL <= day <= dt.date(2026, 4, 18)]
    line = mark_setting_changes(filled, monitor())
    assert line is None or "0 days" in line
    assert days_of(filled, "metrics.drift") == (30, dt.date(2026, 3, 20))


def test_days_that_wait_to_be_measured_again_are_named(filled: sa.Engine) -> None:
    change(
        filled,
        "update metrics.partitions set state = 'stale' where partition_date in"
        " ('2026-03-25', '2026-04-02')",
    )
    plan = plan_of(filled, APRIL)
    with filled.connect() as session:
        assert stale_days_of(session, plan.months) == [dt.date(2026, 3, 25)]


@pytest.mark.parametrize(
    "needed",
    [
        "update metrics.monitors set reference_from = '2026-02-01', reference_to = '2026-03-20'",
        "insert into metrics.baselines values"
        " ('loans', 'trailing', 'trailing', '2026-03-30', '2026-04-10', 1, 'x')",
        "insert into metrics.accepted_normals (monitor, column_name, from_date, in_force_on,"
        " incident_id, author) values ('loans', 'amount', '2026-03-31', '2026-04-02', 1, 'a')",
    ],
)
def test_months_of_a_reference_or_a_baseline_stay_until_told_otherwise(
    filled: sa.Engine, needed: str
) -> None:
    change(filled, needed)
    kept = plan_of(filled, MAY)
    assert {month.first for month in kept.months if month.table == SCORES} <= {APRIL}
    assert MARCH not in {month.first for month in kept.months}
    assert kept.kept
    told = plan_of(filled, APRIL, drop_reference=True)
    assert {month.first for month in told.months} == {MARCH}
    assert told.lost
    change(filled, "update metrics.monitors set retired_at = now()")
    declared_only = {span.why for span in plan_of(filled, MAY).kept}
    assert declared_only <= {"reference"}


def test_a_month_that_an_accepted_normal_grows_into_stays(filled: sa.Engine) -> None:
    change(
        filled,
        "insert into metrics.accepted_normals (monitor, column_name, from_date, in_force_on,"
        " incident_id, author) values ('loans', 'amount', '2026-03-20', '2026-03-22', 1, 'a')",
    )
    assert plan_of(filled, MAY).months == ()


def test_metrics_of_an_open_incident_stay_and_its_rows_may_go(filled: sa.Engine) -> None:
    change(
        filled,
        "insert into metrics.incidents (monitor, kind, severity, opened_on, last_seen_on,"
        " diagnosis) values ('loans', 'nulls', 'warn', '2026-03-30', '2026-03-31', 'd')",
    )
    plan = plan_of(filled, APRIL, drop_reference=True)
    assert {month.table.kind for month in plan.months} == {"inference"}
    change(filled, "update metrics.incidents set closed_on = '2026-04-02'")
    plan = plan_of(filled, APRIL, drop_reference=True)
    assert {month.table.kind for month in plan.months} == {"inference", "metrics"}
    drop_months(filled, plan.months)
    with filled.connect() as session:
        assert session.scalar(sa.text("select count(*) from metrics.incidents")) == 1


def test_the_calendar_loses_its_beginning_only(filled: sa.Engine) -> None:
    with filled.connect() as session:
        ledger = Table("metrics.partitions", "metrics")
        assert [m.first for m in old_months(session, ledger, MAY, [APRIL])] == [MARCH]
        assert old_months(session, ledger, MAY, [MARCH]) == []
        drift = Table("metrics.drift", "metrics")
        assert [m.first for m in old_months(session, drift, MAY, [MARCH])] == [APRIL]


def test_the_history_of_performance_is_shortened_by_nobody_else(filled: sa.Engine) -> None:
    with pytest.raises(sa.exc.DBAPIError, match="only added to"):
        change(filled, "delete from metrics.performance_history")
    drop_months(filled, plan_of(filled, APRIL).months)
    with pytest.raises(sa.exc.DBAPIError, match="only added to"):
        change(filled, "delete from metrics.performance_history")


def test_a_table_in_use_is_told_and_nothing_is_dropped(
    filled: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drop, "PATIENCE", "200ms")
    months = plan_of(filled, APRIL).months
    with filled.begin() as reader:
        reader.execute(sa.text("select count(*) from metrics.test_results")).all()
        with pytest.raises(DriftmeterError, match="a table is in use, and nothing was dropped"):
            drop_months(filled, months)
    assert plan_of(filled, APRIL).months == months
    drop_months(filled, months)


def test_a_table_without_days_and_a_view_are_refused_and_one_that_is_not_there_is_nothing(
    filled: sa.Engine,
) -> None:
    change(filled, "create view public.seen as select * from public.scores")
    with filled.connect() as session:
        for name, line in (
            ("metrics.monitors", "has no column"),
            ("public.seen", "is not a table"),
        ):
            with pytest.raises(DriftmeterError, match=f"{name}: {line}"):
                old_months(session, Table(name, "inference"), MAY, ())
        assert old_months(session, Table("public.gone", "inference"), MAY, ()) == []


def test_a_team_names_its_own_tables_and_may_declare_ages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dbt_project.yml"
    monkeypatch.setenv("DRIFTMETER_DBT_PROJECT", str(tmp_path))
    declared = {"loans": monitor()}
    with pytest.raises(DriftmeterError, match=r"the inference tables belong to your project"):
        tables_of("inference", declared, [])
    with pytest.raises(DriftmeterError, match="fills no raw tables"):
        tables_of("raw", declared, [])
    own = f"{monitor().schema_name}.loans"
    assert tables_of("inference", declared, [own]) == [Table(own, "inference", ("loans",))]
    assert declared_ages() == {}
    file.write_text("vars: {retain: {inference: 400d, metrics: 3y}}")
    assert declared_ages() == {"inference": "400d", "metrics": "3y"}
    file.write_text("vars: {retain: {metric: 3y}}")
    with pytest.raises(
        DriftmeterError, match=r"vars.retain: is not a mapping of kinds of tables to ages"
    ):
        declared_ages()


# The days of April are old from here, and those of the reference too.
LATER = ("--as-of", "2020-08-31")
AGES = ("--raw", "400d", "--features", "400d", "--inference", "400d", "--metrics", "3y")


def driftmeter(*arguments: str) -> str:
    """What a command prints; its error is raised."""
    from dagster_driftmeter.cli.app import app

    result = CliRunner().invoke(app, arguments)
    if result.exception is not None:
        raise result.exception
    return result.output


def tables(engine: sa.Engine, schemas: Sequence[str]) -> dict[str, str]:
    """Every table of some schemas but partitions: whether it is split."""
    query = sa.text(
        "select oid::regclass::text, relkind::text from pg_class"
        " where relkind in ('r', 'p') and not relispartition"
        " and relnamespace::regnamespace::text = any(:schemas)"
    )
    with engine.connect() as session:
        return dict(session.execute(query, {"schemas": list(schemas)}).tuples().all())


def test_every_table_with_a_row_a_trip_is_split_and_can_lose_months(chain: Chain) -> None:
    found = tables(chain.engine, ["raw", "features", "inference"])
    known = {
        table.name
        for kind in ("raw", "features", "inference")
        for table in tables_of(kind, monitors(), [])  # type: ignore[arg-type]
    }
    stays = {"raw.loads", "raw.source_files", "raw.alembic_version"}
    assert found.keys() == known | stays
    assert {name for name, kind in found.items() if kind == "r"} == stays | {"raw.labels_taken"}


def test_a_dry_run_says_what_goes_and_drops_nothing(chain: Chain) -> None:
    before = rows_of(chain.engine)
    shown = driftmeter("retain", *AGES, *LATER, "--dry-run")
    assert rows_of(chain.engine) == before
    assert "inference.trip_duration " in shown
    assert "kept: 2019-02-01 to 2019-03-31, reference of trip_duration, trip_tip" in shown
    assert "would drop" in shown


def test_what_is_old_goes_and_what_was_measured_of_it_stays(chain: Chain) -> None:
    before = rows_of(chain.engine)
    shown = driftmeter("retain", *AGES, *LATER)
    assert "whole partitions" in shown
    after = rows_of(chain.engine)
    for table in DAILY_TABLES:
        if table.startswith("metrics.") and table != "metrics.partitions":
            assert after[table] == before[table]
    for table in ("raw.trips", "features.trip_features", "inference.trip_duration"):
        with chain.engine.connect() as session:
            last = session.exec_driver_sql(f"select max(partition_date) from {table}").scalar()
        assert last == dt.date(2019, 3, 31)
    assert "no month is older than these ages" in driftmeter("retain", *AGES, *LATER)


def test_no_command_measures_a_day_again_whose_rows_are_gone(chain: Chain) -> None:
    before = rows_of(chain.engine)
    for declared in monitors().values():
        assert mark_changed(chain.engine, declared).changed == ()
    assert "no day is stale" in driftmeter("run", "--stale")
    assert "no day is new" in driftmeter("run")
    with pytest.raises(DriftmeterError, match="from 2019-04-02 to 2019-04-03 were dropped"):
        driftmeter("run", "--from", "2019-04-02", "--to", "2019-04-30")
    assert rows_of(chain.engine) == before
    assert "2019-04-03" in driftmeter("status", "--json")


def test_a_day_that_is_loaded_again_is_as_it_was(chain: Chain) -> None:
    metrics = ("metrics.column_summary", "metrics.drift")
    before = rows_of(chain.engine, "2019-04-01", metrics)
    chain.run("2019-04-01")
    assert rows_of(chain.engine, "2019-04-01", metrics) == before
    with chain.engine.connect() as session:
        dropped = session.execute(
            sa.text(
                "select distinct partition_date::text from metrics.partitions"
                " where rows_dropped_at is not null order by 1"
            )
        ).scalars()
        assert list(dropped) == ["2019-04-02", "2019-04-03"]
