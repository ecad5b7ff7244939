"""Warehouses behind a pooler, in an encoding of their own, or with others' tables in our schema."""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from driftmeter import settings
from driftmeter.warehouse import connection
from driftmeter.warehouse.ports import free_port, is_free
from tests.cases import over
from tests.integration.test_init import LOANS
from tests.programs import DRIFTMETER, run_program

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
SETTINGS = """
[databases]
* = host=127.0.0.1 port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
auth_type = scram-sha-256
auth_file = {folder}/users.txt
unix_socket_dir =
{more}
"""
# Of loans, in a database of SQL_ASCII, which keeps what it is given.
UTF_8 = "update loan_scores set channel = 'caf\u00e9' where channel = 'web'"
LATIN_1 = rb"update loan_scores set channel = E'caf\xe9' where channel = 'web'"


def driftmeter(
    directory: Path, url: str, *words: str, **more: str
) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DRIFTMETER_DATABASE_URL": url}
    for name in (settings.HOME, settings.PROJECT):
        environment.pop(name, None)
    return run_program(DRIFTMETER, *words, directory=directory, environment={**environment, **more})


def with_loans(postgres: str, encoding: str = "UTF8") -> str:
    """URL of a new database with a table of predictions."""
    name = f"odd_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as server:
        server.execute(
            f"create database {name} template template0 encoding '{encoding}'"
            " lc_collate 'C' lc_ctype 'C'"
        )
    with psycopg.connect(f"{postgres}/{name}", client_encoding="utf8") as session:
        session.execute(LOANS)
    return f"{postgres}/{name}"


INIT = ("init", "--table", "public.loan_scores", "--yes")


def refusal(directory: Path, url: str, *words: str) -> str:
    """The one line of a command that is refused."""
    ended = driftmeter(directory, url, *words)
    assert ended.returncode == 1, ended.stdout
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert list(directory.glob("*.yml")) == []
    return ended.stderr


@pytest.fixture(params=["transaction", "statement", "session"])
def pooled(postgres: str, request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A pooler in each of its modes, and a database behind it."""
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    url, own = with_loans(postgres), free_port()
    parsed = sa.make_url(url)
    # It runs as a user of its own, who may not read the tests' directories.
    folder = Path(tempfile.mkdtemp(prefix="pooler-"))
    folder.chmod(0o755)
    (folder / "users.txt").write_text(f'"{parsed.username}" "{parsed.password}"\n')
    more = f"pool_mode = {request.param}"
    if request.param == "session":
        # As they are set where a client insists on them: they are dropped, and nobody is told.
        more += "\nignore_startup_parameters = options"
    (folder / "pooler.ini").write_text(
        SETTINGS.format(port=parsed.port, own=own, folder=folder, more=more)
    )
    as_user = ["-u", "nobody"] if os.geteuid() == 0 else []
    running = subprocess.Popen(
        [PGBOUNCER, "--quiet", *as_user, str(folder / "pooler.ini")], stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while is_free(own) and time.monotonic() < deadline:
        time.sleep(0.05)
    yield request.param, url.replace(f":{parsed.port}/", f":{own}/")
    running.terminate()
    running.wait(20)
    shutil.rmtree(folder)


def test_a_pooler_that_keeps_no_session_is_refused_by_the_first_command(
    pooled: tuple[str, str], tmp_path: Path
) -> None:
    mode, url = pooled
    said = refusal(tmp_path, url, *INIT)
    if mode == "session":
        assert "does not hand on the startup parameter options" in said
    else:
        assert "a pooler answers that gives a connection's server process to others" in said
    assert "name the Postgres server itself" in said


@over("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_measured(
    postgres: str, tmp_path: Path, encoding: str
) -> None:
    url = with_loans(postgres, encoding)
    with psycopg.connect(url, client_encoding="utf8") as session:
        session.execute(UTF_8)
    directory = tmp_path / encoding
    directory.mkdir()
    made = driftmeter(directory, url, *INIT)
    assert made.returncode == 0, made.stderr
    days = ("--from", "2026-01-31", "--to", "2026-01-31", "--workers", "1")
    ran = driftmeter(directory, url, "run", *days)
    assert ran.returncode == 0, ran.stderr
    with connection.engine(url).connect() as session:
        query = "select segment_value from metrics.column_summary where segment = 'channel'"
        assert "caf\u00e9" in set(session.scalars(sa.text(query)))
        told = sa.text("select metrics.text_language(:said), metrics.text_script(:said)")
        assert session.execute(told, {"said": "the man is with the dog"}).one() == ("en", "Latin")


def test_bytes_that_are_no_utf_8_are_refused_in_one_line(postgres: str, tmp_path: Path) -> None:
    url = with_loans(postgres, "SQL_ASCII")
    with psycopg.connect(url) as session:
        session.execute(LATIN_1)
    said = refusal(tmp_path, url, *INIT)
    assert 'invalid byte sequence for encoding "UTF8"' in said
    assert "let a view convert the column to UTF-8: convert_from(" in said


def test_a_warehouse_that_takes_no_writes_is_refused_by_the_first_command(
    postgres: str, tmp_path: Path
) -> None:
    url = with_loans(postgres)
    assert driftmeter(tmp_path, url, *INIT).returncode == 0
    with psycopg.connect(url, autocommit=True) as session:
        # As a standby does it.
        name = url.rpartition("/")[2]
        session.execute(f"alter database {name} set default_transaction_read_only = on")  # type: ignore[call-overload]
    for words in (INIT, ["run"], ["up"]):
        refused = driftmeter(tmp_path, url, *words)
        assert refused.returncode == 1
        assert "the warehouse takes no writes: it is a standby" in refused.stderr
        assert "name the primary server in DRIFTMETER_DATABASE_URL" in refused.stderr
        assert len(refused.stderr.splitlines()) <= 2, refused.stderr
    # What only reads goes on.
    assert driftmeter(tmp_path, url, "incidents").returncode == 0


@over(
    "foreign",
    [
        "create table metrics.drift (id int)",
        "create view metrics.alarms as select 1 as one",
        "create table metrics.revenue (day date)",
    ],
)
def test_a_schema_of_somebody_elses_is_left_alone(
    postgres: str, tmp_path: Path, foreign: str
) -> None:
    url, name = with_loans(postgres), foreign.split()[2]
    with psycopg.connect(url) as session:
        session.execute("create schema metrics")
        session.execute(foreign)  # type: ignore[arg-type]
    said = refusal(tmp_path, url, *INIT)
    assert f"schema metrics holds {name}, which is not Driftmeter's" in said
    assert "set DRIFTMETER_METRICS_SCHEMA to another name, such as driftmeter" in said
    for words in (["status"], ["incidents"]):
        assert "run `driftmeter up`" in refusal(tmp_path, url, *words)
    example = {"DRIFTMETER_HOME": str(tmp_path), settings.PROJECT: str(settings.EXAMPLE_PROJECT)}
    found = driftmeter(tmp_path, url, "doctor", **example)
    assert f"{name}, which is not Driftmeter's" in found.stdout, found.stderr
    with psycopg.connect(url) as session:
        assert session.execute(f"select to_regclass('{name}')").fetchone() != (None,)
    made = driftmeter(tmp_path, url, "up", DRIFTMETER_METRICS_SCHEMA="driftmeter")
    assert made.returncode == 0, made.stderr
