"""A database's URL is read once, and means the same to psycopg, SQLAlchemy, Dagster and dbt."""

import os
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from psycopg.conninfo import conninfo_to_dict

from dagster_driftmeter.dbt.profile import profiles_dir
from dagster_driftmeter.runs import environment
from driftmeter.errors import DriftmeterError
from driftmeter.warehouse.address import address_of, read_address

PLAIN = {"host": "h", "port": 5432, "user": "u", "password": "p", "dbname": "db"}
# What is connected with, beside the plain fields, for each spelling.
READ = {
    "postgresql://u:p@h/db": {},
    "postgres://u:p@h:6543/db": {"port": 6543},
    "postgresql+psycopg://u:p@h/db": {},
    "postgresql://u@h/db": {"password": ""},
    "postgresql://u@corp:p@h/db": {"user": "u@corp"},
    "postgresql://u%40corp:p%2Fw%3F%23%25@h/db": {"user": "u@corp", "password": "p/w?#%"},
    "postgresql://u:p#w@h/db": {"password": "p#w"},
    "postgresql://u:p:w@h/db": {"password": "p:w"},
    "postgresql://u:p@[::1]:6543/db": {"host": "::1", "port": 6543},
    "postgresql://u:p@h/my%20db": {"dbname": "my db"},
    "postgresql://u:p@h/a%2Fb%3Fc": {"dbname": "a/b?c"},
    "postgresql://u:p@/db?host=/dir&port=5433": {"host": "/dir", "port": 5433},
    "postgresql://u:p@%2Fdir:5433/db": {"host": "/dir", "port": 5433},
    "postgresql://u@h/db?password=zz": {"password": "zz"},
    "postgresql://h/db?user=u&password=p": {},
    "postgresql://u:p@h?dbname=my%20db": {"dbname": "my db"},
    "postgresql://u:p@h/db?sslmode=verify-full&sslrootcert=/a%20b.pem": {
        "sslmode": "verify-full",
        "sslrootcert": "/a b.pem",
    },
    "postgresql://u:p@h/db?connect_timeout=3&application_name=ours": {
        "connect_timeout": 3,
        "application_name": "ours",
    },
}
REFUSED = {
    # A password with a reserved character: only its owner knows where it ends.
    "postgresql://u:sec/ret@h/db": "cannot be read",
    "postgresql://u:12/ret@h/db": "cannot be read",
    "postgresql://u:sec?ret@h/db": "cannot be read",
    "postgresql://u:12?ret@h/db": "cannot be read",
    "postgresql://u:secret@h:port/db": "cannot be read",
    "postgresql://u:secret@h/db?sslmode": "cannot be read",
    "postgresql://u:secret@h/db?connect_timeout=soon": "cannot be read",
    "u:p": "cannot be read",
    "mysql://u:secret@h/db": "names a mysql database",
    "postgresql://u:secret@h/": "names no database",
    "postgresql:///db?password=secret": "names no user",
    "postgresql://u:secret@/db": "names no host",
    "postgresql://u:secret@h1:1,h2:2/db": "cannot be read",
    "postgresql://u:secret@h1,h2/db": "names more than one host",
    "postgresql://u:secret@h/db?options=-csearch_path%3Dteam": "the option options",
    "postgresql://u:secret@h/db?target_session_attrs=any": "the option target_session_attrs",
    "postgresql://u:1?Sec=ret": "an option, which not",
}  # fmt: skip


@pytest.mark.parametrize(("url", "differs"), READ.items())
def test_every_client_is_given_the_same_fields(
    url: str, differs: dict[str, object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.delenv("DRIFTMETER_TRANSFORMER_URL", raising=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    monkeypatch.setenv("DRIFTMETER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setenv("DRIFTMETER_DAGSTER_URL", "")
    meant = {**PLAIN, **differs}
    address = read_address(url)
    assert address.libpq() == meant
    # libpq itself reads what `driftmeter url` prints.
    assert conninfo_to_dict(address.url) == {k: str(v) for k, v in meant.items() if v != ""}
    assert read_address(address.url) == address
    profile = yaml.safe_load((profiles_dir() / "profiles.yml").read_text())
    written = profile["driftmeter"]["outputs"]["warehouse"]
    assert {name: written[name] for name in meant} == meant
    # Python's and Dagster's drivers.
    environment.prepare_dagster(address.url)
    storage = sa.make_url(os.environ["DRIFTMETER_DAGSTER_URL"])
    for sqlalchemy in (address.sqlalchemy(), storage):
        _, given = sqlalchemy.get_dialect()().create_connect_args(sqlalchemy)
        given.pop("options", None)
        given.pop("context", None)
        assert {k: str(v) for k, v in given.items()} == {
            k: str(v) for k, v in meant.items() if v != ""
        }
    engine = sa.create_engine(address.sqlalchemy())
    assert address_of(engine) == address


@pytest.mark.parametrize(("url", "said"), REFUSED.items())
def test_what_not_every_client_takes_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(DriftmeterError) as refused:
        read_address(url)
    message = str(refused.value)
    assert said in message
    assert "DRIFTMETER_DATABASE_URL" in message
    assert not [part for part in ("secret", "sec/", "ret@", "Sec", ":12") if part in message]


def test_no_password_is_shown() -> None:
    address = read_address("postgresql://u:secret@h/db")
    assert "secret" not in address.shown + repr(address)
