"""`driftmeter init`: the smallest dbt project around a table of predictions."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer
import yaml

from orchestration.commands.arguments import read_days
from python_metrics import settings
from python_metrics.errors import DriftmeterError

if TYPE_CHECKING:
    from python_metrics.monitors.proposal import Proposal

# Monitors of one project share a warehouse with those of others, so that its name is its own.
NAMED = "monitors_of_"
IGNORED = ".driftmeter/\ntarget/\nlogs/\ndbt_packages/\n# holds a password\nprofiles.yml\n"
VERSION = "model_version"


def init(
    table: Annotated[str, typer.Option(metavar="SCHEMA.TABLE", help="Table of predictions.")],
    name: Annotated[
        Optional[str], typer.Option(help="The monitor's name; the table's without it.")
    ] = None,
    owner: Annotated[str, typer.Option(help="Team on call.")] = "team-data",
    task: Annotated[Optional[str], typer.Option(help="regression or classification.")] = None,
    timestamp: Annotated[Optional[str], typer.Option(help="Column: when a row happened.")] = None,
    timezone: Annotated[Optional[str], typer.Option(help="A day is a day there; UTC.")] = None,
    row_id: Annotated[Optional[str], typer.Option("--id", help="Column: key of a row.")] = None,
    prediction: Annotated[Optional[str], typer.Option(help="Column: a number.")] = None,
    target: Annotated[Optional[str], typer.Option(help="Column: what came true.")] = None,
    model_version: Annotated[
        Optional[str], typer.Option(help="Column; a table without one is fine.")
    ] = None,
    segments: Annotated[
        Optional[str], typer.Option(metavar="A,B", help="Columns whose values split a day.")
    ] = None,
    reference: Annotated[
        Optional[str],
        typer.Option(metavar="FROM..TO", help="Days that stand for 'as it should be'."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
) -> None:
    """Make a monitor of a table: read it, propose each field and say why, show, and write.

    In the current directory, which becomes a dbt project of its own, or has become one by this
    command before. Each proposal has an option that overrules it.

    Example: driftmeter init --table public.scores --timezone Europe/Paris
    """
    from orchestration.environment import prepare
    from orchestration.terminal import console
    from python_metrics.monitors.proposal import propose
    from python_metrics.warehouse import connection

    directory = Path.cwd()
    _check_directory(directory)
    given = {
        "task": task,
        "timestamp": timestamp,
        "timezone": timezone,
        "id": row_id,
        "prediction": prediction,
        "target": target,
        "model_version": model_version,
        "segments": segments.split(",") if segments is not None else None,
        "reference": _read_reference(reference),
    }
    # From here on this directory is the project, before it has a file.
    os.environ["DRIFTMETER_DBT_PROJECT"] = str(directory)
    prepare()
    proposal = propose(connection.engine(), table, given)
    monitor = _monitor_name(name or proposal.table)
    block = {"owner": owner, **proposal.fields}
    block.setdefault("model_version", VERSION)
    _check_block(monitor, block)
    files = _files(directory, monitor, proposal, block)
    changed = {
        path: text for path, text in files.items() if not path.exists() or path.read_text() != text
    }
    console().print(_reasons(proposal))
    if not changed:
        typer.echo(f"{monitor} is declared already, just so: nothing to change")
        return
    for path, text in changed.items():
        typer.echo(f"\n--- {path.relative_to(directory)}\n{text.rstrip()}")
    typer.echo("")
    if not yes and not sys.stdin.isatty():
        raise DriftmeterError(
            "nobody is there to say yes", where="driftmeter init", fix="add --yes to write this"
        )
    if not yes and not typer.confirm("Write these files?"):
        return
    for path, text in changed.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    days = proposal.fields["reference"]
    typer.echo(f"{monitor} is declared. Measure every day of the table after {days['to']}:")
    typer.echo(f"  driftmeter run --monitor {monitor}")


def _check_directory(directory: Path) -> None:
    """A project that somebody else made is not this command's to change."""
    project = directory / "dbt_project.yml"
    declared = yaml.safe_load(project.read_text()) if project.exists() else {"name": NAMED}
    if not str(declared.get("name")).startswith(NAMED):
        raise DriftmeterError(
            "is a dbt project already",
            where=str(directory),
            fix="add the package and config.meta.monitor to it (docs/monitors.md), or run this in"
            " an empty directory",
        )
    if settings.dbt_project_dir() not in (directory, settings.EXAMPLE_PROJECT):
        raise DriftmeterError(
            f"DRIFTMETER_DBT_PROJECT names {settings.dbt_project_dir()}",
            where="driftmeter init",
            fix="unset it, or run this there",
        )


