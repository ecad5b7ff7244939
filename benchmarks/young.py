"""False alarms and power with few reference days and few rows, beside peers on the same streams.

    python -m benchmarks.young                             # half an hour on two cores
    python -m benchmarks.young --streams 8                 # minutes, wide intervals
    python -m benchmarks.young --nannyml PATH/python       # with NannyML, in its own environment
    python -m benchmarks.young --every week --peers 0      # batches of a week, or a month
    python -m benchmarks.young --every hour --peers 0 --streams 3   # of an hour, by kind of stream

Calm streams count days with anything in the ledger: columns, segments, the error of a model, its
estimate and the number of rows, at one false alarm a month, or in 30 weeks or months. Every cell of
power has a fault from the first judged day on, and counts whether its column alarmed within 1, 3
and 28 days.

Hours are of four kinds (`streams.HourStream`), each in every cell; two weeks of them are judged,
and peers and the estimates of errors are left out.
"""

import functools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import command_line, judges, streams
from benchmarks.detection import MONTH, RESULTS, interval, interval_of_streams, known
from benchmarks.streams import Fault, HourStream, Stream
from driftmeter.monitors.cadence import HOURS, Every
from driftmeter.monitors.config import usual_budget

SEED = 20261129
ROWS = (24, 30, 300, 2500)
DAYS = (3, 7, 14, 28, 59)
# Of hours, whose days hold 24.
ROWS_AN_HOUR, DAYS_OF_HOURS = (24, 300, 2500), (3, 7, 14, 28)
JUDGED: dict[Every, int] = {"hour": 14 * HOURS, "day": 30, "week": 30, "month": 30}
WITHIN = (1, 3, 28)
# What is planted, where it is planted, and the column that must alarm.
FAULTS: dict[str, tuple[Fault, str]] = {
    "shift of 0.5 sd": (streams.shifted("normal", 0.5), "normal"),
    "shift of 1 sd": (streams.shifted("normal", 1.0), "normal"),
    "category 5% to 15%": (streams.more_of("6", 0.10), "ten"),
    "missing 0% to 10%": (streams.more_missing("normal", 0.0, 0.10), "normal"),
}


@dataclass(frozen=True)
class Cell:
    """A cell of the grid: rows a batch, reference batches, or days of hours, and what is planted.

    Nothing is where `fault` is None; `kind` is that of a stream of hours.
    """

    rows: int
    days: int
    fault: str | None
    kind: str | None = None


def cells(every: Every) -> Iterator[Cell]:
    """Every cell: calm ones first, then each fault."""
    is_hourly = every == "hour"
    kinds = streams.KINDS_OF_HOURS if is_hourly else (None,)
    for fault in (None, *FAULTS):
        for rows in ROWS_AN_HOUR if is_hourly else ROWS:
            for days in DAYS_OF_HOURS if is_hourly else DAYS:
                for kind in kinds:
                    yield Cell(rows, days, fault, kind)


Peers = dict[str, Callable[[judges.Frames, judges.Frames], list[list[str]]]]
# How often false alarms are counted: in a month of hours or days, or in 30 batches.
SPANS: dict[Every, float] = {"hour": HOURS * MONTH, "day": MONTH, "week": 30.0, "month": 30.0}


def batches(
    cell: Cell, effect: float, every: Every, generator: np.random.Generator
) -> tuple[judges.Frames, judges.Frames]:
    """A stream's reference batches and those that are judged."""
    judged = JUDGED[every] if cell.fault is None else max(WITHIN)
    if cell.kind is not None:
        before = cell.days * HOURS
        hours = HourStream(cell.rows, effect, cell.kind).hours(generator, before + judged)
        return hours[:before], hours[before:]
    stream = Stream(cell.rows, effect)
    reference = [stream.day(generator) for _ in range(cell.days)]
    # Faults are planted on the first of as many batches as are judged of calm ones.
    return reference, [stream.day(generator) for _ in range(JUDGED[every])][:judged]


def run(cell: Cell, repeat: int, effect: float, peers: Peers, every: Every) -> dict[str, list[int]]:
    """Of one stream by judge: calm, days with an alarm; else whether it was found in time."""
    of_kind = [] if cell.kind is None else [streams.KINDS_OF_HOURS.index(cell.kind)]
    generator = np.random.default_rng([SEED, cell.rows, cell.days, repeat, *of_kind])
    reference, later = batches(cell, effect, every, generator)
    if cell.fault is None:
        scored = [
            [streams.scored(frame, generator, effect, 1) for frame in frames]
            for frames in (reference, later)
        ]
        budget = usual_budget(every)
        is_estimated = every != "hour"
        # Segments of 20 values would be most of the time of so many hours.
        segments = ("part",) if is_estimated else ("two",)
        spent = judges.ledger(scored[0], scored[1], budget, segments, every, estimate=is_estimated)
        found = {name: judge(reference, later) for name, judge in peers.items()}
        return {
            name: [sum(bool(day) for day in days)]
            for name, days in {"driftmeter": spent, **found}.items()
        }
    fault, column = FAULTS[cell.fault]
    later = [fault(frame, generator, day) for day, frame in enumerate(later)]
    ours = [
        [verdict.column_name or "" for verdict in judges.alarms(day)]
        for day in judges.ours(reference, later, usual_budget(every), classify=False, every=every)
    ]
    found = {name: judge(reference, later) for name, judge in peers.items()}
    return {
        name: [int(any(_names(day, column) for day in days[:within])) for within in WITHIN]
        for name, days in {"driftmeter": ours, **found}.items()
    }


