"""Files of a dbt project with a monitor added to them, comments and order kept."""

import contextlib
import datetime as dt
import difflib
import io
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster_driftmeter.dbt.jinja import literal, unrendered, unrendered_values
from driftmeter import settings
from driftmeter.errors import DriftmeterError

if TYPE_CHECKING:
    from driftmeter.monitors.proposal import Proposal
    from driftmeter.monitors.proposal.column_types import TableName
    from driftmeter.monitors.proposal.table import TableColumn

# Monitors of one project share a warehouse with those of others, so that its name is its own.
OWN_PROJECT = "monitors_of_"
# What dbt and Driftmeter make on a machine; a profile holds a password.
IGNORED = (".driftmeter/", "target/", "logs/", "dbt_packages/", "profiles.yml", ".user.yml")
VERSION = "model_version"
# dbt reads YAML 1.1, in which more plain words are something else than text: `no`, or `1:30`.
DIRECTIVE = "%YAML 1.1\n---\n"


def project_with_table(
    directory: Path, monitor: str, proposal: "Proposal", block: Mapping[str, Any]
) -> dict[Path, str]:
    """Files of a project of its own around one table: a view over it, and the monitor.

    Returns
    -------
    dict of Path to str
        What the files hold with the monitor in them.
    """
    source = f"{monitor}_source"
    models = directory / "models"
    declaration = _declaration(monitor, proposal, block)
    declaration["sources"] = [
        _source(source, monitor, proposal.table),
        *_sources(monitor, proposal),
    ]
    view = _view(proposal, f"source('{source}', '{monitor}')", _origin_of_labels(monitor))
    return {
        **_listed(directory, monitor, _new_project(directory)),
        models / f"{monitor}.sql": view,
        models / f"{monitor}.yml": _edited(models / f"{monitor}.yml", _adding(declaration)),
        directory / ".gitignore": _ignoring(directory / ".gitignore"),
    }


def project_with_view(
    directory: Path,
    model: Mapping[str, Any],
    monitor: str,
    proposal: "Proposal",
    block: Any,
    labels: Mapping[str, Any] | None = None,
) -> dict[Path, str]:
    """Files of a team's project with a view over one of its models, which is the monitor.

    For a model that has no ``partition_date`` or no version, of which a column is cast, or whose
    labels are in a table of their own: one of the project's models too, or any other.
    """
    folder = (directory / str(model["original_file_path"])).parent
    configured = "{{ config(materialized='view_by_name') }}\n\n"
    origin = f"ref({literal(str(model['name']))})"
    origin_of_labels = _origin_of_labels(monitor)
    declaration = _declaration(monitor, proposal, block)
    if labels is not None:
        origin_of_labels = f"ref({literal(str(labels['name']))})"
    elif proposal.labels is not None:
        declaration["sources"] = _sources(monitor, proposal)
    return {
        **_listed(directory, monitor),
        folder / f"{monitor}.sql": configured + _view(proposal, origin, origin_of_labels),
        folder / f"{monitor}.yml": _edited(folder / f"{monitor}.yml", _adding(declaration)),
    }


def project_with_model(
    directory: Path, model: Mapping[str, Any], proposal: "Proposal", block: Any
) -> dict[Path, str]:
    """Files of a team's project with the monitor declared on one of its models."""
    name = str(model["name"])
    written = str(model.get("patch_path") or "").partition("://")[2]
    path = (
        directory / written
        if written
        else (directory / str(model["original_file_path"])).parent / f"{name}.yml"
    )
    declaration = _declaration(name, proposal, block)
    return {**_listed(directory, name), path: _edited(path, _adding(declaration))}


def _adding(declaration: Mapping[str, Any]) -> Callable[[Any], None]:
    """What adds a monitor, and its sources, to a YAML file; what else is there stays."""

    def add(content: Any) -> None:
        content.setdefault("version", declaration["version"])
        for part in ("models", "sources"):
            for declared in declaration.get(part, []):
                listed = content.setdefault(part, [])
                entry = next((one for one in listed if one["name"] == declared["name"]), None)
                if entry is None:
                    listed.append(declared)
                elif part == "models":
                    _declare(entry, declared)

    return add