def _read_reference(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    first, _, last = text.partition("..")
    days = read_days(first, last)
    return {"from": days.from_date.isoformat(), "to": days.to_date.isoformat()}


def _monitor_name(text: str) -> str:
    """A name that dbt takes for a model."""
    name = re.sub(r"\W+", "_", text.lower())
    return name if not name[:1].isdigit() else f"monitor_{name}"


def _check_block(name: str, block: dict[str, Any]) -> None:
    from pydantic import ValidationError

    from python_metrics.monitors.config import Monitor

    try:
        Monitor(**{**block, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        option = (
            f"--{str(first['loc'][0]).replace('_', '-')}" if first["loc"] else "driftmeter init"
        )
        raise DriftmeterError(
            first["msg"].removeprefix("Value error, "), where=option, fix="choose another"
        ) from error


def _files(
    directory: Path, monitor: str, proposal: "Proposal", block: dict[str, Any]
) -> dict[Path, str]:
    """What the project's files hold with this monitor in it."""
    path = directory / "dbt_project.yml"
    project = yaml.safe_load(path.read_text()) if path.exists() else _new_project(directory)
    listed = sorted({*project["vars"]["monitors"], monitor})
    packages = {"packages": [{"local": str(settings.DBT_PACKAGE)}]}
    files = {
        path: _yaml({**project, "vars": {**project["vars"], "monitors": listed}}),
        directory / "packages.yml": _yaml(packages),
        directory / "models" / f"{monitor}.sql": _model(monitor, proposal),
        directory / "models" / f"{monitor}.yml": _yaml(_declaration(monitor, proposal, block)),
    }
    if not (directory / ".gitignore").exists():
        files[directory / ".gitignore"] = IGNORED
    return files


def _new_project(directory: Path) -> dict[str, Any]:
    name = NAMED + re.sub(r"\W+", "_", directory.name.lower())
    return {
        "name": name,
        "version": "1.0.0",
        "profile": "driftmeter",
        "flags": {"send_anonymous_usage_stats": False},
        "vars": {"monitors": []},
        # Views over the tables that hold the predictions: what a job writes is there at once.
        "models": {name: {"+materialized": "view", "+schema": "inference"}},
    }


def _model(monitor: str, proposal: "Proposal") -> str:
    from python_metrics.monitors.proposal import quote

    columns = [f"    {quote(name)}" for name in _selected(proposal)]
    columns.append(f"    {proposal.day} as partition_date")
    if "model_version" not in proposal.fields:
        columns.append(f"    'unversioned'::text as {VERSION}")
    # Jinja reads what is in braces; a column may be named like that.
    selected = ",\n".join(columns).replace("{{", "{{ '{{' }}")
    return f"select\n{selected}\nfrom {{{{ source('{monitor}_source', '{monitor}') }}}}\n"


def _selected(proposal: "Proposal") -> list[str]:
    roles = ("timestamp", "id", "prediction", "target", "model_version")
    named = [proposal.fields[role] for role in roles if role in proposal.fields]
    every = [*named, *proposal.fields["features"], *proposal.fields["segments"]]
    return [name for name in proposal.columns if name in every and name != "partition_date"]


def _declaration(monitor: str, proposal: "Proposal", block: dict[str, Any]) -> dict[str, Any]:
    columns = [
        {"name": name, "data_type": proposal.columns[name].data_type}
        for name in _selected(proposal)
    ]
    columns.append(
        {
            "name": "partition_date",
            "data_type": "date",
            "description": f"Day of the row, in {block['timezone']}.",
        }
    )
    if "model_version" not in proposal.fields:
        columns.append({"name": VERSION, "data_type": "text", "description": "None is recorded."})
    return {
        "version": 2,
        "sources": [
            {
                "name": f"{monitor}_source",
                "schema": proposal.schema,
                "tables": [{"name": monitor, "identifier": proposal.table}],
            }
        ],
        "models": [{"name": monitor, "config": {"meta": {"monitor": block}}, "columns": columns}],
    }


def _yaml(content: dict[str, Any]) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))


def _reasons(proposal: "Proposal") -> Any:
    """Each field, what is proposed, and why."""
    from rich.table import Table

    shown = Table("field", "proposal", "why", title=f"{proposal.schema}.{proposal.table}")
    for name, value in proposal.fields.items():
        if name == "features":
            kinds = [about["kind"] for about in value.values()]
            text = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        elif name == "reference":
            text = f"{value['from']} to {value['to']}"
        else:
            text = ", ".join(value) if isinstance(value, list) else str(value)
        shown.add_row(name, text, proposal.reasons[name])
    for name, reason in proposal.left_out.items():
        shown.add_row("(left out)", name, reason)
    return shown
