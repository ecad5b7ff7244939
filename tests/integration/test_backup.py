"""A backup of the metrics schema, dropped and restored: the same to the last byte."""

import shutil
import stat
import subprocess
import uuid
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from dagster_driftmeter.cli.app import app
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.dumps import backup, restore
from tests.conftest import create_database
from tests.integration.test_migrations import LASTING

DROP = "drop schema metrics cascade"


def checksums(engine: sa.Engine) -> dict[str, str]:
    """Checksum of every table's rows, months and views included."""
    query = sa.text(
        "select relname from pg_class where relnamespace = 'metrics'::regnamespace"
        # How old the newest day is changes while one looks.
        " and relkind in ('r', 'p', 'v') and relname !~ 'freshness$' order by 1"
    )
    with engine.connect() as session:
        return {
            name: str(
                session.exec_driver_sql(
                    "select count(*) || md5(coalesce(string_agg(rows::text, '|' order by"
                    f" rows::text), '')) from metrics.{name} as rows"
                ).scalar()
            )
            for name in session.scalars(query)
        }


def definitions(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Views, grants, owners, functions, indexes, constraints and defaults of the schema."""
    query = """
        select 'relation', relname::text, relowner::regrole::text,
            (select string_agg(entry, ' ' order by entry) from
                unnest(relacl::text[]) as entry)
        from pg_class where relnamespace = 'metrics'::regnamespace and relkind in ('r', 'p', 'v')
        union all
        select 'column', attrelid::regclass::text || '.' || attname, null, attacl::text
        from pg_attribute where attacl is not null
            and attrelid in (select oid from pg_class where relnamespace = 'metrics'::regnamespace)
        union all
        select 'view', viewname, null, definition from pg_views where schemaname = 'metrics'
        union all
        select 'function', proname, pg_get_functiondef(oid), proacl::text
        from pg_proc where pronamespace = 'metrics'::regnamespace
        union all
        select 'schema', nspname, null, nspacl::text from pg_namespace where nspname = 'metrics'
        union all
        select 'default', defaclrole::regrole::text, defaclobjtype::text, defaclacl::text
        from pg_default_acl where defaclnamespace = 'metrics'::regnamespace
        union all
        select 'index', indexname, null, indexdef from pg_indexes where schemaname = 'metrics'
        union all
        select 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid)
        from pg_constraint where connamespace = 'metrics'::regnamespace
        union all
        select 'comment', obj_description(oid, 'pg_class'), null, null
        from pg_class where relnamespace = 'metrics'::regnamespace
        order by 1, 2, 3, 4
    """
    with engine.connect() as session:
        return [tuple(row) for row in session.exec_driver_sql(query.replace("%", "%%"))]


@pytest.fixture
def filled(warehouse: sa.Engine) -> sa.Engine:
    """A warehouse with rows, one with every sign that a file could mistake."""
    hostile = "quote ' \" backslash \\ tab \t line \n \\. <b> é ☃"
    with warehouse.begin() as session:
        session.execute(sa.text(LASTING))
        session.execute(
            sa.text("update metrics.partitions set reason = :reason"), {"reason": hostile}
        )
        session.exec_driver_sql("update metrics.drift set threshold = 'NaN', score = 1e-308")
    return warehouse


def drop(engine: sa.Engine) -> None:
    with engine.begin() as session:
        session.exec_driver_sql(DROP)


def test_what_was_backed_up_dropped_and_restored_is_the_same(
    filled: sa.Engine, tmp_path: Path
) -> None:
    rows, defined = checksums(filled), definitions(filled)
    assert len(rows) > 30
    assert len({checksum for checksum in rows.values() if checksum[0] != "0"}) > 4
    file = tmp_path / "metrics.dump"
    backup(filled, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    drop(filled)
    restore(filled, file)
    assert checksums(filled) == rows
    assert definitions(filled) == defined
    # Nothing is left to do, and the roles have what they had.
    migrate.upgrade(filled)
    assert definitions(filled) == defined


def test_a_filled_schema_is_replaced_only_where_that_was_asked_for(
    filled: sa.Engine, tmp_path: Path
) -> None:
    file = tmp_path / "metrics.dump"
    backup(filled, file)
    rows = checksums(filled)
    with filled.begin() as session:
        session.exec_driver_sql("delete from metrics.drift")
    changed = checksums(filled)
    with pytest.raises(DriftmeterError, match=r"already has a schema metrics.*--replace"):
        restore(filled, file)
    assert checksums(filled) == changed
    restore(filled, file, replace=True)
    assert checksums(filled) == rows


def test_a_restore_that_fails_changes_nothing(filled: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "metrics.dump"
    backup(filled, file)
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3])
    rows = checksums(filled)
    with pytest.raises(DriftmeterError) as caught:
        restore(filled, file, replace=True)
    assert "\n" not in str(caught.value)
    assert checksums(filled) == rows


def test_a_view_of_a_teams_own_stops_the_replacement(filled: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "metrics.dump"
    backup(filled, file)
    with filled.begin() as session:
        session.exec_driver_sql("create view public.mine as select * from metrics.freshness")
    with pytest.raises(DriftmeterError, match="to drop schema metrics would also drop mine"):
        restore(filled, file, replace=True)
    assert sa.inspect(filled).has_table("mine", schema="public")


def test_it_goes_into_another_database(filled: sa.Engine, postgres: str, tmp_path: Path) -> None:
    file = tmp_path / "metrics.dump"
    backup(filled, file)
    name = f"restored_{uuid.uuid4().hex[:8]}"
    create_database(postgres, name, "template0")
    other = connection.engine(f"{postgres}/{name}")
    restore(other, file)
    assert checksums(other) == checksums(filled)
    migrate.upgrade(other)
    other.dispose()


def test_what_is_no_backup_of_this_is_one_line(filled: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "metrics.dump"
    with pytest.raises(DriftmeterError, match="is not a file"):
        restore(filled, file)
    file.write_text("nothing of the kind")
    with pytest.raises(DriftmeterError, match="pg_restore failed") as caught:
        restore(filled, file)
    assert "\n" not in str(caught.value)
    with pytest.raises(DriftmeterError, match="already exists"):
        backup(filled, file)
    assert file.read_text() == "nothing of the kind"


@pytest.mark.parametrize(
    ("revision", "why"), [("9999", "does not know"), ("0020", "of an earlier Driftmeter")]
)
def test_a_backup_of_another_version_is_refused(
    filled: sa.Engine, tmp_path: Path, revision: str, why: str
) -> None:
    file = tmp_path / "metrics.dump"
    with filled.begin() as session:
        session.exec_driver_sql(f"update metrics.alembic_version set version_num = '{revision}'")
    backup(filled, file)
    drop(filled)
    with pytest.raises(DriftmeterError, match=f"metrics.dump.* at revision {revision}, .*{why}"):
        restore(filled, file)
    assert not sa.inspect(filled).has_schema("metrics")


def test_a_server_that_is_newer_than_pg_dump_is_one_line(
    filled: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_system = shutil.which("pg_dump", path="/usr/bin:/usr/local/bin")
    if of_system is None or _major(of_system) >= 18:
        pytest.skip("this machine has no pg_dump that is older than the server")
    monkeypatch.setenv("DRIFTMETER_PG_BIN", str(Path(of_system).parent))
    with pytest.raises(DriftmeterError, match=r"server version mismatch.*DRIFTMETER_PG_BIN"):
        backup(filled, tmp_path / "metrics.dump")
    assert not list(tmp_path.iterdir())


def _major(program: str) -> int:
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return int(version.split()[2].split(".")[0])


def test_the_two_commands(
    filled: sa.Engine, warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", warehouse_url)
    file, rows = str(tmp_path / "metrics.dump"), checksums(filled)
    for arguments in (["backup", file], ["restore", file, "--replace"]):
        ended = CliRunner().invoke(app, arguments)
        assert ended.exit_code == 0, ended.output
    assert checksums(filled) == rows
