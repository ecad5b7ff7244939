"""False alarms and power of the number of rows, on days whose truth is known.

    python -m benchmarks.row_counts                  # some minutes on one core
    python -m benchmarks.row_counts --streams 10     # quicker, wide intervals

Every stream has 59 reference days and 60 judged ones of 300 rows on average. Half of a day's rows
are lost on one of them. The level of the number of rows is its share of a budget of one false alarm
a month.
"""

import datetime as dt
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import command_line
from benchmarks.detection import interval, interval_of_streams
from benchmarks.judges import monitor_of
from benchmarks.streams import FIRST, REFERENCE_DAYS, Stream
from driftmeter.alarms.decision import level_of
from driftmeter.incidents.arrival import Partition, of_volume
from driftmeter.monitors.cadence import DAYS_A_MONTH
from driftmeter.quality.counts import Floats, Ints

SEED = 20261201
RESULTS = Path(__file__).parent / "results"
JUDGED, HALVED, ROWS = 60, 30, 300
DAYS = [FIRST.astype(object) + dt.timedelta(days=day) for day in range(REFERENCE_DAYS + JUDGED)]
MONITOR = monitor_of(Stream(30, 0.0).day(np.random.default_rng(SEED)), 1.0)
Logs = Callable[[np.random.Generator, int], Floats]


def _normal(deviation: float) -> Logs:
    return lambda generator, days: generator.normal(0, deviation, days)


def _carried(share: float) -> Logs:
    """Days whose effect, of standard deviation 0.2, goes on to the next by a share."""

    def logs(generator: np.random.Generator, days: int) -> Floats:
        effects = generator.normal(0, 0.2, days)
        for day in range(1, days):
            effects[day] = share * effects[day - 1] + np.sqrt(1 - share**2) * effects[day]
        return effects

    return logs


def _moved(deviation: float, moves: Callable[[Floats, np.random.Generator], Any]) -> Logs:
    return lambda generator, days: (
        generator.normal(0, deviation, days) + moves(np.arange(days, dtype=float), generator)
    )


# Logarithms of what days expect beside the usual.
KINDS: dict[str, Logs] = {
    "days differ by 5%": _normal(0.05),
    "days differ by 20%": _normal(0.2),
    **{f"the same, and go on by {share}": _carried(share) for share in (0.3, 0.6, 0.8, 0.95)},
    "a random walk": lambda generator, days: np.cumsum(generator.normal(0, 0.05, days)),
    "a trend that ends with the reference": _moved(
        0.1, lambda day, _: 0.006 * np.minimum(day, REFERENCE_DAYS)
    ),
    "a trend that goes on": _moved(0.1, lambda day, _: 0.004 * day),
    "half on weekends": _moved(0.1, lambda day, _: -0.7 * (day % 7 >= 5)),
    "half on 3% of days": _moved(
        0.1, lambda day, generator: -0.7 * (generator.random(len(day)) < 0.03)
    ),
    "rows that come in groups": lambda generator, days: np.log(generator.gamma(8, 1 / 8, days)),
}


def run(kind: str, repeat: int) -> tuple[int, bool]:
    """Judged days with an alarm, and whether the day is one that lost half of its rows."""
    generator = np.random.default_rng([SEED, sum(map(ord, kind)), repeat])
    expected = ROWS * np.exp(KINDS[kind](generator, len(DAYS)))
    rows = np.maximum(generator.poisson(expected), 1)
    calm = len(_alarms(rows))
    rows[REFERENCE_DAYS + HALVED] = max(rows[REFERENCE_DAYS + HALVED] // 2, 1)
    return calm, DAYS[REFERENCE_DAYS + HALVED] in _alarms(rows[: REFERENCE_DAYS + HALVED + 1])


def _alarms(rows: Ints) -> set[dt.date]:
    counted = dict(zip(DAYS, map(float, rows), strict=False))
    reference = {day: counted[day] for day in DAYS[:REFERENCE_DAYS]}
    judged = [
        Partition(day, "fresh", None, int(counted[day]), None, None)
        for day in DAYS[REFERENCE_DAYS : len(rows)]
    ]
    return {*of_volume(reference, judged, MONITOR)}


def main() -> None:
    """Run every kind of days; print a line each, and write figures and table."""
    options = command_line.of_streams(__doc__, 100, RESULTS).parse_args()
    level = level_of(MONITOR, "volume") * DAYS_A_MONTH
    print(f"seed {SEED}; level {level:.3f} a month", flush=True)
    lines = ["| days | with a false alarm a month | lost half found |", "|---|---|---|"]
    cells = []
    with ProcessPoolExecutor(options.workers) as pool:
        for kind in KINDS:
            answers = [*pool.map(run, [kind] * options.streams, range(options.streams))]
            hits, found = [calm for calm, _ in answers], sum(is_found for _, is_found in answers)
            rate = sum(hits) / (JUDGED * len(hits))
            calm = [DAYS_A_MONTH * bound for bound in (rate, *interval_of_streams(hits, JUDGED))]
            power = [found / len(answers), *interval(found, len(answers))]
            cells.append({"days": kind, "calm": calm, "found": power, "streams": len(answers)})
            lines.append(f"| {kind} | {_shown(calm)} | {_shown(power)} |")
            print(lines[-1], flush=True)
    figures = {"seed": SEED, "level": level, "cells": cells}
    (options.out / "row_counts.json").write_text(json.dumps(figures, indent=1) + "\n")
    (options.out / "row_counts.md").write_text("\n".join(lines) + "\n")


def _shown(rate: list[float]) -> str:
    value, low, high = rate
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
