"""Days of known events: false alarms and power, with and without the reference having seen them.

    python -m benchmarks.known_events                # a quarter of an hour on one core
    python -m benchmarks.known_events --streams 4    # minutes, wide intervals

Every stream has a reference of 59 calm days and later days, each of which is an event that moves
all columns and the number of rows: each number by a normal of so many standard deviations, each
category by that in log odds. An event either was never seen, or is one of a kind that moves alike
every time and that three reference days had. Faults are planted on top of it. Beside it, calm days
after a declared change that so many days are known of.
"""

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from benchmarks import streams
from benchmarks.detection import RESULTS, interval_of_streams
from benchmarks.judges import Binning, monitor_of
from benchmarks.streams import FIRST, NUMBERS, Fault, Stream
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.column import calibrate_anew, calibrate_columns, judge_column, judge_columns
from driftmeter.alarms.event_days import EventDays
from driftmeter.alarms.verdicts import verdicts_of_day
from driftmeter.incidents.arrival import Partition, of_volume
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.known_events import KnownEvent

SEED = 20261130
REFERENCE, LATER, SEEN = 59, 12, 3
EFFECT, ROWS = 0.05, 1000
# Standard deviation of events: of columns in their own, and of the logarithm of rows.
SIZES = {0.1: 0.3, 0.3: 0.9, 0.5: 1.5}
MULTIPLIED = ("lognormal", "skewed")


def new_category(frame: pd.DataFrame, generator: np.random.Generator, day: int) -> pd.DataFrame:
    """A tenth of the rows of column `ten` in a category that there never was."""
    return frame.assign(ten=frame["ten"].mask(generator.random(len(frame)) < 0.10, "new"))


FAULTS: dict[str, tuple[Fault | None, str]] = {
    "none": (None, ""),
    "shift of 1 sd": (streams.shifted("normal", 1.0), "normal"),
    "shift of 2 sd": (streams.shifted("normal", 2.0), "normal"),
    "missing 0% to 10%": (streams.more_missing("normal", 0.0, 0.10), "normal"),
    "missing 0% to 50%": (streams.more_missing("normal", 0.0, 0.50), "normal"),
    "category 5% to 15%": (streams.more_of("6", 0.10), "ten"),
    "new category, 10%": (new_category, "ten"),
}
DECLARED = ("as any day", "never seen", "seen on three days")
SINCE = (3, 7, 14, 28)


@dataclass(frozen=True)
class EventCell:
    """What is drawn: how far events go, whether they are declared and seen, and what is planted."""

    size: float
    declared: str
    fault: str


def cells() -> Iterator[EventCell]:
    """Every cell; faults on events of the size that is expected."""
    for declared in DECLARED:
        for size in SIZES:
            yield EventCell(size, declared, "none")
        for fault in list(FAULTS)[1:]:
            yield EventCell(0.3, declared, fault)


def of_event(
    frame: pd.DataFrame, moves: np.ndarray, seed: int, generator: np.random.Generator, size: float
) -> pd.DataFrame:
    """A calm day's rows as an event has them; events of one seed move alike."""
    moved = frame.copy()
    for name, move in zip(NUMBERS, moves, strict=True):
        deviation = {"lognormal": 0.7, "skewed": 0.7, "with_outliers": 2.0}.get(name, 1.0)
        by = size * move * deviation
        moved[name] = moved[name] * np.exp(by) if name in MULTIPLIED else moved[name] + by
    same = np.random.default_rng([SEED, seed])
    for name in streams.CATEGORIES:
        found = frame[name].value_counts(normalize=True).sort_index()
        odds = found.to_numpy() * np.exp(same.normal(0, size, len(found)))
        moved[name] = generator.choice(found.index.to_numpy(), len(frame), p=odds / odds.sum())
    return moved


@dataclass(frozen=True)
class EventStream:
    """A stream's calm days, what its events are like, and how large its days are."""

    repeat: int
    frames: list[pd.DataFrame]
    moves: np.ndarray
    logs: np.ndarray
    rows: np.ndarray

    @classmethod
    def draw(cls, repeat: int) -> "EventStream":
        """The stream of a number."""
        generator = np.random.default_rng([SEED, repeat])
        stream, days = Stream(ROWS, EFFECT, categories=40), REFERENCE + LATER
        frames = [stream.day(generator) for _ in range(days)]
        rows = ROWS * np.exp(generator.normal(0, 0.1, days))
        moves = generator.normal(size=(days, len(NUMBERS)))
        return cls(repeat, frames, moves, generator.normal(size=days), rows)

    def event(self, place: int, size: float, is_seen: bool) -> pd.DataFrame:
        """A day of an event; all of a kind that was seen move alike."""
        moves = self.moves[0] if is_seen else self.moves[place]
        seed = self.repeat if is_seen else 1000 * (self.repeat + 1) + place
        generator = np.random.default_rng([SEED, self.repeat, place])
        return of_event(self.frames[place], moves, seed, generator, size)


