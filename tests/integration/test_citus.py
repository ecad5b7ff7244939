"""The warehouse on a Citus: the same metrics as on plain Postgres, and rows stay where they are.

Needs a coordinator with workers: `DRIFTMETER_CITUS_URL=postgresql://postgres:...@host:port/db`, as
docs/citus.md makes one. The tests make a database of their own on all of its machines.
"""

import datetime as dt
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from psycopg import sql

from driftmeter.arrival import contents, inference_rows
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.manifest import load_monitors
from driftmeter.performance import daily_error, steps
from driftmeter.performance import realised as realised_module
from driftmeter.performance import version_comparison as versions
from driftmeter.performance.performance_day import load_background, measure_day
from driftmeter.performance.realised import realised
from driftmeter.warehouse import connection, migrate
from tests.conftest import create_database
from tests.integration.citus import citus_database, plans_of_workers
from tests.integration.test_any_columns import LONG, ROWS, Project

CITUS = os.environ.get("DRIFTMETER_CITUS_URL", "")
pytestmark = pytest.mark.skipif(
    not CITUS, reason="DRIFTMETER_CITUS_URL names no Citus: docs/citus.md says how to make one"
)
DAYS = {"start_date": "2026-01-01", "end_date": "2026-03-12"}
DAY = dt.date(2026, 3, 5)
A_DAY = {"start_date": str(DAY), "end_date": str(DAY + dt.timedelta(days=1))}
# A day of 35,000 more rows, three of them twice: several MiB that must not be gathered.
LARGE_DAY = f'''
    insert into team.scores
    select
        date '{DAY}', "order" || ' ' || copy, version, "Gross Weight", "user's ""own""", bins,
        "{LONG}", segment_1, predicted, target
    from team.scores
    cross join generate_series(1, 5) as copy
    union all
    (select * from team.scores where day = '{DAY}' order by "order" limit 3)
'''
TABLE = "public_scoring.odd_names"
# The keys of each table, and then what is compared.
TABLES = {
    TABLE: "*",
    "metrics.reference_bins": "*",
    "metrics.column_summary": "*",
    "metrics.column_profile": "*",
    "metrics.column_histogram": "*",
    "metrics.drift": "*",
    "metrics.performance": "*",
    "metrics.partitions": "monitor, partition_date, state, row_count, labelled_count, fingerprint",
}


