"""`driftmeter init`: a monitor of a table, or of a model of a team's dbt project."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import sqlalchemy as sa
import typer
from pydantic import ValidationError

from dagster_driftmeter.cli.arguments import read_days
from dagster_driftmeter.cli.check_monitors import check_monitors
from dagster_driftmeter.cli.project_files import (
    OWN_PROJECT,
    VERSION,
    change_of,
    project_with_model,
    project_with_table,
    project_with_view,
    write_together,
)
from dagster_driftmeter.dbt.packages import install_packages
from dagster_driftmeter.dbt.project_file import NAME, read_project
from dagster_driftmeter.dbt.project_manifest import read_manifest
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import console, say
from driftmeter import settings
from driftmeter.alarms.not_judged import NotJudged, listed
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.cadence import Every
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.requirements import LEAST_DAYS
from driftmeter.warehouse import connection

if TYPE_CHECKING:
    from driftmeter.monitors.proposal import Proposal
    from driftmeter.monitors.proposal.column_types import TableName

PACKAGE = "driftmeter"
# Who is on call until somebody says who is.
UNOWNED = "unowned"
# In which order a person reads them.
FIELDS = (
    "owner", "timestamp", "timezone", "batch", "every", "id", "prediction", "target", "task",
    "probabilities", "model_version", "features", "segments", "protected", "attributions",
    "reference", "label_delay_days", "alarm_budget",
)  # fmt: skip


def init(
    table: Annotated[
        Optional[str],
        typer.Option(
            metavar="SCHEMA.TABLE", help="Table of predictions; a dbt project is made for it."
        ),
    ] = None,
    model: Annotated[
        Optional[str],
        typer.Option(metavar="NAME", help="Model of predictions in this directory's dbt project."),
    ] = None,
    name: Annotated[
        Optional[str],
        typer.Option(help="Name of the monitor. Default: made from the table's or model's name."),
    ] = None,
    owner: Annotated[
        Optional[str],
        typer.Option(help=f"Team that is on call. Default: {UNOWNED}, until you name one."),
    ] = None,
    task: Annotated[
        Optional[str],
        typer.Option(help="The model's task: regression, classification or multiclass."),
    ] = None,
    timestamp: Annotated[
        Optional[str], typer.Option(help="Column that says when a row happened.")
    ] = None,
    timezone: Annotated[
        Optional[str], typer.Option(help="Time zone of the monitor's days. Default: UTC.")
    ] = None,
    timestamp_zone: Annotated[
        Optional[str],
        typer.Option(
            help="Time zone in which a timestamp without one was written. Default: --timezone."
        ),
    ] = None,
    every: Annotated[
        Optional[Every],
        typer.Option(help="How often a batch is scored. Default: as the rows come."),
    ] = None,
    batch: Annotated[
        Optional[str],
        typer.Option(
            metavar="COLUMN",
            help="Column with the date of a row's batch, such as that of the scoring run, if the"
            " timestamp does not say it.",
        ),
    ] = None,
    row_id: Annotated[
        Optional[str],
        typer.Option("--id", help="Column that identifies a row of a day; A,B for two together."),
    ] = None,
    prediction: Annotated[
        Optional[str],
        typer.Option(help="Column of the prediction: a probability, an amount or a class."),
    ] = None,
    target: Annotated[
        Optional[str],
        typer.Option(help="Column of the true outcome; 'none' if the table has no such column."),
    ] = None,
    labels: Annotated[
        Optional[str],
        typer.Option(
            metavar="SCHEMA.TABLE",
            help="Table of the true outcomes, or a model of the project, if they are in one of"
            " their own.",
        ),
    ] = None,
    labels_id: Annotated[
        Optional[str],
        typer.Option(
            metavar="COLUMN",
            help="Column of that table that says which prediction an outcome is of; A,B for two.",
        ),
    ] = None,
    model_version: Annotated[
        Optional[str], typer.Option(help="Column of the model version. A table may lack one.")
    ] = None,
    segments: Annotated[
        Optional[str], typer.Option(metavar="A,B", help="Columns that divide a day's rows.")
    ] = None,
    protected: Annotated[
        Optional[str],
        typer.Option(
            metavar="A,B",
            help="Columns such as gender, whose groups must be treated alike. None is guessed.",
        ),
    ] = None,
    reference: Annotated[
        Optional[str],
        typer.Option(
            metavar="FROM..TO",
            help="Reference period: days that show how things should be. first:30 for the first 30"
            " batches with rows; if the table has fewer, it grows by those that come.",
        ),
    ] = None,
    label_delay_days: Annotated[
        Optional[int],
        typer.Option(
            min=0, help="Days until a label is expected. Default: estimated from the table."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Write the files without asking.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Try the declared monitors' own SQL on their tables, and write nothing.",
        ),
    ] = False,
) -> None:
    """Propose a monitor for a table or a model, and write it to a dbt project.

    With --model, the current directory is your dbt project. The monitor is declared on that model,
    or on a view over it if the model has no partition_date or no model version. With --table, the
    command makes the current directory a small dbt project, or adds to one that it made before.
    Each proposed field comes with its reason and can be overridden by an option. If several
    columns fit a field, the command asks which one is meant; with --yes it lists these columns,
    writes nothing and ends. If every field is clear, --yes writes the files without asking.

    With --labels, the true outcomes are in a table of their own: the view joins them.

    With --check alone, the command tries the metrics and the value that the declared monitors'
    YAML has in SQL on the newest day of each table, and ends with exit code 1 if one fails.

    Example: driftmeter init --table public.scores --timezone Europe/Paris
    """
    directory = Path.cwd()
    if check:
        return check_monitors()
    _check_options(table, model, labels, labels_id)
    _check_directory(directory, of_model=model is not None)
    given = {
        "task": task,
        "timestamp": timestamp,
        "timezone": timezone,
        "timestamp_zone": timestamp_zone,
        "every": every,
        "batch": batch,
        "id": row_id,
        "prediction": prediction,
        "target": target,
        "labels": labels,
        "labels_id": labels_id,
        "model_version": model_version,
        "segments": segments.split(",") if segments is not None else None,
        "protected": protected.split(",") if protected is not None else None,
        "reference": _read_reference(reference),
        "label_delay_days": label_delay_days,
    }
    # From here on this directory is the project, before it has a file.
    os.environ["DRIFTMETER_DBT_PROJECT"] = str(directory)
    prepare(needs_project=False)
    models = _models() if model is not None or (directory / NAME).exists() else {}
    node = _built_model(models, model, "--model") if model is not None else None
    relation = _relation(node) if node else str(table)
    labels_node = _built_model(models, labels, "--labels") if labels in models else None
    if labels_node:
        given["labels"] = _relation(labels_node)
    known, kept = _declared(models, relation, model, name)
    chosen = {field for field, value in given.items() if value is not None}
    chosen |= {"owner"} if owner else set()
    if kept and not chosen:
        say(
            f"{known} is already declared: nothing to change. Its files stay as they are; an option"
            " changes a field, and --name declares another monitor"
        )
        return
    proposal = _proposed(
        relation, {**given, **_roles_kept(relation, kept, given)}, not yes and sys.stdin.isatty()
    )
    proposal.add(
        "owner",
        owner or UNOWNED,
        "as given" if owner else "no team is named yet: add --owner, or write it into the YAML",
    )
    for field in kept.keys() & proposal.fields.keys() - chosen:
        proposal.add(field, kept[field], "as its YAML says")
    named = [proposal.fields.get("target"), proposal.fields["id"], *proposal.fields["features"]]
    if lost := [column for column in named if column and column not in proposal.columns]:
        raise DriftmeterError(
            f"the view of {known} has {', '.join(lost)}, which these options leave out",
            where="driftmeter init",
            fix="give the options too that it was made with, such as --labels, or edit its files",
        )
    block = {"owner": proposal.fields["owner"], **proposal.fields}
    block.update({field: kept[field] for field in kept if field not in {*proposal.fields, *chosen}})
    block.setdefault("model_version", VERSION)
    if node is None:
        monitor = monitor_name(name or proposal.table.name)
        files = project_with_table(directory, monitor, proposal, block)
    elif name is None and _is_inference_table(proposal):
        monitor = str(node["name"])
        files = project_with_model(directory, node, proposal, block)
    else:
        monitor = monitor_name(name or f"{node['name']}_monitored")
        files = project_with_view(directory, node, monitor, proposal, block, labels_node)
    check_block(monitor, block)
    changed = {
        path: text for path, text in files.items() if not path.exists() or path.read_text() != text
    }
    console().print(_reasons(proposal))
    for part in proposal.not_judged:
        say(NotJudged(monitor, *part).sentence)
    if question := _may_be_protected(proposal):
        say(question)
    if not changed:
        say(f"{monitor} is already declared exactly like this: nothing to change")
        return
    for path, text in changed.items():
        say("\n" + change_of(path, text, directory))
    say("")
    if not yes and not sys.stdin.isatty():
        raise DriftmeterError(
            "cannot ask for confirmation: the input is not a terminal",
            where="driftmeter init",
            fix="add --yes to write this",
        )
    if not yes and not typer.confirm("Write these files?"):
        return
    write_together(changed)
    if any(path.name in ("packages.yml", "dependencies.yml") for path in changed):
        install_packages()
    days = proposal.fields["reference"]
    every = proposal.fields.get("every", "day")
    say(f"{monitor} is declared. To measure every {every} after {days['to']}, run:")
    say(f"  driftmeter run --monitor {monitor}")


def _check_options(
    table: str | None, model: str | None, labels: str | None, labels_id: str | None
) -> None:
    """Refuse options that leave open, or leave out, which table they are about."""
    if (table is None) == (model is None):
        raise DriftmeterError(
            "needs one table or one model",
            where="driftmeter init",
            fix="add --table SCHEMA.TABLE, or --model NAME in your dbt project",
        )
    if labels_id is not None and labels is None:
        raise DriftmeterError(
            "names a column of a table of labels, and no such table is named",
            where="--labels-id",
            fix="add --labels SCHEMA.TABLE",
        )


def _declared(
    models: dict[str, dict[str, Any]], relation: str, model: str | None, name: str | None
) -> tuple[str, dict[str, Any]]:
    """The monitor that would be written and what its YAML says of it by now, if it is declared.

    Raises
    ------
    DriftmeterError
        If it is another table's.
    """
    from driftmeter.monitors.proposal.column_types import read_name

    table = read_name(relation, "--table")
    names = [monitor_name(name)] if name else [f"{model}_monitored", str(model)]
    names = names if model or name else [monitor_name(table.name)]
    for monitor in names:
        node = models.get(monitor, {})
        block = node.get("config", {}).get("meta", {}).get("monitor")
        if not block:
            continue
        if model is None and _table_of(node) not in (None, table):
            raise DriftmeterError(
                f"the monitor {monitor} is of another table",
                where="driftmeter init",
                fix="name this one with --name",
            )
        return monitor, dict(block)
    return "", {}


def _table_of(node: dict[str, Any]) -> "TableName | None":
    """The table that a view of this command's is over; None where it is another model."""
    from driftmeter.monitors.proposal.column_types import TableName

    for key, source in read_manifest()["sources"].items():
        if key in node["depends_on"]["nodes"] and source["source_name"] == f"{node['name']}_source":
            return TableName(source["schema"], source["identifier"])
    return None


