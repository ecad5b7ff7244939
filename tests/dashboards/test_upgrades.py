"""The demo's warehouse in the hands of a later version: no row is lost, and every panel answers."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from driftmeter.dashboards.preview.frames import Scope
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.dumps import backup, restore
from tests.conftest import create_database
from tests.dashboards.answers import Answer
from tests.dashboards.grafana_files import queries
from tests.next_migration import with_next

COLUMNS = """
    select relname, string_agg(quote_ident(attname), ', ' order by attnum)
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'metrics'::regnamespace and relkind in ('r', 'p') and not relispartition
    and relname <> 'alembic_version' and attnum > 0 and not attisdropped group by 1
"""


@pytest.fixture
def copy(demo: sa.Engine, postgres: str, tmp_path: Path) -> Iterator[sa.Engine]:
    """The demo's metrics in a database of their own."""
    name = f"upgrade_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, "template0")
    engine = connection.engine(f"{postgres}/{name}")
    backup(demo, tmp_path / "demo.dump")
    restore(engine, tmp_path / "demo.dump")
    yield engine
    engine.dispose()


def contents(engine: sa.Engine, columns: dict[str, str]) -> dict[str, list[str]]:
    """Rows of each table, as text, of the columns that are named."""
    with engine.connect() as session:
        return {
            table: sorted(
                session.scalars(sa.text(f"select row({listed})::text from metrics.{table}"))
            )
            for table, listed in columns.items()
        }


def is_same(ours: list[tuple[object, ...]], theirs: list[tuple[object, ...]]) -> bool:
    """Whether two answers are equal, numbers to 1e-9: a mean's last digit is its rows' order's."""
    return len(ours) == len(theirs) and all(
        value == other
        if not isinstance(value, float) or other is None
        else value == pytest.approx(other, rel=1e-9, nan_ok=True)
        for row, other_row in zip(ours, theirs, strict=True)
        for value, other in zip(row, other_row, strict=True)
    )


def test_no_row_is_lost_and_panels_answer_as_before(
    demo: sa.Engine,
    copy: sa.Engine,
    scope: Scope,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with demo.connect() as session:
        columns = dict(session.execute(sa.text(COLUMNS)).tuples().all())
    later = with_next(tmp_path)
    monkeypatch.setattr(migrate, "metrics_migrations", lambda: later)
    migrate.upgrade(copy)
    with copy.connect() as session:
        assert later.stored(session) == later.known()[0]
    before, after = contents(demo, columns), contents(copy, columns)
    assert before["partitions"]
    for table in columns:
        assert after[table] == before[table], table
    for where, sql in queries():
        assert is_same(Answer(copy, sql, scope).rows, Answer(demo, sql, scope).rows), where