def run(repeat: int) -> dict[EventCell, tuple[int, int]]:
    """Of one stream by cell: events that are found, in columns and in the number of rows.

    Without a fault, events with any alarm; else those whose column alarmed.
    """
    stream = EventStream.draw(repeat)
    every = list(cells())
    return {cell: found for cell, found in zip(every, _found(stream, every), strict=True)}


def _found(stream: EventStream, every: list[EventCell]) -> Iterator[tuple[int, int]]:
    calibrated: dict[tuple[float, bool], tuple[Binning, Calibration]] = {}
    for cell in every:
        is_seen = cell.declared == DECLARED[2]
        key = (cell.size if is_seen else 0.0, is_seen)
        names = _names(cell.declared)
        days = [(FIRST + place).astype(dt.date) for place in range(REFERENCE + LATER)]
        expected = [
            KnownEvent(on=d, what=what) for d, what in zip(days, names, strict=True) if what
        ]
        monitor = monitor_of(stream.frames[0], 1.0).model_copy(update={"expected": tuple(expected)})
        if key not in calibrated:
            calibrated[key] = _calibrated(stream, cell.size, EventDays(names[:REFERENCE]), monitor)
        binning, calibration = calibrated[key]
        generator = np.random.default_rng([SEED, stream.repeat, every.index(cell)])
        fault, column = FAULTS[cell.fault]
        later = [stream.event(place, cell.size, is_seen) for place in range(REFERENCE, len(days))]
        later = [fault(frame, generator, 0) if fault else frame for frame in later]
        counts = binning.counts(later, FIRST + REFERENCE)
        named, nothing = EventDays(names[REFERENCE:]), np.ones(LATER, dtype=bool)
        # Each by itself: none of them is in what the others are compared with.
        evidence = judge_columns(calibration.columns, named.without(counts), nothing)
        evidence = {
            part: named.judged(
                each, part, calibration.columns[part], counts[part], nothing, calibration.events
            )
            for part, each in evidence.items()
        }
        alarmed = 0
        for place in range(LATER):
            today = {part: float(each.known[place].sum()) for part, each in counts.items()}
            day = days[REFERENCE + place]
            asked = (monitor, calibration, evidence, today, place, day, None, None)
            alarms = [v.column_name for v in verdicts_of_day(*asked) if v.is_drifted]
            alarmed += bool(alarms) if fault is None else column in alarms
        yield alarmed, _unusual_rows(stream, cell, monitor, names, days)


def _names(declared: str) -> tuple[str | None, ...]:
    """The name of each day's event, as it is declared."""
    if declared == DECLARED[0]:
        return (None,) * (REFERENCE + LATER)
    if declared == DECLARED[1]:
        return (*[None] * REFERENCE, *(f"event {place}" for place in range(LATER)))
    seen = {10 + 15 * number for number in range(SEEN)}
    return tuple(
        "promotion" if place in seen or place >= REFERENCE else None
        for place in range(REFERENCE + LATER)
    )


def _calibrated(
    stream: EventStream, size: float, named: EventDays, monitor: Monitor
) -> tuple[Binning, Calibration]:
    """The reference, with the events that it has seen."""
    frames = [
        stream.event(place, size, True) if name else stream.frames[place]
        for place, name in enumerate(named.names)
    ]
    binning = Binning(monitor, pd.concat(frames, ignore_index=True))
    counts = binning.counts(frames, FIRST)
    calm = named.without(counts)
    columns = calibrate_columns(dict(calm))
    known = {part: float(each.known.sum()) for part, each in calm.items()}
    seen = named.seen(columns, counts)
    return binning, Calibration(columns, REFERENCE, known, None, events=seen)


