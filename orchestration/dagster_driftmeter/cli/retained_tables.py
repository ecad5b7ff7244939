"""Which tables a project lets Driftmeter shorten, and for how long it keeps them."""

from collections.abc import Mapping, Sequence

from dagster_driftmeter.dbt.project_file import NAME, read_project
from dagster_driftmeter.runs.environment import own_tables
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse.retention.drop import KINDS, METRICS, Kind, Table


def declared_ages() -> dict[Kind, str]:
    """Ages of the variable `retain` in the project's ``dbt_project.yml``; none where it has none.

    Raises
    ------
    DriftmeterError
        If it is no mapping of kinds to ages.
    """
    directory = settings.dbt_project_dir()
    variables = read_project(directory).get("vars")
    declared = (variables.get("retain") if isinstance(variables, dict) else None) or {}
    if not isinstance(declared, dict) or not declared.keys() <= set(KINDS):
        raise DriftmeterError(
            "is not a mapping of kinds of tables to ages",
            where=f"{directory / NAME}, vars.retain",
            fix=f"write an age for one or more of {', '.join(KINDS)}",
        )
    return {kind: str(declared[kind]) for kind in KINDS if kind in declared}


def tables_of(kind: Kind, monitors: Mapping[str, Monitor], named: Sequence[str]) -> list[Table]:
    """Tables of one kind that are Driftmeter's to shorten.

    All of the metrics schema and of the example are. A team's own inference tables are its own,
    and only those that it names.

    Raises
    ------
    DriftmeterError
        If there is none.
    """
    if kind == "metrics":
        return [Table(name, kind) for name in METRICS]
    every = tuple(sorted(monitors))
    if own := own_tables():
        if kind in own:
            return [Table(name, kind, every) for name in own[kind]]
        return [table for monitor in monitors.values() for table in inference_of(monitor)]
    if kind != "inference":
        raise DriftmeterError(
            f"Driftmeter fills no {kind} tables in this project",
            where=f"--{kind}",
            fix="drop old rows of your own tables in the job that fills them",
        )
    if not named:
        raise DriftmeterError(
            "the inference tables belong to your project, so Driftmeter drops only what you name",
            where="--inference",
            fix="name each table that may lose rows: --table schema.table",
        )
    readers = {
        name: tuple(
            sorted(
                monitor.name
                for monitor in monitors.values()
                if name in {table.name for table in inference_of(monitor)}
            )
        )
        for name in named
    }
    # One that no monitor is declared on may be what all of their models read.
    return [Table(name, kind, readers[name] or every) for name in named]


def inference_of(monitor: Monitor) -> list[Table]:
    """A monitor's inference table, and that of its challengers."""
    names = [f"{monitor.schema_name}.{monitor.name}"]
    if monitor.challengers:
        names.append(f"{monitor.challengers.schema_name}.{monitor.challengers.table}")
    return [Table(name, "inference", (monitor.name,)) for name in names]
