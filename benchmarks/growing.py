"""False alarms while a reference grows: ten declared days, and calm days added until there are 30.

    python -m benchmarks.growing                 # a quarter of an hour on two cores

Calm days, each with an effect of its own; 11 columns without segments, at one false alarm a month.
Alarms of columns are counted on the 20 days or more while the reference grows, and on those after
it has grown.
"""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks import command_line, judges
from benchmarks.cells import run_cells
from benchmarks.detection import MONTH, RESULTS, interval_of_streams
from benchmarks.streams import FIRST, Stream
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_columns, judge_columns
from driftmeter.alarms.growing import GrowingReference
from driftmeter.alarms.verdicts import verdicts_of_day

SEED = 20261130
ROWS = (24, 300, 2500)
DECLARED, GROWN, JUDGED = 10, 30, 50
EFFECT = 0.05


def run(rows: int, repeat: int) -> tuple[int, int, int]:
    """Of one stream: days with an alarm while it grows and afterwards, and days while it grows."""
    generator = np.random.default_rng([SEED, rows, repeat])
    stream = Stream(rows, EFFECT)
    frames = [stream.day(generator) for _ in range(DECLARED + JUDGED)]
    monitor = judges.monitor_of(frames[0], 1.0)
    last = (FIRST + DECLARED - 1).item()
    spans = monitor.reference.model_copy(update={"to_date": last, "first": GROWN})
    monitor = monitor.model_copy(update={"reference": spans})
    counts = judges.Binning(monitor, pd.concat(frames[:DECLARED])).counts(frames, FIRST)
    days = judges.batches_of("day", len(frames))
    known_rows = {part: each.known.sum(axis=1) for part, each in counts.items()}
    reference = GrowingReference(monitor, days[:DECLARED], ())
    spent = [0, 0]
    growing = 0
    for alike, chosen in reference.in_turn(days[DECLARED:]):
        places = [days.index(day) for day in chosen]
        columns = calibrate_columns(
            {part: each.only(np.array(places)) for part, each in counts.items()}
        )
        evidence = judge_columns(columns, counts)
        of_reference = {part: float(each[places].sum()) for part, each in known_rows.items()}
        calibration = Calibration(columns, len(chosen), of_reference, None, grows=True)
        has_grown = len(chosen) >= GROWN
        for day in alike:
            place = days.index(day)
            of_day = {part: float(each[place]) for part, each in known_rows.items()}
            asked = (monitor, calibration, evidence, of_day, place, day, None, None)
            verdicts = list(verdicts_of_day(*asked))
            reference.away[day] = any(one.is_drifted or one.is_slow for one in verdicts)
            spent[has_grown] += any(one.is_drifted for one in verdicts)
            growing += not has_grown
    return spent[0], spent[1], growing


def _figures(answers: list[tuple[int, int, int]], rows: int) -> dict[str, Any]:
    """Alarms a month while the reference grew and afterwards, with their intervals."""
    before, after, growing = zip(*answers, strict=True)
    # Nearly the same number in every stream: an alarm lets a week grow nothing.
    days = round(float(np.mean(growing)))
    result: dict[str, Any] = {"rows": rows, "days_growing": days}
    for name, found, length in (("growing", before, days), ("grown", after, JUDGED - days)):
        low, high = interval_of_streams(found, length)
        rate = float(np.mean(found)) / length
        result[name] = [MONTH * each for each in (rate, low, high)]
    return result


def main() -> None:
    """Run every cell, print a line each, and write the figures."""
    options = command_line.of_streams(__doc__, 40, RESULTS).parse_args()
    cells = [(rows,) for rows in ROWS]
    run_cells(options, options.out / "growing.json", SEED, cells, run, _figures)


if __name__ == "__main__":
    main()