def _unusual_rows(
    stream: EventStream,
    cell: EventCell,
    monitor: Monitor,
    names: tuple[str | None, ...],
    days: list[dt.date],
) -> int:
    """Events whose number of rows is a breach."""
    logs = np.zeros(len(days))
    is_seen = cell.declared == DECLARED[2]
    for place in range(len(days)):
        if place >= REFERENCE or names[place]:
            logs[place] = stream.logs[0] if is_seen else stream.logs[place]
    rows = stream.rows * np.exp(SIZES[cell.size] * logs)
    counted = {day: float(rows[place]) for place, day in enumerate(days[:REFERENCE])}
    return sum(
        bool(of_volume(counted, [_partition(day, number, name)], monitor))
        for day, number, name in list(zip(days, rows, names, strict=True))[REFERENCE:]
    )


def _partition(day: dt.date, rows: float, event: str | None) -> Partition:
    return Partition(day, "fresh", None, max(round(rows), 1), None, None, event=event)


def after_change(since: int, repeat: int) -> tuple[int, int]:
    """Alarms of columns at 0.2% a day after so many days of a new normal, and of how many."""
    generator = np.random.default_rng([SEED, 7, repeat])
    stream = Stream(ROWS, EFFECT, categories=40)
    frames = [stream.day(generator) for _ in range(REFERENCE + since + LATER)]
    monitor = monitor_of(frames[0], 1.0)
    counts = Binning(monitor, pd.concat(frames[:REFERENCE])).counts(frames, FIRST)
    reference = {part: each.only(np.arange(REFERENCE)) for part, each in counts.items()}
    columns, alarms = calibrate_columns(reference), 0
    later = REFERENCE + since + np.arange(LATER)
    for part, column in columns.items():
        own = calibrate_anew(counts[part].only(REFERENCE + np.arange(since)), column)
        judged = judge_column(own, counts[part].only(later))
        alarms += int((judged.p_value <= 0.002).sum())
    return alarms, len(columns) * LATER


def main() -> None:
    """Run every cell and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=25)
    count = parser.parse_args().streams
    lines = [
        f"Seed {SEED}, {count} streams of {LATER} events a cell, {ROWS:,} rows a day, budget 1 a"
        " month. Share of events that alarm, with 95% intervals:"
        " of any column, or of the faulty one.",
        "",
        "| events move by | fault | " + " | ".join(DECLARED) + " |",
        "|---|---|" + "---:|" * len(DECLARED),
    ]
    figures: dict[EventCell, list[tuple[int, int]]] = {}
    since: dict[int, tuple[list[int], int]] = {}
    with ProcessPoolExecutor(max_workers=1) as pool:
        for found in pool.map(run, range(count)):
            for cell, told in found.items():
                figures.setdefault(cell, []).append(told)
        for days in SINCE:
            after = list(pool.map(partial(after_change, days), range(count)))
            since[days] = [each[0] for each in after], after[0][1]
            print(days, since[days], flush=True)
    for size, fault in dict.fromkeys((cell.size, cell.fault) for cell in figures):
        shares = [_share(figures[EventCell(size, how, fault)], 0) for how in DECLARED]
        lines.append(f"| {size} sd | {fault} | {' | '.join(shares)} |")
    lines += ["", "Of the number of rows, whose logarithm moves by:", ""]
    lines += ["| events move by | " + " | ".join(DECLARED) + " |", "|---|" + "---:|" * 3]
    for size, of_rows in SIZES.items():
        shares = [_share(figures[EventCell(size, how, "none")], 1) for how in DECLARED]
        lines.append(f"| {of_rows} | {' | '.join(shares)} |")
    heading = "Share of calm days that alarm (0.2% is intended), by how many days since a change"
    lines += ["", f"{heading} are known:", ""]
    lines += ["| days since | share with an alarm |", "|---:|---:|"]
    lines += [f"| {days} | {_interval(*found)} |" for days, found in since.items()]
    (RESULTS / "known_events.md").write_text("\n".join(lines) + "\n")
    kept = [{**vars(cell), "found": found, "of": LATER} for cell, found in figures.items()]
    content = {"seed": SEED, "cells": kept, "since": since}
    (RESULTS / "known_events.json").write_text(json.dumps(content) + "\n")


def _share(found: list[tuple[int, int]], what: int) -> str:
    return _interval([each[what] for each in found], LATER)


def _interval(found: list[int], trials: int) -> str:
    low, high = interval_of_streams(found, trials)
    return f"{sum(found) / (trials * len(found)):.1%} ({low:.1%} to {high:.1%})"


if __name__ == "__main__":
    main()