def _roles_kept(relation: str, kept: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Of a monitor that is declared, its columns and settings that no option is about."""
    from driftmeter.monitors.proposal import NONE
    from driftmeter.monitors.proposal.column_types import read_name, read_types
    from driftmeter.monitors.proposal.draft import ROLES

    named = read_name(relation, "--table")
    with connection.engine().connect() as session:
        columns = read_types(session, named, "--table")
    settled = {
        field: value
        for field, value in kept.items()
        if given.get(field, value) is None and (field not in ROLES or value in columns)
    }
    if kept and "target" not in kept and given["target"] is None and given["labels"] is None:
        settled["target"] = NONE
    return settled


def _proposed(relation: str, given: dict[str, Any], is_asked: bool) -> "Proposal":
    """What is proposed of a table, after a person has said what its data leave open."""
    from driftmeter.monitors.proposal import Undecided, propose

    while True:
        try:
            return propose(connection.engine(), relation, given)
        except Undecided as question:
            if not is_asked or not question.choices:
                raise
            is_choice = len(question.choices) > 1
            say(f"{question.what}." if is_choice else f"{question.what}. {question.fix}.")
            given[question.role] = _answer(question.role, question.choices)


def _answer(role: str, choices: tuple[str, ...]) -> str:
    """Which of the columns a person chooses; asked again until it is one of them."""

    def chosen(text: str) -> str:
        # A column may be called by a number, and is meant then.
        if text not in choices and text.isdecimal() and 0 < int(text) <= len(choices):
            return choices[int(text) - 1]
        if text not in choices:
            raise typer.BadParameter(f"{text!r} is neither one of these columns nor its number")
        return text

    say(f"Which column is the {role.replace('_', ' ')}?")
    for number, name in enumerate(choices, start=1):
        say(f"  {number}  {name}")
    return str(typer.prompt("Its number or name", value_proc=chosen, prompt_suffix=": "))


def _check_directory(directory: Path, of_model: bool) -> None:
    """A model is one of a project that is there; a table gets a project of its own."""
    project = directory / "dbt_project.yml"
    if of_model and not project.exists():
        raise DriftmeterError(
            "is not a dbt project: it has no dbt_project.yml",
            where=str(directory),
            fix="run this in your dbt project, or name a table with --table",
        )
    declared = read_project(directory) or {"name": OWN_PROJECT}
    if not of_model and not str(declared.get("name")).startswith(OWN_PROJECT):
        raise DriftmeterError(
            "is a dbt project already",
            where=str(directory),
            fix="name one of its models with --model, or run this in an empty directory",
        )
    named = os.environ.get(settings.PROJECT)
    if named and Path(named).resolve() != directory.resolve():
        raise DriftmeterError(
            f"DRIFTMETER_DBT_PROJECT names {Path(named).resolve()}",
            where="driftmeter init",
            fix="unset it, or run this in that directory",
        )


def _models() -> dict[str, dict[str, Any]]:
    """dbt's entries of the project's own models, by name."""
    nodes = read_manifest()["nodes"].values()
    return {
        str(node["name"]): dict(node)
        for node in nodes
        if node["resource_type"] == "model" and node["package_name"] != PACKAGE
    }


def _built_model(models: dict[str, dict[str, Any]], name: str, option: str) -> dict[str, Any]:
    """dbt's entry of a model that has a table or a view in the warehouse."""
    if name not in models:
        raise DriftmeterError(
            f"there is no model {name!r}",
            where=option,
            fix=f"use one of {', '.join(sorted(models))}"
            if models
            else "add a model of your predictions first",
        )
    node = models[name]
    with connection.engine().connect() as session:
        is_built = session.scalar(sa.text("select to_regclass(:name)"), {"name": _relation(node)})
    if is_built is None:
        raise DriftmeterError(
            f"{node['schema']}.{node['alias']} is not in this warehouse",
            where=option,
            fix=f"run `dbt run --select {name}`, or correct DRIFTMETER_DATABASE_URL",
        )
    return node


def _relation(node: dict[str, Any]) -> str:
    """A model's table, as SQL names it."""
    from driftmeter.monitors.proposal import quote

    return f"{quote(node['schema'])}.{quote(node['alias'])}"


def _may_be_protected(proposal: "Proposal") -> str | None:
    """One line on columns whose groups a person may declare; they are never declared by guess."""
    from driftmeter.monitors.proposal.features import may_be_protected

    if not (names := may_be_protected(proposal)):
        return None
    return (
        f"Must the groups of {listed(names)} be treated alike? Then add"
        f" --protected {','.join(names)}, and their rates are compared every"
        f" {proposal.fields.get('every', 'day')}"
    )


def _is_inference_table(proposal: "Proposal") -> bool:
    """Whether a model has all that a monitor's table has, just as it is."""
    from driftmeter.monitors.proposal import quote

    is_dated = "partition_date" in proposal.columns and "model_version" in proposal.fields
    if proposal.fields.get("every") == "hour":
        is_dated &= "partition_start" in proposal.columns
    # The day is made already, and an id or a category is read as text whatever its type.
    as_it_is = {proposal.fields["timestamp"]}
    as_it_is |= {c.name for c in proposal.selected if c.sql == f"{quote(c.name)}::text"}
    made = {column.name for column in proposal.selected if column.is_cast} - as_it_is
    return is_dated and not (made or proposal.labels)


def _read_reference(text: str | None) -> dict[str, Any] | None:
    """First and last day, or how many batches it has."""
    if text is None:
        return None
    name, is_counted, count = text.partition(":")
    if is_counted:
        if name != "first" or not count.isdigit() or int(count) < LEAST_DAYS:
            raise DriftmeterError(
                f"{text!r} is no reference period",
                where="--reference",
                fix="name its first and last day, such as 2026-01-01..2026-02-28, or the number of"
                f" its batches, such as first:30. It has at least {LEAST_DAYS}",
            )
        return {"first": int(count)}
    first, _, last = text.partition("..")
    days = read_days(first, last)
    return {"from": days.from_date.isoformat(), "to": days.to_date.isoformat()}


def monitor_name(text: str) -> str:
    """A name that dbt takes for a model: letters, digits and `_`, no digit first."""
    name = re.sub(r"\W+", "_", text.lower())
    return name if not name[:1].isdigit() else f"monitor_{name}"


def check_block(name: str, block: dict[str, Any]) -> None:
    """Refuse a block of YAML that no monitor could have.

    Raises
    ------
    DriftmeterError
        With the option that it is about.
    """
    try:
        Monitor(**{**block, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        option = (
            f"--{str(first['loc'][0]).replace('_', '-')}" if first["loc"] else "driftmeter init"
        )
        raise DriftmeterError(
            first["msg"].removeprefix("Value error, "), where=option, fix="choose another value"
        ) from error


def _reasons(proposal: "Proposal") -> Any:
    """Each field, what is proposed, and why."""
    from rich.table import Table

    shown = Table("field", "proposal", "why", title=str(proposal.table))
    for name in sorted({**proposal.fields, **proposal.absent}, key=FIELDS.index):
        if name in proposal.absent:
            shown.add_row(name, "none", proposal.absent[name])
            continue
        value = proposal.fields[name]
        if name == "features":
            kinds = [about["kind"] for about in value.values()]
            text = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds)))
        elif name == "reference":
            text = f"{value['from']} to {value['to']}"
            text += f", growing to {value['first']}" if value.get("first") else ""
        elif name == "probabilities" and not isinstance(value, str):
            text = ", ".join(value.values())
        elif name == "attributions":
            of_some = f" of {', '.join(value['features'])}" if value.get("features") else ""
            text = f"{value['prefix']}...{of_some}"
        elif name == "alarm_budget":
            text = f"{value['false_alarms_per_month']} false alarm a month"
        else:
            text = (", ".join(value) or "none") if isinstance(value, list) else str(value)
        shown.add_row(name, text, proposal.reasons[name])
    if proposal.labels is not None:
        keys = " and ".join(proposal.labels.conditions)
        shown.add_row("(in the view)", str(proposal.labels.table), f"joined on {keys}")
    for column in proposal.selected:
        if column.is_cast and not column.is_of_labels:
            shown.add_row("(in the view)", column.name, column.sql)
    for name, reason in proposal.left_out.items():
        shown.add_row("(left out)", name, reason)
    return shown
