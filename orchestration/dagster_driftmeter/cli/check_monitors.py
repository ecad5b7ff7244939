"""`driftmeter init --check`: tries what monitors declare on their tables, and writes nothing."""

import typer

from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_driftmeter.runs.environment import prepare
from dagster_driftmeter.runs.terminal import say
from driftmeter.warehouse import connection


def check_monitors() -> None:
    """Try each declared monitor's own SQL on the newest day of its table; ends with 1 if any fails.

    A line for each expression that fails names the monitor and the metric, and has Postgres's
    words.
    """
    from dagster_driftmeter.runs.unbuilt import built_tables
    from driftmeter.performance.wrong_expressions import wrong_expressions

    prepare()
    has_failed = False
    built = built_tables(list(monitors()))
    for name, monitor in monitors().items():
        tried = len(monitor.metrics) + (monitor.value is not None)
        if name not in built:
            say(f"{name}: its table is not built yet; `driftmeter run` builds it")
            continue
        with connection.engine().connect() as session:
            wrong = wrong_expressions(session, monitor)
        for error in wrong:
            say(str(error))
        has_failed |= bool(wrong)
        if not wrong:
            number = f"{tried} expression{'s' if tried > 1 else ''} of its own" if tried else "none"
            say(f"{name}: its YAML is right; SQL that was tried on its newest day: {number}")
    if has_failed:
        raise typer.Exit(1)


def tell_wrong_expressions(monitor: str | None) -> None:
    """Say, in a line each, which SQL of one monitor or of all fails; a run goes on without it."""
    from dagster_driftmeter.runs.unbuilt import built_tables
    from driftmeter.performance.wrong_expressions import wrong_expressions

    declared = {
        name: each
        for name, each in monitors().items()
        if monitor in (None, name) and each.expressions
    }
    with connection.engine().connect() as session:
        for name in built_tables(list(declared)):
            for error in wrong_expressions(session, declared[name]):
                say(f"{error} The run goes on without it.")