def _declare(entry: Any, declared: Mapping[str, Any]) -> None:
    """Bring a model's entry up to date; settings that stay keep their comments."""
    meta = entry.setdefault("config", {}).setdefault("meta", {})
    monitor, wanted = meta.setdefault("monitor", {}), declared["config"]["meta"]["monitor"]
    for field in [field for field in monitor if field not in wanted]:
        del monitor[field]
    for field, value in wanted.items():
        if field not in monitor or _plain(monitor[field]) != _plain(value):
            monitor[field] = value
    columns = entry.setdefault("columns", [])
    known = {str(column["name"]) for column in columns}
    columns.extend(one for one in declared["columns"] if str(one["name"]) not in known)


def change_of(path: Path, new: str, directory: Path) -> str:
    """What a person is shown: a new file whole, a changed one as a difference."""
    shown = str(path.relative_to(directory))
    if not path.exists():
        return f"--- {shown} (new)\n{new.rstrip()}"
    lines = difflib.unified_diff(
        path.read_text().splitlines(), new.splitlines(), shown, shown, lineterm="", n=2
    )
    return "\n".join(lines)


def write_together(files: Mapping[Path, str]) -> None:
    """Write files of a project, all or none: whoever ends this half-way leaves what was there."""
    made = [path.parent for path in files if not path.parent.exists()]
    ready: dict[Path, Path] = {}
    try:
        for path, text in files.items():
            path.parent.mkdir(exist_ok=True)
            ready[path] = path.with_name(f"{path.name}.unfinished")
            ready[path].write_text(text)
        # The project's own file makes it one, and comes last. Nothing that takes time is left.
        for path in sorted(ready, key=lambda path: path.name == "dbt_project.yml"):
            os.replace(ready[path], path)
    except BaseException:
        for new in ready.values():
            new.unlink(missing_ok=True)
        for directory in made:
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise


def _listed(
    directory: Path, monitor: str, project: dict[str, Any] | None = None
) -> dict[Path, str]:
    """dbt_project.yml with the monitor in its list, packages.yml with the package in it."""
    from ruamel.yaml.comments import CommentedMap

    # dbt reads packages of either file, and of one only.
    dependencies = directory / "dependencies.yml"
    packages_file = dependencies if dependencies.exists() else directory / "packages.yml"

    def list_monitor(content: Any) -> None:
        if project is not None and not content:
            content.update(project)
        variables = content.setdefault("vars", {})
        monitors = variables.setdefault("monitors", [])
        if monitor not in monitors:
            monitors.append(monitor)

    def list_package(content: Any) -> None:
        packages = content.setdefault("packages", [])
        if not any("driftmeter" in str(package) for package in packages):
            package = CommentedMap(local=settings.PACKAGE_LINK)
            package.yaml_add_eol_comment("a link that each driftmeter command makes", "local")
            packages.append(package)
        for package in packages:
            # Older projects of this command's own name a place on the machine that made them.
            if project is not None and "local" in package:
                package["local"] = settings.PACKAGE_LINK

    return {
        directory / "dbt_project.yml": _edited(directory / "dbt_project.yml", list_monitor),
        packages_file: _edited(packages_file, list_package),
    }


def _ignoring(path: Path) -> str:
    """Text of a .gitignore that keeps out what is made on a machine; what is there stays."""
    text = path.read_text() if path.exists() else ""
    missing = [name for name in IGNORED if name not in text.split()]
    return "\n".join([*text.splitlines(), *missing, ""]) if missing else text


def _new_project(directory: Path) -> dict[str, Any]:
    name = OWN_PROJECT + re.sub(r"\W+", "_", directory.name.lower())
    return {
        "name": name,
        "version": "1.0.0",
        "profile": "driftmeter",
        # The package's models refer to the project's: dbt looks in the package first, then here.
        "flags": {
            "send_anonymous_usage_stats": False,
            "require_ref_searches_node_package_before_root": True,
        },
        "vars": {"monitors": []},
        # Views over the tables that hold the predictions: what a job writes is there at once.
        "models": {name: {"+materialized": "view_by_name", "+schema": "inference"}},
    }


def _sources(monitor: str, proposal: "Proposal") -> list[Any]:
    """The source of a table of labels, where there is one."""
    labels = proposal.labels
    return [_source(f"{monitor}_labels", "labels", labels.table)] if labels is not None else []


