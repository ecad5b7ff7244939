"""Gives a monitor that was renamed in its YAML the history of its former name."""

from collections.abc import Iterable

import sqlalchemy as sa

from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor

# A monitor that measures under its new name already is not given another one's history.
IS_NEW = sa.text("select not exists (select from metrics.monitors where monitor = :name)")
FORMER = sa.text("select project, retired_at from metrics.monitors where monitor = :was")
RENAME = sa.text("select metrics.rename_monitor(:was, :name)")


def take_over_history(engine: sa.Engine, declared: Iterable[Monitor]) -> list[str]:
    """Rename what is stored of monitors whose YAML says `was`; a second call finds nothing to do.

    Returns
    -------
    list of str
        One line for people for each monitor that was renamed now, or begins anew because no
        monitor of this project was called so.

    Raises
    ------
    DriftmeterError
        If the login may not do it.
    """
    return [line for monitor in declared if monitor.was and (line := _renamed(engine, monitor))]


def _renamed(engine: sa.Engine, monitor: Monitor) -> str | None:
    names = {"was": monitor.was, "name": monitor.name}
    try:
        with engine.begin() as connection:
            if not connection.scalar(IS_NEW, names):
                return None
            former = connection.execute(FORMER, names).one_or_none()
            if former is None:
                return _anew(monitor, "is not in this warehouse")
            if former.project not in (None, monitor.project) and former.retired_at is None:
                return _anew(monitor, f"is one of the dbt project {former.project}, which keeps it")
            connection.execute(RENAME, names)
    except sa.exc.ProgrammingError as error:
        raise DriftmeterError(
            f"the history of {monitor.was} cannot be given to {monitor.name}"
            f" ({str(error.orig).strip().splitlines()[0]})",
            where=f"{monitor.name}.config.meta.monitor.was",
            fix="run `driftmeter up` as the owner of the schema metrics, and then this again",
        ) from error
    return f"{monitor.name}: has the history of {monitor.was}, which it was called before"


def _anew(monitor: Monitor, why: str) -> str:
    told = f"{monitor.name}: begins without a history, for the monitor {monitor.was} {why}"
    return f"{told}. Correct `was`, or remove it"
