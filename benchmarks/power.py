"""Whether `driftmeter power` keeps its word: what it calls found in four of five cases, planted.

    python -m benchmarks.power                   # a quarter of an hour on two cores
    python -m benchmarks.power --cells 1 5       # these again, of 0 to 9

In each stream the size is the one that `power` gives for that stream's own reference days. It is
planted from the next day on, and the judging says whether the column alarms in time.
"""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

from benchmarks import command_line, judges, streams
from benchmarks.detection import RESULTS, interval, known
from benchmarks.streams import FIRST, Fault, Stream
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_columns
from driftmeter.alarms.findable import findable
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
PLANTED: dict[str, tuple[str, Callable[[float], Fault]]] = {
    "mean": ("normal", lambda size: streams.shifted("normal", size)),
    "missing values": ("holes", lambda size: streams.more_missing("holes", 0.1, 0.1 + size)),
    "its most frequent category": ("ten", lambda size: streams.more_of("0", size)),
}


def run(place: int, repeat: int) -> tuple[float, bool]:
    """Of one stream: the size that is called findable, and whether it was found."""
    rows, days, change, longest = CELLS[place]
    column, planted = PLANTED[change]
    generator = np.random.default_rng([SEED, place, repeat])
    stream = Stream(rows, 0.05)
    reference = [stream.day(generator) for _ in range(days)]
    monitor = judges.monitor_of(reference[0], 1.0)
    binning = judges.Binning(monitor, pd.concat(reference, ignore_index=True))
    counts = binning.counts(reference, FIRST)
    columns = calibrate_columns(counts)
    # All columns together are judged too, and have their share; by what null makes no difference.
    calibration = Calibration(columns, days, {}, next(iter(columns.values())).null)
    part = ColumnPart(None, None, column)
    (found,) = [
        each
        for each in findable(monitor, calibration, counts[part], column)
        if each.change == change
    ]
    within, size = list(found.within.items())[-longest]
    if size is None:
        return float("nan"), False
    later = [planted(size)(stream.day(generator), generator, day) for day in range(within)]
    verdicts = judges.ours(reference, later, classify=False)
    return size, any(v.column_name == column for day in verdicts for v in judges.alarms(day))


def main() -> None:
    """Run every cell, print a line each, and write the figures."""
    parser = command_line.of_streams(__doc__, 100, RESULTS)
    parser.add_argument("--cells", type=int, nargs="*", help="only these, and again (all others)")
    options = parser.parse_args()
    print(f"seed {SEED}, {options.streams} streams", flush=True)
    file = options.out / "power.json"
    results = known(file, SEED)
    places = range(len(results), len(CELLS)) if options.cells is None else options.cells
    with ProcessPoolExecutor(options.workers) as pool:
        for place in places:
            rows, days, change, longest = CELLS[place]
            work = [pool.submit(run, place, repeat) for repeat in range(options.streams)]
            sizes, found = zip(*(done.result() for done in work), strict=True)
            share = float(np.mean(found))
            result = {
                "rows": rows,
                "reference_days": days,
                "change": change,
                "within": "longest window" if longest else "one day",
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
