"""Whether `driftmeter power` keeps its word: what it calls found in four of five cases, planted.

    python -m benchmarks.power                   # a quarter of an hour on two cores
    python -m benchmarks.power --cells 1 5       # these again, of 0 to 9
    python -m benchmarks.power --every hour      # hours, half an hour on two cores

In each stream the size is the one that `power` gives for that stream's own reference days. It is
planted from the next day on, and the judging says whether the column alarms in time. Of hours it is
planted from any hour of the day after the reference on.
"""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import command_line, judges, streams
from benchmarks.detection import RESULTS, interval, known
from benchmarks.streams import FIRST, Fault, HourStream, Stream
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_columns
from driftmeter.alarms.findable import findable
from driftmeter.monitors.cadence import HOURS, Every
from driftmeter.quality.histograms import ColumnPart

SEED = 20261129
# Rows a day, reference days, and the change; within its shortest or its longest window.
CELLS = (
    (300, 59, "mean", 0),
    (300, 59, "mean", 1),
    (2500, 28, "mean", 0),
    (24, 59, "mean", 0),
    (24, 28, "mean", 1),
    (300, 10, "mean", 0),
    (300, 59, "missing values", 0),
    (2500, 28, "missing values", 0),
    (300, 59, "its most frequent category", 0),
    (24, 59, "its most frequent category", 1),
)
# Of hours: rows an hour, days, the change and the window as above, and the kind of stream.
CELLS_OF_HOURS = (
    (24, 14, "mean", 0, "alike"),
    (24, 14, "mean", 1, "alike"),
    (24, 14, "mean", 0, "days differ"),
    (24, 14, "mean", 1, "days differ"),
    (300, 14, "mean", 0, "days differ"),
    (300, 14, "mean", 1, "days differ"),
    (300, 14, "mean", 1, "hours go on"),
    (300, 14, "its most frequent category", 1, "days differ"),
)
PLANTED: dict[str, tuple[str, Callable[[float], Fault]]] = {
    "mean": ("normal", lambda size: streams.shifted("normal", size)),
    "missing values": ("holes", lambda size: streams.more_missing("holes", 0.1, 0.1 + size)),
    "its most frequent category": ("ten", lambda size: streams.more_of("0", size)),
}


def run(every: Every, place: int, repeat: int) -> tuple[float, bool]:
    """Of one stream: the size that is called findable, and whether it was found."""
    rows, days, change, longest, *kind = cells(every)[place]
    column, planted = PLANTED[change]
    generator = np.random.default_rng([SEED, place, repeat])
    if every == "hour":
        reference, calm = _hours(generator, rows, days, kind[0])
    else:
        stream = Stream(rows, 0.05)
        reference = [stream.day(generator) for _ in range(days)]
    monitor = judges.monitor_of(reference[0], 1.0, every=every)
    binning = judges.Binning(monitor, pd.concat(reference, ignore_index=True))
    counts = binning.counts(reference, FIRST)
    columns = calibrate_columns(counts)
    # All columns together are judged too, and have their share; by what null makes no difference.
    calibration = Calibration(columns, days, {}, next(iter(columns.values())).null)
    part = ColumnPart(None, None, column)
    every_change = findable(monitor, calibration, counts[part], column)
    found = next(each for each in every_change if each.change == change)
    within, size = list(found.within.items())[-longest]
    if size is None:
        return float("nan"), False
    if every == "day":
        calm, begins = [stream.day(generator) for _ in range(within)], 0
    else:
        begins = int(generator.integers(HOURS))
    changed = calm[begins : begins + within]
    later = [planted(size)(frame, generator, number) for number, frame in enumerate(changed)]
    verdicts = judges.ours(reference, [*calm[:begins], *later], classify=False, every=every)
    told = (v for batch in verdicts[begins:] for v in judges.alarms(batch))
    return size, any(verdict.column_name == column for verdict in told)


def cells(every: Every) -> tuple[tuple[Any, ...], ...]:
    """The grid of a cadence."""
    return CELLS_OF_HOURS if every == "hour" else CELLS


def _hours(
    generator: np.random.Generator, rows: int, days: int, kind: str
) -> tuple[judges.Frames, judges.Frames]:
    """Hours of the reference, and calm ones of three days after it."""
    hours = HourStream(rows, 0.05, kind).hours(generator, HOURS * (days + 3))
    return hours[: HOURS * days], hours[HOURS * days :]


def main() -> None:
    """Run every cell, print a line each, and write the figures."""
    parser = command_line.of_streams(__doc__, 100, RESULTS)
    parser.add_argument("--every", choices=("day", "hour"), default="day", help="a batch (day)")
    parser.add_argument("--cells", type=int, nargs="*", help="only these, and again (all others)")
    options = parser.parse_args()
    print(f"seed {SEED}, {options.streams} streams", flush=True)
    every: Every = options.every
    file = options.out / ("power.json" if every == "day" else f"power_{every}.json")
    results, grid = known(file, SEED), cells(every)
    places = range(len(results), len(grid)) if options.cells is None else options.cells
    with ProcessPoolExecutor(options.workers) as pool:
        for place in places:
            rows, days, change, longest, *kind = grid[place]
            work = [pool.submit(run, every, place, repeat) for repeat in range(options.streams)]
            sizes, found = zip(*(done.result() for done in work), strict=True)
            share = float(np.mean(found))
            result = {
                "rows": rows,
                "reference_days": days,
                "change": change,
                **({"kind": kind[0]} if kind else {}),
                "within": "longest window" if longest else f"one {every}",
                "mean_size": float(np.nanmean(sizes)),
                "found": share,
                "streams": len(found),
                "interval": interval(sum(found), len(found)),
            }
            results[place : place + 1] = [result]
            print(json.dumps(result), flush=True)
            file.write_text(json.dumps({"seed": SEED, "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
