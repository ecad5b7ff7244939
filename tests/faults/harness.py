"""Ends runs by faults, looks at what they leave, and runs the same days again."""

import os
import random
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from tests.faults.inflict import FAULTS, OWN_MOMENT, kill_run
from tests.faults.warehouse import Contents, Warehouse, differences, faults_of

PATIENCE_SECONDS = 600
NOTED = "select count(*) >= {} from metrics.measured_inputs where step = '{}'"
# Points of a first run at which it may be killed, each by a query that is true from then on. Notes
# of the reference's 59 days come before those of the eight days.
MOMENTS = {
    "before dbt": NOTED.format(1, "tests"),
    "dbt's models built, tests to come": NOTED.format(1, "quality"),
    "outcomes of dbt's tests stored": NOTED.format(1, "tests") + " and fingerprint is not null",
    "some days of drift": "select count(*) >= 3 from metrics.partitions",
    "drift, no performance": "select count(*) >= 8 from metrics.partitions",
    "some days of performance": NOTED.format(3, "performance") + " and fingerprint is not null",
    "performance, no incidents": NOTED.format(8, "performance") + " and fingerprint is not null",
    "incidents, no page": "select count(*) > 0 from metrics.incidents",
    "a page, the others to come": "select count(report_url) > 0 from metrics.incidents",
    "pages noted, before the summary": "select count(*) > 0 and count(*) filter"
    " (where report_url is null and family not in ('volume', 'missing_day', 'empty_day',"
    " 'late_data')) = 0 from metrics.incidents",
}


@dataclass(frozen=True)
class Case:
    """One fault and what came of it.

    Attributes
    ----------
    wrong : tuple of str
        What the warehouse may not hold: after the fault, and after another run.
    cut_off : bool
        Whether the run ended by it; one that a fault came too late for, or that went on, did not.
    new, old, stale : int
        Days after the fault: measured of the new rows, of the old ones, and to be measured again.
    """

    kind: str
    second: float
    what: str
    cut_off: bool
    new: int
    old: int
    stale: int
    wrong: tuple[str, ...]


def suffer(
    warehouse: Warehouse,
    kind: str,
    draw: random.Random,
    seconds: float,
    old: Contents,
    new: Contents,
) -> Case:
    """Run the days in a copy, end that by a fault, check, and run them again.

    Parameters
    ----------
    seconds : float
        That an undisturbed run takes: the fault comes at any moment of it.
    """
    begins = {"dagster": warehouse.begin_in_dagster, "queue": warehouse.begin_in_queue}
    with warehouse.copy("fault") as name:
        run, started = begins.get(kind, warehouse.begin)(name), time.monotonic()
        if kind not in OWN_MOMENT:
            time.sleep(draw.uniform(0, seconds))
        what = FAULTS[kind](warehouse, name, run, draw)
        second = time.monotonic() - started
        ended = run.wait(PATIENCE_SECONDS)
        if kind == "process":
            # What one process leaves behind ends by itself, or with the machine.
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
        last_line = warehouse.last_line(name)
        warehouse.put_right()
        left = _left(warehouse, name)
        wrong = [f"after the fault: {fault}" for fault in faults_of(left, old, new)]
        of_new = sum(
            left.by_day["measured_inputs"].get(day) == rows
            for day, rows in new.by_day["measured_inputs"].items()
            if day in left.fresh
        )
        warehouse.run(name)
        again = warehouse.contents(name)
        wrong += [f"after another run: {name} differs" for name in differences(again, new)]
    return Case(
        kind,
        second,
        f"{what}: {last_line}" if ended > 0 else what,
        ended != 0,
        new=of_new,
        old=len(left.fresh) - of_new,
        stale=len(new.by_day["measured_inputs"]) - len(left.fresh),
        wrong=tuple(wrong),
    )


def kill_in_a_row(warehouse: Warehouse, whole: Contents) -> Iterator[Case]:
    """Kill a first run at a point of the chain, the next at the next point, and let the last be.

    Each chooses its days itself, and goes on with what the one before it left.

    Yields
    ------
    Case
        Of each run, the last of them with what differs from an undisturbed run.
    """
    with warehouse.copy("first", "empty") as name:
        for moment in MOMENTS:
            run, started = warehouse.begin(name, ()), time.monotonic()
            engine = warehouse.engine(name)
            was_before = not _is_at(engine, moment)
            while run.poll() is None and not _is_at(engine, moment):
                time.sleep(0.05)
            second, is_alive = time.monotonic() - started, run.poll() is None
            what = kill_run(warehouse, name, run, random.Random()) if is_alive else "had ended"
            run.wait(PATIENCE_SECONDS)
            engine.dispose()
            left = differences(_left(warehouse, name), whole)
            what = f"{what}; not yet as in the end: {', '.join(left) or 'nothing'}"
            yield Case(moment, second, what, is_alive and was_before, 0, 0, 0, ())
        started = time.monotonic()
        warehouse.run(name, ())
        wrong = tuple(f"{one} differs" for one in differences(warehouse.contents(name), whole))
        yield Case("to the end", time.monotonic() - started, "not killed", False, 0, 0, 0, wrong)


def _is_at(engine: sa.Engine, moment: str) -> bool:
    with engine.connect() as session:
        return bool(session.scalar(sa.text(MOMENTS[moment])))


def _left(warehouse: Warehouse, name: str) -> Contents:
    """What the warehouse holds once the statements of killed processes have ended."""
    busy = sa.text("select count(*) from pg_stat_activity where datname = :name")
    server = warehouse.engine("postgres")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        with server.connect() as session:
            if not session.scalar(busy, {"name": name}):
                break
        time.sleep(0.2)
    server.dispose()
    return warehouse.contents(name)


def overlap(warehouse: Warehouse, new: Contents, starters: Iterable[str]) -> list[str]:
    """Run the same days at once, from command lines or from Dagster; what differs from one run."""
    with warehouse.copy("overlap") as name:
        runs = []
        for starter in starters:
            begin = warehouse.begin_in_dagster if starter == "dagster" else warehouse.begin
            runs.append(begin(name))
        ended = [run.wait(PATIENCE_SECONDS) for run in runs]
        wrong = [f"a run failed: {warehouse.output(name)}"] if any(ended) else []
        return wrong + [f"{table} differs" for table in differences(warehouse.contents(name), new)]
