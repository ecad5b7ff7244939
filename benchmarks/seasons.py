"""A yearly wave of months: false alarms and power, with a level for each month and without.

    python -m benchmarks.seasons                   # a quarter of an hour on two cores

Every number moves with the month of the year, by a sine of the given size in its own standard
deviations. Judged are 30 months after the reference. Without levels the same batches are judged as
weeks are, which have none. False alarms are months with an alarm of a column, at one in 30; a shift
of half a standard deviation is planted in one column from the first judged month on, and must be
found within three months.
"""

from typing import Any

import numpy as np

from benchmarks import command_line, judges, streams
from benchmarks.cells import run_cells
from benchmarks.detection import RESULTS, interval, interval_of_streams
from benchmarks.streams import FIRST, NUMBERS, Stream
from driftmeter.monitors.cadence import MONTHS, Every
from driftmeter.monitors.config import usual_budget

SEED = 20261130
JUDGED, WITHIN, SHIFT = 30, 3, 0.5
EFFECT = 0.05
# Rows a month, months of reference, and the size of the wave.
CELLS = (
    (300, 36, 0.0),
    (300, 36, 0.3),
    (300, 36, 1.0),
    (300, 60, 0.3),
    (24, 36, 0.3),
    (2500, 36, 0.3),
    # Years that are no whole ones, and too few of them for levels.
    (300, 40, 0.3),
    (300, 24, 0.3),
)
# What judges the same batches, by the cadence whose levels it has.
LEVELS: dict[str, Every] = {"levels of months": "month", "without": "week"}


def months(generator: np.random.Generator, rows: int, count: int, size: float) -> judges.Frames:
    """Calm months in order, from that of `FIRST` on."""
    stream = Stream(rows, EFFECT)
    first = int(FIRST.astype("datetime64[M]").astype(int)) % MONTHS
    wave = size * np.sin(2 * np.pi * (first + np.arange(count)) / MONTHS)
    effects = generator.normal(0, EFFECT, (count, len(NUMBERS)))
    return [stream.day(generator, effect + at) for effect, at in zip(effects, wave, strict=True)]


def run(rows: int, reference: int, size: float, repeat: int) -> dict[str, tuple[int, bool]]:
    """Of one stream: months with a false alarm, and whether the shift was found, by levels."""
    generator = np.random.default_rng([SEED, rows, reference, round(100 * size), repeat])
    every_month = months(generator, rows, reference + JUDGED, size)
    before, calm = every_month[:reference], every_month[reference:]
    fault = streams.shifted("normal", SHIFT)
    changed = [fault(frame, generator, place) for place, frame in enumerate(calm[:WITHIN])]
    answer = {}
    for name, every in LEVELS.items():
        alarms, found = (
            [
                judges.alarms(day)
                for day in judges.ours(
                    before, later, usual_budget(every), classify=False, every=every
                )
            ]
            for later in (calm, changed)
        )
        is_found = any(alarm.column_name == "normal" for day in found for alarm in day)
        answer[name] = (sum(bool(day) for day in alarms), is_found)
    return answer


def _figures(
    answers: list[dict[str, tuple[int, bool]]], rows: int, reference: int, size: float
) -> dict[str, Any]:
    """False alarms and found shifts, with levels and without, with their intervals."""
    result: dict[str, Any] = {"rows": rows, "months": reference, "wave": size}
    for name in LEVELS:
        alarms = [answer[name][0] for answer in answers]
        hits = sum(answer[name][1] for answer in answers)
        low, high = interval_of_streams(alarms, JUDGED)
        result[name] = {
            "false_alarms_in_30": float(np.mean(alarms)),
            "interval": [JUDGED * low, JUDGED * high],
            "found": hits / len(answers),
            "interval_of_found": interval(hits, len(answers)),
        }
    return result


def main() -> None:
    """Run every cell, print a line each, and write the figures."""
    options = command_line.of_streams(__doc__, 40, RESULTS).parse_args()
    run_cells(options, options.out / "seasons.json", SEED, CELLS, run, _figures)


if __name__ == "__main__":
    main()