def _names(alarms: list[str], column: str) -> bool:
    return any(column in name.split() for name in alarms)


def measure(
    cell: Cell,
    repeats: int,
    effect: float,
    pool: ProcessPoolExecutor,
    peers: Peers,
    of_peers: int,
    every: Every,
) -> dict[str, object]:
    """A cell's rates by judge, with their intervals; peers judge the first streams only."""
    work = [
        pool.submit(run, cell, repeat, effect, peers if repeat < of_peers else {}, every)
        for repeat in range(repeats)
    ]
    results = [done.result() for done in work]
    rates: dict[str, object] = {}
    for name in results[0]:
        hits = np.array([result[name] for result in results if name in result])
        if cell.fault is None:
            of_days = [int(number) for number in hits[:, 0]]
            low, high = interval_of_streams(of_days, JUDGED[every])
            span = SPANS[every]
            rates[name] = [float(span * hits.mean() / JUDGED[every]), span * low, span * high]
        else:
            rates[name] = [
                [float(found.mean()), *interval(int(found.sum()), len(hits))] for found in hits.T
            ]
    return {**vars(cell), "streams": repeats, "effect": effect, "rates": rates}


def as_table(results: list[dict[str, object]], every: Every) -> str:
    """Markdown: false alarms with intervals, and shares found within 1, 3 and 28 batches."""
    is_hourly = every == "hour"
    of_span = "a month" if every in ("hour", "day") else f"in 30 {every}s"
    length = "day" if is_hourly else every
    lines = []
    for fault in (None, *FAULTS):
        chosen = [result for result in results if result["fault"] == fault]
        if not chosen:
            continue
        names = list(chosen[0]["rates"])  # type: ignore[call-overload]
        title = fault or f"Calm: {every}s with a false alarm {of_span}, the whole ledger"
        *first, last = map(str, WITHIN)
        within = (
            "" if fault is None else f": shares found within {', '.join(first)} and {last} {every}s"
        )
        lines += [
            f"\n### {title}{within}\n",
            f"| rows | reference {length}s |{' hours |' * is_hourly} {' | '.join(names)} |",
        ]
        lines.append("|---" * (len(names) + 2 + is_hourly) + "|")
        for result in chosen:
            rates = result["rates"]
            assert isinstance(rates, dict)
            shown = [
                "{:.2f} ({:.2f} to {:.2f})".format(*rates[name])
                if fault is None
                else " / ".join(f"{found[0]:.2f}" for found in rates[name])
                for name in names
            ]
            kind = f" {result['kind']} |" if is_hourly else ""
            lines.append(f"| {result['rows']:,} | {result['days']} |{kind} {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run every cell; print a line each, and write the figures and the table."""
    parser = command_line.of_streams(__doc__, 100, RESULTS)
    parser.add_argument("--effect", type=float, default=0.05, help="sd of a day's effect (0.05)")
    parser.add_argument("--peers", type=int, default=100, help="of these, that peers judge (100)")
    parser.add_argument("--nannyml", type=Path, help="a Python that has NannyML")
    parser.add_argument("--only", default="", help="'calm', or faults whose name holds this")
    parser.add_argument("--every", choices=SPANS, default="day", help="what a batch is (day)")
    parser.add_argument("--rows", type=int, help="only cells of so many rows")
    parser.add_argument("--kind", help="only hours of this kind")
    options = parser.parse_args()
    print(f"seed {SEED}, day effect {options.effect}, {options.streams} streams", flush=True)
    peers: Peers = {"Evidently": judges.evidently, "z-score": judges.z_score}
    if options.nannyml:
        peers["NannyML"] = functools.partial(judges.nannyml, python=options.nannyml)
    name = "young" if options.every == "day" else f"young_{options.every}"
    file = options.out / f"{name}.json"
    results = known(file, SEED)
    done = {(each["rows"], each["days"], each["fault"], each.get("kind")) for each in results}
    with ProcessPoolExecutor(options.workers) as pool:
        for cell in cells(options.every):
            is_asked = options.only in (cell.fault or "calm")
            is_asked &= options.rows in (None, cell.rows) and options.kind in (None, cell.kind)
            is_done = (cell.rows, cell.days, cell.fault, cell.kind) in done
            if is_done or not is_asked:
                continue
            asked = (cell, options.streams, options.effect, pool, peers, options.peers)
            results.append(measure(*asked, options.every))
            print(json.dumps(results[-1]), flush=True)
            figures = {"seed": SEED, "results": results}
            file.write_text(json.dumps(figures, indent=1) + "\n")
            file.with_suffix(".md").write_text(as_table(results, options.every))


if __name__ == "__main__":
    main()