@pytest.fixture(scope="module")
def plain(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Metrics on plain Postgres; all days go by steps, as those of a distributed table do."""
    create_database(postgres, "beside_citus", template)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "MOST_ROWS", 0)
        patch.setattr(steps, "MOST_REFERENCE_ROWS", 0)
        yield from measured(f"{postgres}/beside_citus", tmp_path_factory, {"exact_rows": 0})


@pytest.fixture(scope="module")
def citus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The same on a Citus, the source and the inference table distributed by the id."""
    with citus_database(CITUS) as url:
        yield from measured(url, tmp_path_factory, {"distributed": True})


def measured(
    url: str, places: pytest.TempPathFactory, variables: dict[str, object]
) -> Iterator[Project]:
    engine = connection.engine(url)
    migrate.upgrade(engine)
    with engine.begin() as session:
        session.exec_driver_sql(ROWS.replace("{long}", LONG).replace("%", "%%"))
        session.exec_driver_sql(LARGE_DAY)
        if "distributed" in variables:
            session.exec_driver_sql("select create_distributed_table('team.scores', 'order')")
    project = Project(places.mktemp("scores"), engine)
    project.declare("odd_names")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_DBT_PROJECT", str(project.directory))
        set_variables(project, variables)
        # All days into a new table, then one of them in the place of itself.
        for built in (
            project.build("odd_names", "reference_bins", **DAYS),
            project.build(**A_DAY),
        ):
            assert built.returncode == 0, built.stdout
        measure(project)
    yield project
    engine.dispose()


def set_variables(project: Project, variables: dict[str, object]) -> None:
    file = project.directory / "dbt_project.yml"
    content = yaml.safe_load(file.read_text())
    # Cuts of bins come of a sample of the reference, whose 5,900 rows are too many to gather here.
    content["vars"] |= {"bin_rows": 1000, **variables}
    content["models"]["scores"]["+meta"] = {"distribute_by": "order"}
    file.write_text(yaml.safe_dump(content))


def monitor_of(project: Project) -> Monitor:
    return load_monitors(project.directory / "target" / "manifest.json")["odd_names"]


def measure(project: Project) -> None:
    """Drift and performance of the day, as the chain computes them."""
    monitor = monitor_of(project)
    reference = load_reference(project.engine, monitor)
    assert compute_partition(project.engine, monitor, DAY, reference).state == "fresh"
    background = load_background(project.engine, monitor)
    assert measure_day(project.engine, background, DAY, monitor.config_hash)


@pytest.mark.parametrize("table", TABLES)
def test_every_row_is_what_plain_postgres_says(citus: Project, plain: Project, table: str) -> None:
    rows, others = (rows_of(project, table) for project in (citus, plain))
    assert rows
    assert [names for names, _ in rows] == [names for names, _ in others]
    for (names, numbers), (_, expected) in zip(rows, others, strict=True):
        # Averages of floats that Postgres adds up in the order of the rows.
        relative = 1e-12 if table == "metrics.performance" else 0
        assert numbers == pytest.approx(expected, rel=relative, abs=0, nan_ok=True), names


def rows_of(project: Project, table: str) -> list[tuple[str, dict[str, float]]]:
    """What of each row is no float, as one text, and its floats."""
    with project.engine.connect() as session:
        found = session.execute(sa.text(f"select {TABLES[table]} from {table}")).mappings().all()
    rows = []
    for row in found:
        values = {name: value for name, value in row.items() if name != "computed_at"}
        floats = {name: value for name, value in values.items() if isinstance(value, float)}
        rows.append((str({name: values[name] for name in values if name not in floats}), floats))
    return sorted(rows, key=lambda row: (row[0], sorted(row[1].items())))


def test_what_grows_is_on_all_machines_and_what_does_not_is_not(citus: Project) -> None:
    distributed = citus.scalar(
        "select string_agg(logicalrelid::text, ',' order by logicalrelid::text)"
        " from pg_dist_partition"
    )
    assert distributed == f"{TABLE},team.scores"
    assert citus.scalar("select count(distinct nodename || nodeport) from pg_dist_shard_placement")
    together = "select count(distinct colocation_id) from citus_tables"
    assert citus.scalar(together) == 1


def compiled(project: Project, model: str) -> str:
    (file,) = (project.directory / "target" / "compiled").rglob(f"{model}.sql")
    return file.read_text()


@pytest.mark.parametrize(
    ("model", "scans"),
    # A column of numbers or of categories is a scan, the strata one, and so are ids that came
    # twice and their rows; of the reference, whose every column is a number, the columns alone.
    [("column_summary", 6 + 1 + 2), ("reference_bins", 6)],
)
def test_what_dbt_counts_is_counted_where_the_rows_are(
    citus: Project, model: str, scans: int
) -> None:
    assert citus.build("reference_bins", **DAYS).returncode == 0
    assert citus.build("column_summary", **A_DAY).returncode == 0
    with citus.engine.connect() as session:
        plans = plans_of_workers(session, compiled(citus, model), "odd_names")
    assert {plan["Node Type"] for plan in plans} == {"Aggregate"}
    assert len(plans) == scans


def test_new_rows_are_inserted_and_old_ones_deleted_where_they_are(citus: Project) -> None:
    rows = compiled(citus, "odd_names")
    with citus.engine.connect() as session:
        session.exec_driver_sql(f"create temporary view new_rows as {rows}")
        for statement in (
            f"insert into {TABLE} select * from new_rows",
            f"delete from {TABLE} where partition_date = '{DAY}'",
        ):
            plans = plans_of_workers(session, statement, "scores")
            plans += plans_of_workers(session, statement, "odd_names")
            assert {plan["Node Type"] for plan in plans} == {"ModifyTable"}


def statements(project: Project, patch: pytest.MonkeyPatch) -> dict[str, str]:
    """What Python asks of the inference table, by where it is asked, while it really asks it."""
    asked: dict[str, str] = {}

    def record(module: Any) -> None:
        ask = module.copy_out

        def copy_out(session: sa.Connection, query: sql.Composable, *types: Any) -> Any:
            name = module.__name__.rsplit(".", 1)[1]
            asked[f"{name} {len(asked)}"] = query.as_string(session.connection.driver_connection)
            return ask(session, query, *types)

        patch.setattr(module, "copy_out", copy_out)

    for module in (inference_rows, daily_error, realised_module, versions):
        record(module)
    monitor = monitor_of(project)
    with project.engine.connect() as session:
        realised(session, monitor, [DAY])
        daily_error.usual_errors(session, monitor)
    return asked


def test_what_python_counts_is_counted_where_the_rows_are(
    citus: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = statements(citus, monkeypatch)
    # The rows of a day or of the reference are counted first, to know whether they are many.
    assert [name.split()[0] for name in asked] == [
        *["inference_rows", "realised"],
        *["inference_rows", "daily_error", "daily_error"],
    ]
    with citus.engine.connect() as session:
        for name, statement in asked.items():
            plans = plans_of_workers(session, statement, "odd_names")
            assert {plan["Node Type"] for plan in plans} == {"Aggregate"}, name


def test_what_a_function_counts_is_counted_where_the_rows_are(citus: Project) -> None:
    """A function has no plan that shows its statement: the workers are asked what they are told."""
    asked: list[str] = []
    with citus.engine.connect() as session:
        session.exec_driver_sql("set citus.log_remote_commands = on")
        driver = session.connection.driver_connection
        assert driver
        driver.add_notice_handler(lambda notice: asked.append(str(notice.message_primary)))
        assert contents.day_contents(session, monitor_of(citus), DAY, DAY)
    of_rows = [statement for statement in asked if "odd_names_" in statement]
    assert len(of_rows) == 4
    for statement in of_rows:
        assert re.search(r"count\(\*\) .* group by ", statement.lower()), statement


def test_a_sample_of_a_day_is_all_that_leaves_the_machines(citus: Project) -> None:
    monitor = monitor_of(citus)
    with citus.engine.connect() as session:
        rows = inference_rows.read_rows(session, monitor, [DAY], most_rows=20)
        every = inference_rows.count_rows(session, monitor, [DAY])
    assert 0 < len(rows) < every


def test_a_pull_of_rows_is_an_error_here(citus: Project, tmp_path: Path) -> None:
    """The limit that all of the above kept to does refuse what brings rows to the coordinator."""
    pull = "with rows as materialized (select * from team.scores) select count(*) from rows"
    with citus.engine.connect() as session, pytest.raises(sa.exc.DBAPIError, match="size exceeds"):
        session.exec_driver_sql(pull)
