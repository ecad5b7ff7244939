"""`driftmeter init --check`: tries what monitors declare on their tables, and writes nothing."""

from collections.abc import Mapping

import typer

from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor
from driftmeter.warehouse import connection


def check_monitors() -> None:
    """Try each declared monitor's own SQL on the newest day of its table; ends with 1 if any fails.

    A line for each expression that fails names the monitor and the metric, and has Postgres's
    words. Probabilities of several classes are tried too: whether they add up to 1, and whether
    each class that is predicted has one; and whether each text and vector is of a type that fits.
    """
    prepare()
    wrong = _wrong_by_monitor(monitors())
    for name, monitor in monitors().items():
        tried = len(monitor.metrics) + (monitor.value is not None)
        if name not in wrong:
            say(f"{name}: its table is not built yet; `driftmeter run` builds it")
            continue
        for error in wrong[name]:
            say(str(error))
        if not wrong[name]:
            number = f"{tried} expression{'s' if tried > 1 else ''} of its own" if tried else "none"
            say(f"{name}: its YAML is right; SQL that was tried on its newest day: {number}")
    if any(wrong.values()):
        raise typer.Exit(1)


def tell_wrong_expressions(monitor: str | None) -> None:
    """Say, in a line each, what of one monitor or of all fails; a run goes on without it."""
    declared = {
        name: each
        for name, each in monitors().items()
        if monitor in (None, name)
        and (each.expressions or each.probabilities or each.table_columns != [*each.columns])
    }
    for errors in _wrong_by_monitor(declared).values():
        for error in errors:
            say(f"{error} The run goes on without it.")


def _wrong_by_monitor(declared: Mapping[str, Monitor]) -> dict[str, list[DriftmeterError]]:
    """What fails of each monitor's SQL and probabilities, of those whose table is built."""
    from dagster_driftmeter.runs.unbuilt import built_tables
    from driftmeter.arrival.wrong_kinds import wrong_kinds
    from driftmeter.performance.wrong_expressions import wrong_expressions
    from driftmeter.performance.wrong_probabilities import wrong_probabilities

    with connection.engine().connect() as session:
        return {
            name: [
                *wrong_kinds(session, declared[name]),
                *wrong_expressions(session, declared[name]),
                *wrong_probabilities(session, declared[name]),
            ]
            for name in built_tables(list(declared))
        }
