"""Loading days of trips beside a bare binary COPY of the same rows, in one run.

    .venv/bin/python -m benchmarks.loading

On a Postgres of its own, from a seed. `load_day` is given a day as Arrow rows and does all that a
load does: it deletes the day, writes trips, rejected rows, labels and the account of them, and
tells whether anything changed. The bare COPY is given the day's bytes, in the same table and
transaction by transaction; nothing is deleted, accounted or told. Rounds of both alternate, and
each begins with an empty table.
"""

import argparse
import datetime as dt
import json
import os
import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.own_warehouse import own_warehouse
from driftmeter.warehouse import connection, migrate
from driftmeter.warehouse.binary_rows import END, SIGNATURE, binary_blocks
from driftmeter.warehouse.months import make_months
from taxi.load_trips import load_day
from taxi.migrations import upgrade_raw
from taxi.sources.base import TRIPS, Batch
from taxi.sources.simulated import SimulatedSource

SEED = 7
ASKED = 0.7
# Rows a day, days of a round, rounds.
SIZES = [(1_000_000, 1, 5), (2_500, 30, 5)]
FIRST = dt.date(2019, 4, 1)
RESULTS = Path(__file__).parent / "results"
TABLES = "raw.trips, raw.rejected_trips, raw.loads, raw.late_labels, raw.labels_taken"
STATEMENT = f"copy raw.trips ({', '.join(TRIPS.names)}) from stdin (format binary)"
TYPES = "select attname, typname from pg_attribute join pg_type on pg_type.oid = atttypid"


@dataclass
class InMemory:
    """A source whose days have been read."""

    batches: Mapping[dt.date, Batch]
    name: str = "memory"
    signature: str = "memory"
    arrivals: Mapping[dt.date, dt.date] = field(default_factory=dict)

    def days(self) -> Sequence[dt.date]:
        return list(self.batches)

    def read_day(self, day: dt.date) -> Batch | None:
        return self.batches[day]

    def late_arrivals(self) -> Mapping[dt.date, dt.date]:
        return self.arrivals


def main() -> None:
    """Print and keep the figures; exit code 1 if a day of a million rows is loaded too slowly."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    seed = parser.parse_args().seed
    with own_warehouse():
        engine = connection.engine()
        migrate.upgrade(engine)
        upgrade_raw(engine)
        sizes = [measure(engine, seed, *size) for size in SIZES]
    figures: dict[str, Any] = {
        "seed": seed,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "columns": len(TRIPS),
        "asked_ratio": ASKED,
        "sizes": sizes,
    }
    (RESULTS / "loading.json").write_text(json.dumps(figures, indent=2) + "\n")
    (RESULTS / "loading.md").write_text(table(figures))
    print(table(figures))
    raise SystemExit(sizes[0]["ratio"] < ASKED)


def measure(engine: sa.Engine, seed: int, rows: int, days: int, rounds: int) -> dict[str, Any]:
    """Seconds of both ways over the same days, the median of the rounds."""
    simulated = SimulatedSource(seed=seed, trips_per_day=rows, schedule=())
    every = [FIRST + dt.timedelta(days=number) for number in range(days)]
    read = {day: simulated.read_day(day) for day in every}
    source = InMemory({day: batch for day, batch in read.items() if batch})
    with engine.begin() as session:
        make_months(session, "raw.trips", every)
    types = types_of_trips(engine)
    blocks = [
        [bytes(block) for block in binary_blocks(batch.trips, types)]
        for batch in source.batches.values()
    ]

    def load() -> None:
        for day in every:
            load_day(engine, source, day)

    def bare() -> None:
        for day in blocks:
            copy(engine, day)

    seconds: dict[str, list[float]] = {"bare": [], "load": [], "again": []}
    used = []
    for _ in range(rounds):
        seconds["bare"].append(timed(engine, bare))
        before = memory("VmRSS")
        # From here on the peak is counted anew.
        Path("/proc/self/clear_refs").write_text("5")
        seconds["load"].append(timed(engine, load))
        used.append(memory("VmHWM") - before)
        seconds["again"].append(timed(engine, load, empty=False))
    median = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "rows_a_day": rows,
        "days": days,
        "rounds": rounds,
        "bare_seconds": round(median["bare"] / days, 4),
        "load_seconds": round(median["load"] / days, 4),
        "load_again_seconds": round(median["again"] / days, 4),
        # Of each round's own two, which what else the machine does slows down alike.
        "ratio": round(
            statistics.median(
                bare / loaded for bare, loaded in zip(seconds["bare"], seconds["load"], strict=True)
            ),
            2,
        ),
        "mib_beside_the_rows": round(max(used) / 1024),
    }


def memory(name: str) -> int:
    """This process' memory in KiB as Linux counts it: VmRSS, now, or VmHWM, at most."""
    line = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert line
    return int(line[1])


def types_of_trips(engine: sa.Engine) -> dict[str, str]:
    """Types of the table's columns by name."""
    query = f"{TYPES} where attrelid = 'raw.trips'::regclass and attnum > 0"
    with engine.connect() as session:
        return dict(session.execute(sa.text(query)).tuples().all())


def copy(engine: sa.Engine, blocks: Sequence[bytes]) -> None:
    """Give Postgres bytes that are there."""
    with engine.begin() as session:
        driver: Any = session.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(STATEMENT) as stream:
            for block in (SIGNATURE, *blocks, END):
                stream.write(block)


def timed(engine: sa.Engine, work: Callable[[], None], empty: bool = True) -> float:
    """Seconds of some work, from an empty table and with nothing left to be written to disk."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        if empty:
            session.exec_driver_sql(f"truncate {TABLES}")
        session.exec_driver_sql("checkpoint")
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"Days of {figures['columns']} columns, seed {figures['seed']}, Python"
        f" {figures['python']}, {figures['cores']} cores; medians, seconds a day."
        " `python -m benchmarks.loading`",
        "",
        "| rows a day | bare COPY | load | ratio | asked | load in place of the same day |"
        " memory beside the rows |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {size['rows_a_day']:,} | {size['bare_seconds']:.3g} s | {size['load_seconds']:.3g} s |"
        f" {size['ratio']:.2f} | {figures['asked_ratio']} | {size['load_again_seconds']:.3g} s |"
        f" {size['mib_beside_the_rows']} MiB |"
        for size in figures["sizes"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
