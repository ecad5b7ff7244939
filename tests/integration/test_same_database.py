"""dbt, Dagster's storage and Python prove that they are in one database; every URL leads there."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
import yaml

from dagster_driftmeter.dbt.profile import profiles_dir
from dagster_driftmeter.dbt.same_database import check_same_database
from dagster_driftmeter.runs import environment
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse import connection
from driftmeter.warehouse.address import read_address
from driftmeter.warehouse.embedded import EmbeddedPostgres

ASKED = "select current_user || ' in ' || current_database()"
# Logins with what a password or a name may hold, and how their URLs may be written.
LOGINS = {"u": "p/w@x?%", "u@corp": "{{ p }}"}
SPELLINGS = {
    "postgresql://u:p%2Fw%40x%3F%25@127.0.0.1:{port}/db": "u in db",
    "postgresql://u@corp:{{ p }}@127.0.0.1:{port}/db": "u@corp in db",
    "postgres://u%40corp:%7B%7B%20p%20%7D%7D@localhost:{port}/my%20db": "u@corp in my db",
    "postgresql://u:p%2Fw%40x%3F%25@/db?host={folder}&port={port}": "u in db",
    "postgresql://u:p%2Fw%40x%3F%25@{encoded}:{port}/my%20db": "u in my db",
    "postgresql://u@127.0.0.1:{port}/db?password=p%2Fw%40x%3F%25": "u in db",
    "postgresql://u:p%2Fw%40x%3F%25@127.0.0.1:{port}/db?sslmode=prefer&connect_timeout=5": (
        "u in db"
    ),
}


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """A server with a socket too, two logins and two databases: what its URLs are made of."""
    with tempfile.TemporaryDirectory(prefix="driftmeter-socket-") as folder:
        Path(folder).chmod(0o777)
        home = Path(folder) / "home"
        embedded = EmbeddedPostgres(home)
        address = read_address(embedded.start())
        embedded.stop()
        option = f"--options=-c unix_socket_directories={folder} -c fsync=off"
        assert not embedded._pg_ctl("start", "--wait", option, f"--log={embedded.log}").returncode
        with psycopg.connect(**{**address.libpq(), "dbname": "postgres"}, autocommit=True) as admin:
            for name, password in LOGINS.items():
                admin.execute(f"create role \"{name}\" login password '{password}'")
            for name in ("db", "my db"):
                admin.execute(f'create database "{name}"')
        encoded = folder.replace("/", "%2F")
        yield {"port": str(address.port), "folder": folder, "encoded": encoded}
        embedded.stop()


def spelled(url: str, server: dict[str, str]) -> str:
    """The URL on this server; braces that are a password's stay."""
    for name, value in server.items():
        url = url.replace("{" + name + "}", value)
    return url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DAGSTER_HOME", "DRIFTMETER_DAGSTER_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("url", "meant"), SPELLINGS.items())
def test_every_client_logs_in_alike(
    url: str, meant: str, server: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", spelled(url, server))
    with psycopg.connect(connection.warehouse_url()) as session:
        assert session.execute(ASKED).fetchone() == (meant,)
    engine = connection.engine()
    storage = environment.dagster_url(connection.warehouse_url())
    for client in (engine, sa.create_engine(storage, poolclass=sa.NullPool)):
        with client.connect() as session:
            assert session.scalar(sa.text(ASKED)) == meant
    check_same_database(engine, storage)
    engine.dispose()
    profile = yaml.safe_load((profiles_dir() / "profiles.yml").read_text())
    written = profile["driftmeter"]["outputs"]["warehouse"]
    as_dbt = sa.URL.create(
        "postgresql+psycopg2",
        query={
            name: _rendered(str(written[name]))
            for name in ("host", "port", "user", "password", "dbname")
        },
    )
    with sa.create_engine(as_dbt, poolclass=sa.NullPool).connect() as session:
        assert session.scalar(sa.text(ASKED)) == meant


def _rendered(value: str) -> str:
    import jinja2

    return jinja2.Template(value).render()


def test_a_login_of_dbts_own_in_another_database_is_refused(
    server: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another database of the same server, where all else would go well."""
    ours, theirs = (spelled(url, server) for url in list(SPELLINGS)[1:3])
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", ours)
    monkeypatch.setenv("DRIFTMETER_TRANSFORMER_URL", theirs)
    with pytest.raises(DriftmeterError, match="dbt uses another database") as refused:
        environment.prepare()
    assert "DRIFTMETER_TRANSFORMER_URL" in str(refused.value)
    assert "{{" not in str(refused.value)
    with connection.engine().connect() as session:
        made = session.scalar(sa.text("select count(*) from pg_namespace where nspname='metrics'"))
    assert made == 0
    # The same database by another login, and another way to the server, is the same.
    url = spelled("postgresql://u:p%2Fw%40x%3F%25@/db?host={folder}&port={port}", server)
    monkeypatch.setenv("DRIFTMETER_TRANSFORMER_URL", url)
    check_same_database(connection.engine(), environment.dagster_url(connection.warehouse_url()))
    monkeypatch.setenv("DRIFTMETER_TRANSFORMER_URL", url.replace("u:p", "u:x"))
    with pytest.raises(DriftmeterError, match="dbt cannot connect to the warehouse") as refused:
        check_same_database(connection.engine(), environment.dagster_url(ours))
    assert "x%2Fw" not in str(refused.value)
    connection.engine().dispose()


def test_a_profile_of_the_teams_own_is_held_against_the_warehouse(
    server: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = (spelled(url, server) for url in list(SPELLINGS)[1:3])
    project = home / "project"
    project.mkdir()
    (project / "dbt_project.yml").write_text("name: team\nversion: 1.0.0\nprofile: team\n")
    fields = {**read_address(theirs).libpq(), "type": "postgres", "schema": "s", "threads": 1}
    fields = {**fields, "dbname": "{{ env_var('TEAM_DATABASE') }}", "password": "{{ '{{ p }}' }}"}
    (project / "profiles.yml").write_text(
        yaml.safe_dump({"team": {"target": "prod", "outputs": {"prod": fields}}})
    )
    monkeypatch.setenv("DRIFTMETER_DBT_PROJECT", str(project))
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", ours)
    engine, storage = connection.engine(ours), environment.dagster_url(ours)
    monkeypatch.setenv("TEAM_DATABASE", "my db")
    with pytest.raises(DriftmeterError, match="dbt uses another database") as refused:
        check_same_database(engine, storage)
    assert str(project / "profiles.yml") in str(refused.value)
    monkeypatch.setenv("TEAM_DATABASE", "db")
    check_same_database(engine, storage)
    os.environ.pop("TEAM_DATABASE")
    with pytest.raises(DriftmeterError, match="dbt cannot use the project's profile"):
        check_same_database(engine, storage)
    engine.dispose()
