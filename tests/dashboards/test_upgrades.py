"""A warehouse of any earlier version, filled: nothing of it is lost, and every panel answers."""

import io
import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import command

from driftmeter.dashboards.preview.frames import Scope
from driftmeter.warehouse import connection, migrate
from tests.conftest import create_database
from tests.dashboards.answers import Answer
from tests.dashboards.grafana_files import queries

EVERY_QUERY = dict(queries())
Answers = dict[str, list[tuple[object, ...]]]
REVISIONS = [f"{number:04}" for number in range(1, 21)]
# Panels and rules by the version that first kept all that they show; variables since 0002.
SINCE = {
    "0002": (
        "overview: Is it fine?",
        "rule driftmeter-no-new-day",
    ),
    "0004": (
        "overview: What is open, whose is it, and what next?",
        "tests-and-incidents: What happened?",
        "tests-and-incidents: What was wrong on which day?",
        "tests-and-incidents: Which drift matters to the model?",
        "tests-and-incidents: What was done, and by whom?",
        "tests-and-incidents: What failed last?",
        "rule driftmeter-open-incident",
        "rule driftmeter-partitions-not-fresh",
    ),
    "0005": ("performance: How far can estimates be trusted?",),
    "0006": ("performance: Is the challenger better?",),
    "0007": ("pipeline: How many rows came, and how many have a label?",),
    "0009": (
        "performance: Is the error an alarm?",
        # A day whose labels are not due may have an alarm of its error alone.
        "overview: Are there more alarms than chance makes?",
        "overview: Which monitor needs me?",
    ),
}
COLUMNS = """
    select relname, attname from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'metrics'::regnamespace and relkind in ('r', 'p') and not relispartition
    and relname <> 'alembic_version' and attnum > 0 and not attisdropped order by 1, attnum
"""
# What dbt made before one table held both; views of it are in their place.
LONG = ("column_profile", "column_histogram")
LONG_SINCE = "0015"
# dbt makes it whatever the version.
BINS = "reference_bins"


# Rows that an earlier version did not know.
NEWER = {"measured_inputs": "where step <> 'tests'"}


def columns(session: sa.Connection) -> dict[str, list[str]]:
    by_table: dict[str, list[str]] = {}
    for table, column in session.execute(sa.text(COLUMNS)):
        by_table.setdefault(table, []).append(column)
    return by_table


def copied(demo: sa.Connection, earlier: sa.Connection, table: str, names: list[str]) -> None:
    """Copy columns of a table from the demo's warehouse."""
    listed = ", ".join(f'"{name}"' for name in names)
    source, target = demo.connection.cursor(), earlier.connection.cursor()
    held = io.BytesIO()
    with source.copy(
        f"copy (select {listed} from metrics.{table} {NEWER.get(table, '')}) to stdout"
    ) as blocks:
        for block in blocks:
            held.write(block)
    with target.copy(f"copy metrics.{table} ({listed}) from stdin") as rows:
        rows.write(held.getvalue())


def fill(demo: sa.Connection, earlier: sa.Connection, revision: str) -> dict[str, list[str]]:
    """Fill an earlier version's tables with the demo's rows; gives the columns of each."""
    config = migrate.metrics_migrations().config()
    config.attributes["connection"] = earlier
    earlier.exec_driver_sql("create schema metrics")
    command.upgrade(config, revision)
    dbts = [BINS, *(LONG if revision < LONG_SINCE else ())]
    for table in dbts:
        kinds = demo.execute(
            sa.text(
                "select string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod),"
                f" ', ') from pg_attribute where attrelid = 'metrics.{table}'::regclass"
                " and attnum > 0 and not attisdropped"
            )
        ).scalar()
        earlier.exec_driver_sql(f"create table metrics.{table} ({kinds})")
    now = {**columns(demo), **{table: columns(earlier).get(table, []) for table in LONG}}
    kept = {
        table: [name for name in names if name in now[table]]
        for table, names in columns(earlier).items()
        if table in now
    }
    for table, names in sorted(kept.items(), key=lambda item: item[0] != "monitors"):
        days = "partition_date" in names and table not in LONG
        if revision >= "0016" and days:
            listed = demo.scalar(
                sa.text(f"select array_agg(distinct partition_date) from metrics.{table}")
            )
            earlier.execute(
                sa.text(f"select metrics.make_months('metrics.{table}', cast(:days as date[]))"),
                {"days": listed},
            )
        copied(demo, earlier, table, names)
    return kept


def contents(session: sa.Connection, kept: dict[str, list[str]]) -> dict[str, list[str]]:
    return {
        table: sorted(
            session.scalars(
                sa.text(
                    f"select row({', '.join(f'{name}' for name in names)})::text"
                    f" from metrics.{table} {NEWER.get(table, '')}"
                )
            )
        )
        for table, names in kept.items()
    }


def answers(engine: sa.Engine, scope: Scope) -> Answers:
    return {where: Answer(engine, sql, scope).rows for where, sql in EVERY_QUERY.items()}


def is_same(ours: list[tuple[object, ...]], theirs: list[tuple[object, ...]]) -> bool:
    """Whether two answers are equal, numbers to 1e-9: a mean's last digit is its rows' order's."""
    return len(ours) == len(theirs) and all(
        value == other
        if not isinstance(value, float) or other is None
        else value == pytest.approx(other, rel=1e-9, nan_ok=True)
        for row, other_row in zip(ours, theirs, strict=True)
        for value, other in zip(row, other_row, strict=True)
    )


_kept: dict[str, Answers] = {}


@pytest.fixture
def answers_of_demo(demo: sa.Engine, scope: Scope) -> Answers:
    """Asked once: no test of this file changes the demo."""
    if not _kept:
        _kept["demo"] = answers(demo, scope)
    return _kept["demo"]


@pytest.fixture(params=REVISIONS)
def upgraded(
    request: pytest.FixtureRequest, demo: sa.Engine, postgres: str
) -> Iterator[tuple[str, sa.Engine, dict[str, list[str]]]]:
    """The demo as an earlier version would have kept it, after an upgrade."""
    name = f"upgrade_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, "template0")
    engine = connection.engine(f"{postgres}/{name}")
    with demo.connect() as source, engine.begin() as session:
        kept = fill(source, session, request.param)
    migrate.upgrade(engine)
    yield request.param, engine, kept
    engine.dispose()


def test_no_row_is_lost_and_panels_answer_as_before(
    upgraded: tuple[str, sa.Engine, dict[str, list[str]]],
    demo: sa.Engine,
    scope: Scope,
    answers_of_demo: Answers,
) -> None:
    revision, engine, kept = upgraded
    with demo.connect() as source, engine.connect() as session:
        before, after = contents(source, kept), contents(session, kept)
    for table in kept:
        assert after[table] == before[table], table
    assert after["partitions"]
    theirs, ours = answers_of_demo, answers(engine, scope)
    emptier = {where for since, names in SINCE.items() if revision < since for where in names}
    if revision < "0002":
        emptier |= {where for where in theirs if ": variable " in where}
    assert {where for where in theirs if not is_same(ours[where], theirs[where])} <= emptier
