"""Ends runs by faults, looks at what they leave, and runs the same days again."""

import os
import random
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from tests.faults.inflict import FAULTS
from tests.faults.warehouse import Contents, Warehouse, differences, faults_of

PATIENCE_SECONDS = 600


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
    second = draw.uniform(0, seconds)
    with warehouse.copy("fault") as name:
        run = warehouse.begin(name)
        time.sleep(second)
        what = FAULTS[kind](warehouse, name, run, draw)
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