def _source(name: str, table: str, named: "TableName") -> Any:
    read = {
        "name": name,
        "schema": named.schema,
        "tables": [{"name": table, "identifier": named.name}],
    }
    return _escaped(unrendered_values(read))


def _origin_of_labels(monitor: str) -> str:
    return f"source('{monitor}_labels', 'labels')"


def _view(proposal: "Proposal", origin: str, origin_of_labels: str = "") -> str:
    """A model's SQL: the columns that the monitor names, the day and the version."""
    from driftmeter.monitors.proposal import quote

    columns = [
        f"{column.sql} as {quote(column.name)}" if column.is_cast else column.sql
        for column in _selected(proposal)
    ]
    if "model_version" not in proposal.fields:
        columns.append(f"'unversioned'::text as {VERSION}")
    # The zone is read from the monitor's YAML, so that it is written in one place.
    day = proposal.day_of(unrendered(proposal.dated_by.sql), "{{ driftmeter.timezone() }}")
    written = [*map(unrendered, columns), f"{day} as partition_date"]
    if proposal.fields.get("every") == "hour":
        hour = proposal.hour_of(unrendered(proposal.dated_by.sql), "{{ driftmeter.timezone() }}")
        written.append(f"{hour} as partition_start")
    selected = ",\n".join(f"    {column}" for column in written)
    join = ""
    if proposal.labels is not None:
        labels = f"{{{{ {origin_of_labels} }}}}"
        join = proposal.labels.join(labels, proposal.names_of_labels, unrendered)
    return f"select\n{selected}\nfrom {{{{ {origin} }}}}{join}\n"


def _selected(proposal: "Proposal") -> list["TableColumn"]:
    made = ("partition_date", "partition_start")
    return [column for column in proposal.selected if column.name not in made]


def _declaration(monitor: str, proposal: "Proposal", block: Mapping[str, Any]) -> dict[str, Any]:
    columns = [
        {"name": column.name, "data_type": column.data_type} for column in _selected(proposal)
    ]
    every = block.get("every", "day")
    day = "Day" if every in ("hour", "day") else f"First day of the {every}"
    columns.append(
        {
            "name": "partition_date",
            "data_type": "date",
            "description": f"{day} of the row, in {block['timezone']}.",
        }
    )
    if every == "hour":
        columns.append(
            {
                "name": "partition_start",
                "data_type": "timestamptz",
                "description": "Instant at which the hour of the row begins.",
            }
        )
    if "model_version" not in proposal.fields:
        columns.append({"name": VERSION, "data_type": "text", "description": "None is recorded."})
    monitored = {"name": monitor, "config": {"meta": {"monitor": dict(block)}}, "columns": columns}
    return {"version": 2, "models": [_escaped(unrendered_values(monitored))]}


def _escaped(content: Any) -> Any:
    """Content whose texts are written with escapes where they have characters not to be seen.

    The editor folds some of them, such as U+0085, as if they were line breaks.
    """
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(content, str) and not content.isprintable():
        return DoubleQuotedScalarString(content)
    if isinstance(content, Mapping):
        return {_escaped(key): _escaped(value) for key, value in content.items()}
    return [_escaped(value) for value in content] if isinstance(content, list) else content


def _edited(path: Path | None, change: Callable[[Any], None]) -> str:
    """Text of a YAML file after a change; what is not changed keeps its comments and order."""
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 100
    text = path.read_text() if path is not None and path.exists() else ""
    if re.search(r"^( *)\S.*:\n\1  +- ", text, re.MULTILINE):
        editor.indent(mapping=2, sequence=4, offset=2)
    try:
        content = editor.load(text)
    except YAMLError as error:
        raise DriftmeterError(
            f"cannot be read as YAML ({' '.join(str(error).split())})",
            where=str(path),
            fix="correct it first",
        ) from error
    content = CommentedMap() if content is None else content
    before = _plain(content)
    change(content)
    if text and _plain(content) == before:
        return text
    # Only what is written is of that version: what is there keeps its words.
    editor.version = (1, 1)
    written = io.StringIO()
    editor.dump(content, written)
    return written.getvalue().removeprefix(DIRECTIVE)


def _plain(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {str(name): _plain(value) for name, value in content.items()}
    if isinstance(content, dt.date):
        return content.isoformat()
    return [_plain(value) for value in content] if isinstance(content, list) else content
