"""`driftmeter init` on tables of any names and types: what it writes is a monitor that is read."""

import contextlib
import datetime as dt
import json
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
import yaml
from dbt.clients.jinja import get_rendered
from dbt_common.utils import deep_map_render
from hypothesis import strategies as st

from dagster_driftmeter.cli.init import check_block, monitor_name
from dagster_driftmeter.cli.project_files import VERSION, project_with_table
from driftmeter.monitors.manifest import load_monitors
from driftmeter.monitors.proposal import propose, quote
from tests.fuzz.target import Target
from tests.fuzz.warehouse import opened_warehouse

# Postgres' types that a table of predictions may have, and values of each as Python has them.
NAMES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=15
) | st.sampled_from(
    [
        "day", "id", "prediction", "target", "y", "score", "model_version", "yes", "null", "1",
        "2026-01-01", '"', "'", ";", "{{ x }}", "{% raw %}", "# no", "a: b", "- a", "%s", "%(a)s",
        ":name", "partition_date", "{# x #}", "{{ 1/0 }}", "\r\n", "\\'{{", "\x85",
    ]
)  # fmt: skip
# Times that Postgres has and Python has not.
OUTSIDE = st.sampled_from(["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"])
TYPES: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.integers(-(2**63), 2**63 - 1) | st.integers(0, 5),
    "double precision": st.floats() | st.floats(0, 1),
    "numeric": st.decimals(-1000, 1000, places=2),
    "boolean": st.booleans(),
    "text": st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=9),
    "date": st.dates() | OUTSIDE,
    "timestamp": st.datetimes() | OUTSIDE,
    "timestamptz": st.datetimes(timezones=st.just(dt.timezone.utc)) | OUTSIDE,
    "jsonb": st.just("{}"),
    "bytea": st.binary(max_size=3),
    "text[]": st.lists(st.text("ab'\"", max_size=2), max_size=2),
}


@dataclass(frozen=True)
class Table:
    """A table: each column's type and values by its name, and the options of `driftmeter init`."""

    name: str
    columns: dict[str, tuple[str, list[Any]]]
    options: dict[str, Any]


@st.composite
def tables(draw: st.DrawFn) -> Table:
    rows = draw(st.integers(0, 5))
    columns: dict[str, tuple[str, list[Any]]] = {}
    # What a monitor needs, most of the time.
    usual = {"at": "timestamptz", "number": "bigint", "score": "double precision", "kind": "text"}
    for name, kind in usual.items():
        if draw(st.integers(0, 9)):
            values = list(range(rows)) if name == "number" else None
            columns[name] = (kind, values or _values(draw, kind, rows))
    for name in draw(st.lists(NAMES.filter(_fits), max_size=4, unique=True)):
        kind = draw(st.sampled_from(sorted(TYPES)))
        columns[name] = (kind, _values(draw, kind, rows))
    known = st.sampled_from(sorted(columns)) if columns else NAMES
    options = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "timestamp": known,
                "id": known,
                "prediction": known,
                "target": known | NAMES,
                "model_version": known,
                "timezone": st.sampled_from(["UTC", "Asia/Kolkata", "Mars/Base", "'"]),
                "task": st.sampled_from(["regression", "classification", "guessing"]),
                "segments": st.lists(known, max_size=2),
            },
        )
    )
    kept = {name: value for name, value in options.items() if draw(st.integers(0, 4)) == 0}
    return Table(draw(NAMES.filter(_fits)), columns, kept)


def _fits(name: str) -> bool:
    """Postgres cuts longer names."""
    return len(name.encode()) <= 63


def _values(draw: st.DrawFn, kind: str, rows: int) -> list[Any]:
    return draw(st.lists(st.none() | TYPES[kind], min_size=rows, max_size=rows))


@contextlib.contextmanager
def opened() -> Iterator[Callable[[Table], str]]:
    with opened_warehouse() as engine, tempfile.TemporaryDirectory() as name:
        yield lambda table: attempt(engine, table, Path(name) / uuid.uuid4().hex)


def attempt(engine: sa.Engine, table: Table, directory: Path) -> str:
    """Propose, write, and read back what was written as dbt would."""
    schema = f"fuzz {uuid.uuid4().hex}"
    with engine.begin() as session:
        create(session, schema, table)
    try:
        proposal = propose(engine, f"{schema}.{table.name}", table.options)
        block = {"owner": "team", **proposal.fields}
        block.setdefault("model_version", VERSION)
        monitor = monitor_name(table.name)
        files = project_with_table(directory, monitor, proposal, block)
        check_block(monitor, block)
    finally:
        with engine.begin() as session:
            session.exec_driver_sql(f"drop schema {quote(schema)} cascade")
    read_back(files, directory, monitor, block)
    return "loaded"


def create(session: sa.Connection, schema: str, table: Table) -> None:
    """Make the table; psycopg writes its values, so that they are as a team's job writes them."""
    columns = ", ".join(f"{quote(name)} {kind}" for name, (kind, _) in table.columns.items())
    relation = f"{quote(schema)}.{quote(table.name)}".replace("%", "%%")
    session.exec_driver_sql(f"create schema {quote(schema)}")
    session.exec_driver_sql(f"create table {relation} ({columns.replace('%', '%%')})")
    if not table.columns:
        return
    rows = list(zip(*(values for _, values in table.columns.values()), strict=True))
    places = ", ".join(f"%s::{kind}" for kind, _ in table.columns.values())
    for row in rows:
        session.exec_driver_sql(f"insert into {relation} values ({places})", row)


def read_back(files: dict[Path, str], directory: Path, monitor: str, block: dict[str, Any]) -> None:
    """What dbt reads and renders of the files is the monitor that was proposed, and its columns."""
    written = yaml.safe_load(files[directory / "models" / f"{monitor}.yml"])
    (model,) = deep_map_render(rendered, written["models"])
    zone = str(block["timezone"])
    known = {"source": "{}.{}".format, "driftmeter": SimpleNamespace(timezone=lambda: zone)}
    sql = get_rendered(files[directory / "models" / f"{monitor}.sql"], known)
    for column in model["columns"]:
        assert quote(column["name"]) in sql or column["name"] in (VERSION, "partition_date")
    assert model["config"]["meta"]["monitor"] == block
    node = {
        **model,
        "resource_type": "model",
        "schema": "inference",
        "original_file_path": "model.sql",
        "columns": {str(column["name"]): column for column in model["columns"]},
    }
    directory.mkdir()
    manifest = directory / "manifest.json"
    content = {"metadata": {"project_name": "team"}, "nodes": {"model": node}}
    manifest.write_text(json.dumps(content, default=str))
    (read,) = load_monitors(manifest).values()
    assert read.name == monitor
    assert set(read.features) == set(block["features"])


def rendered(value: Any, keypath: tuple[str | int, ...]) -> Any:
    """A value of YAML as dbt has it."""
    return get_rendered(value, {}, native=True) if isinstance(value, str) else value


TARGET = Target("tables", tables(), opened)
