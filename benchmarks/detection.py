"""False alarms and power, on days whose truth is known: this project and its peers in one run.

    python -m benchmarks.detection                         # an hour on two cores
    python -m benchmarks.detection --streams 10            # minutes, wide intervals
    python -m benchmarks.detection --nannyml PATH/python   # with NannyML, in its own environment
    python -m benchmarks.detection --faults                # planted faults only

Every stream has 59 reference days and then days to judge; the budget is one false alarm a month.
Peers run with the defaults their documentation advises: Evidently's DataDriftPreset, a column over
its threshold is an alarm; NannyML's UnivariateDriftCalculator with a chunk a day; a z-score of
missing share, mean and distinct count beyond 3 deviations of the 30 days before, as Elementary's
column monitors do. The oracle knows which statistic of which column changed, and how it varies over
calm days (`benchmarks.oracle`). Intervals are exact (Clopper and Pearson 1934) at 95%, and respect
that the days of one stream are alike.
"""

import argparse
import functools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import beta

from benchmarks import judges, oracle, streams
from benchmarks.oracle import Oracle, Statistic
from benchmarks.streams import CATEGORIES, NUMBERS, REFERENCE_DAYS, Fault, Stream

SEED = 20261123
RESULTS = Path(__file__).parent / "results"
BUDGET = 1.0
MONTH = 365.25 / 12
# Of the ledger of a monitor that has a target.
PARTS = ("columns", "error", "estimate", "volume")


@dataclass(frozen=True)
class Scenario:
    """Calm days, or a fault from the first judged day on.

    Attributes
    ----------
    days : int
        Judged days a stream.
    right : tuple of str
        Columns of which one must be in alarm; any where empty.
    judged : int or None
        Rows of a judged day, where they are others than the reference's.
    versions : int
        Of a model whose errors, estimates and numbers of rows are judged too; 0 without one.
    by_day : int
        An alarm on one of the first so many days counts.
    known : Statistic or None
        What the oracle tests.
    tests : int
        Over how many tests the oracle splits the budget.
    """

    name: str
    stream: Stream
    repeats: int
    days: int = 1
    fault: Fault | None = None
    right: tuple[str, ...] = ()
    by_day: int = 1
    segments: tuple[str, ...] = ()
    classify: bool = False
    peers: int = 0
    judged: int | None = None
    target: str = ""
    versions: int = 0
    budget: float = BUDGET
    known: Statistic | None = None
    tests: int = len(NUMBERS + CATEGORIES)


# Of planted faults, which share their reference days: NannyML compares all of them in one run.
TWO_THOUSAND = Stream(2000, 0.02)


def scenarios(r: int) -> Iterator[Scenario]:
    """Every scenario of the table, in its order; most have `r` streams or twice as many."""
    quick, few = r < 40, max(r // 16, 2)
    for rows, effect in ((300, 0.0), (300, 0.05), (2500, 0.0), (2500, 0.05)):
        stream = Stream(rows, effect)
        yield Scenario(
            f"calm, {rows:,} rows, day effect {effect}",
            stream,
            r // 2,
            30,
            peers=few,
            target="at most 1 a month",
        )
    yield Scenario(
        "calm, 100,000 rows, day effect 0.05", Stream(100_000, 0.05, 30), 1 if quick else 4, 30,
        target="at most 1 a month",
    )  # fmt: skip
    yield Scenario(
        "calm, 2,500 rows, day effect 0.02, segments and classifier", Stream(2500, 0.02), r // 5,
        30, segments=("part",), classify=True, target="at most 1 a month",
    )  # fmt: skip
    for carried in (0.3, 0.6, 0.8):
        yield Scenario(
            f"calm, 300 rows, day effect 0.1, one column's goes on by {carried}",
            Stream(300, 0.1, carried=carried), r // 2, 30, target="at most 1 a month",
        )  # fmt: skip
    yield Scenario(
        "calm, 30 rows, day effect 0.1", Stream(30, 0.1), r // 2, 30, target="at most 1 a month"
    )
    for pattern in streams.PATTERNS:
        yield Scenario(
            f"calm, 300 rows, day effect 0.1, one column has {pattern}",
            Stream(300, 0.1, pattern=pattern), r // 2, 30, target="at most 1 a month",
        )  # fmt: skip
    for budget in (0.5, 3.0):
        yield Scenario(
            f"calm, 300 rows, day effect 0.05, budget {budget:g}", Stream(300, 0.05), r // 2, 30,
            target=f"at most {budget:g} a month", budget=budget,
        )  # fmt: skip
    for versions in (1, 2):
        yield Scenario(
            f"calm, 300 rows, day effect 0.05, the whole ledger, versions: {versions}",
            Stream(300, 0.05), r // 5, 30, segments=("part",), versions=versions,
            target="at most 1 a month",
        )  # fmt: skip
    two, peers = TWO_THOUSAND, r
    yield Scenario(
        "mean shift 0.15 sd", two, 2 * r, fault=streams.shifted("normal", 0.15),
        right=("normal",), peers=peers, target=">= 0.95", known=oracle.mean_of("normal"),
    )  # fmt: skip
    for value in ("9", "8", "7", "3"):
        base = streams.TEN[int(value)]
        yield Scenario(
            f"category from {base:.0%} up by 2 points", two, r,
            fault=streams.more_of(value, 0.02), right=("ten",), peers=peers,
            target=">= 0.95", known=oracle.share_of("ten", value),
        )  # fmt: skip
    yield Scenario(
        "missing 10% to 14%", two, 2 * r, fault=streams.more_missing("holes", 0.10, 0.14),
        right=("holes",), peers=peers, target=">= 0.95", known=oracle.missing_of("holes"),
    )  # fmt: skip
    for column in ("normal", "lognormal", "skewed", "with_outliers"):
        yield Scenario(
            f"unit x1.5, {column}", two, r, fault=streams.scaled(column), right=(column,),
            peers=peers, target=">= 0.95", known=oracle.deviation_of(column),
        )  # fmt: skip
    yield Scenario(
        "correlation 0.8 to 0", two, r, fault=streams.decorrelated, classify=True,
        peers=peers, target=">= 0.95", known=oracle.correlation_of("left", "right"),
    )  # fmt: skip
    yield Scenario(
        "segment of 5% x1.5", two, r, fault=streams.in_segment("lognormal"),
        right=("lognormal",), segments=("part",), peers=peers, target=">= 0.9",
        known=oracle.log_mean_of("lognormal", "7"), tests=20 * len(NUMBERS + CATEGORIES),
    )  # fmt: skip
    yield Scenario(
        "0.01 sd at 1,000,000 rows (reference 100,000 a day)", Stream(100_000, 0.0, 30),
        1 if quick else 3, fault=streams.shifted("normal", 0.01), right=("normal",),
        judged=1_000_000, target="no alarm",
    )  # fmt: skip
    yield Scenario(
        "ramp of 0.02 sd a day, within 7 days", two, r, 7,
        fault=streams.ramp("normal", 0.02), right=("normal",), by_day=7, peers=peers,
        target=">= 0.9", known=oracle.mean_of("normal"),
    )  # fmt: skip


Result = dict[str, object]
Judge = Callable[[judges.Frames, judges.Frames], list[list[str]]]


def run(place: int, r: int, repeat: int, nannyml: Path | None) -> dict[str, list[int]]:
    """Hits of each judge on one stream: calm, days with an alarm; else 1 if the fault was found.

    The scenario is named by its place: faults are closures, which no process can be sent.
    """
    scenario = list(scenarios(r))[place]
    reference, later = _days(scenario, repeat)
    if scenario.versions:
        spent = judges.ledger(reference, later, scenario.budget, scenario.segments)
        by_part = {f"driftmeter, {part}": [sum(part in day for day in spent)] for part in PARTS}
        return {"driftmeter": [sum(bool(day) for day in spent)], **by_part}
    verdicts = judges.ours(
        reference, later, scenario.budget, scenario.segments, classify=scenario.classify
    )
    alarms_by_day = [judges.alarms(day) for day in verdicts]
    hits = {
        "driftmeter": [
            _hit(scenario, [[v.column_name or "" for v in day] for day in alarms_by_day])
        ]
    }
    if scenario.segments and scenario.fault:
        # The judged day's first alarm is in the segment and column that changed.
        first = alarms_by_day[0][0] if alarms_by_day[0] else None
        is_right = first is not None and first.segment_value == "7"
        hits["driftmeter, ranked first"] = [
            int(is_right and first is not None and first.column_name in scenario.right)
        ]
    if repeat < scenario.peers:
        peers: dict[str, Judge] = {"Evidently": judges.evidently, "z-score": judges.z_score}
        if nannyml and scenario.fault is None:
            peers["NannyML"] = functools.partial(judges.nannyml, python=nannyml)
        for name, judge in peers.items():
            hits[name] = [_hit(scenario, judge(reference, later))]
        if scenario.known:
            hits["oracle"] = [int(_oracle(place, r).finds(later[: scenario.by_day]))]
    return hits


def _days(scenario: Scenario, repeat: int) -> tuple[list[pd.DataFrame], list[pd.DataFrame]]:
    """Reference days and judged days of a stream: the same for the same scenario and repeat."""
    number = sum(map(ord, scenario.name))
    generator = np.random.default_rng([SEED, number, repeat])
    stream = scenario.stream
    after = replace(stream, rows=scenario.judged or stream.rows)
    if stream.is_ordered:
        every = stream.days(generator, REFERENCE_DAYS + scenario.days)
        reference, later = every[:REFERENCE_DAYS], every[REFERENCE_DAYS:]
    else:
        shared = np.random.default_rng([SEED, repeat]) if stream == TWO_THOUSAND else generator
        reference = [stream.day(shared) for _ in range(REFERENCE_DAYS)]
        later = [after.day(generator) for _ in range(scenario.days)]
    if scenario.versions:
        reference = [_scored(frame, generator, scenario) for frame in reference]
        later = [_scored(frame, generator, scenario) for frame in later]
    if scenario.fault:
        later = [scenario.fault(frame, generator, day) for day, frame in enumerate(later)]
    return reference, later


@functools.cache
def _oracle(place: int, r: int) -> Oracle:
    scenario = list(scenarios(r))[place]
    assert scenario.known is not None
    return Oracle(scenario.stream, scenario.known, scenario.tests, BUDGET / MONTH)


def nannyml_of_faults(r: int, python: Path, repeat: int) -> dict[str, int]:
    """Of each scenario with a fault whether NannyML finds it; all are chunks of one run."""
    planted = [each for each in scenarios(r) if each.fault and each.stream == TWO_THOUSAND]
    days = {each.name: _days(each, repeat) for each in planted}
    reference = days[planted[0].name][0]
    alarms = judges.nannyml(reference, [day for _, later in days.values() for day in later], python)
    found, start = {}, 0
    for each in planted:
        found[each.name] = _hit(each, alarms[start : start + each.days])
        start += each.days
    return found


def _scored(
    frame: pd.DataFrame, generator: np.random.Generator, scenario: Scenario
) -> pd.DataFrame:
    """A day of other length, with a model's predictions and their outcomes."""
    rows = int(scenario.stream.rows * np.exp(generator.normal(0, scenario.stream.day_effect)))
    frame = frame.sample(rows, replace=True, random_state=generator)
    return streams.scored(
        frame.reset_index(drop=True), generator, scenario.stream.day_effect, scenario.versions
    )


def _hit(scenario: Scenario, alarms: list[list[str]]) -> int:
    if scenario.fault is None:
        return sum(bool(day) for day in alarms)
    wanted = scenario.right
    return int(
        any(
            any(not wanted or any(column in name for column in wanted) for name in day)
            for day in alarms[: scenario.by_day]
        )
    )


def interval(hits: float, trials: float) -> tuple[float, float]:
    """Exact 95% interval of a share."""
    low = float(beta.ppf(0.025, hits, trials - hits + 1)) if hits else 0.0
    high = float(beta.ppf(0.975, hits + 1, trials - hits)) if hits < trials else 1.0
    return low, high


def interval_of_streams(hits: Sequence[int], trials: int) -> tuple[float, float]:
    """95% interval of a share, where the trials of one stream are alike.

    Exact, of as many trials as would tell as much if each were by itself (Korn and Graubard 1998).

    Parameters
    ----------
    hits : sequence of int
        Of each stream.
    trials : int
        Of each stream.
    """
    total, every = sum(hits), trials * len(hits)
    share = total / every
    by_chance = share * (1 - share) / trials
    alike = float(np.var(hits, ddof=1)) / trials**2 / by_chance if 0 < share < 1 < len(hits) else 1
    effect = max(alike, 1.0)
    return interval(total / effect, every / effect)


def measure(
    place: int,
    r: int,
    pool: ProcessPoolExecutor,
    nannyml: Path | None,
    found: list[dict[str, int]],
) -> Result:
    """One scenario's rates, with their intervals; `found` holds what NannyML found of faults."""
    scenario = list(scenarios(r))[place]
    started = time.perf_counter()
    totals: dict[str, list[int]] = {}
    if any(scenario.name in each for each in found):
        totals["NannyML"] = [each[scenario.name] for each in found]
    work = [pool.submit(run, place, r, repeat, nannyml) for repeat in range(scenario.repeats)]
    for done in work:
        for name, hits in done.result().items():
            totals.setdefault(name, []).extend(hits)
    trials = scenario.days if scenario.fault is None else 1
    rates = {}
    for name, hits in totals.items():
        low, high = interval_of_streams(hits, trials)
        rates[name] = {
            "hits": sum(hits),
            "trials": trials * len(hits),
            "rate": sum(hits) / (trials * len(hits)),
            "low": low,
            "high": high,
        }
    return {
        "scenario": scenario.name,
        "kind": "false alarms" if scenario.fault is None else "power",
        "target": scenario.target,
        "rates": rates,
        "seconds": round(time.perf_counter() - started, 1),
    }


def as_table(results: list[Result]) -> str:
    """The figures as Markdown: false alarms a month, and shares of faults found."""
    every = ["driftmeter", "oracle", "Evidently", "NannyML", "z-score"]
    lines = []
    for kind, heading in (
        ("false alarms", "Days with a false alarm, per month"),
        ("power", "Share of faults found"),
    ):
        names = [name for name in every if name != "oracle" or kind == "power"]
        lines += [f"\n### {heading}\n", f"| | asked | {' | '.join(names)} |"]
        lines.append("|---" * (len(names) + 2) + "|")
        factor = MONTH if kind == "false alarms" else 1
        for result in results:
            if result["kind"] != kind:
                continue
            rates = result["rates"]
            assert isinstance(rates, dict)
            cells = [
                f"{factor * rates[name]['rate']:.2f} ({factor * rates[name]['low']:.2f} to"
                f" {factor * rates[name]['high']:.2f})"
                if name in rates
                else ""
                for name in names
            ]
            extra = rates.get("driftmeter, ranked first")
            note = f"; ranked first {extra['rate']:.2f}" if extra else ""
            spent = [
                f"{part} {factor * rates[f'driftmeter, {part}']['rate']:.2f}"
                for part in PARTS
                if f"driftmeter, {part}" in rates
            ]
            note += f"; of {', '.join(spent)}" if spent else ""
            lines.append(
                f"| {result['scenario']} | {result['target']} | {cells[0]}{note} |"
                f" {' | '.join(cells[1:])} |"
            )
    return "\n".join(lines) + "\n"


def as_picture(results: list[Result]) -> str:
    """False alarms a month by judge, as SVG; the line is the budget."""
    colors = {
        "driftmeter": "#3274d9", "Evidently": "#f2802a", "NannyML": "#8f5bd6", "z-score": "#6e7a89",
    }  # fmt: skip
    rows, y = [], 40
    for result in results:
        rates = result["rates"]
        assert isinstance(rates, dict)
        if result["kind"] != "false alarms":
            continue
        rows.append(f'<text x="10" y="{y}" font-weight="600">{result["scenario"]}</text>')
        for name, color in colors.items():
            if name in rates:
                y += 18
                rate = MONTH * rates[name]["rate"]
                rows.append(
                    f'<text x="20" y="{y}">{name}</text><rect x="110" y="{y - 10}" height="12" '
                    f'width="{max(rate * 18, 1):.1f}" fill="{color}"/>'
                    f'<text x="{118 + rate * 18:.1f}" y="{y}">{rate:.2f}</text>'
                )
        y += 28
    line = 110 + 18 * BUDGET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{y}" '
        'font-family="system-ui, sans-serif" font-size="12">'
        '<rect width="100%" height="100%" fill="white"/>'
        '<text x="10" y="18" font-size="14">Days with a false alarm, per month; the line is the '
        "budget</text>"
        f'<line x1="{line}" x2="{line}" y1="26" y2="{y - 20}" stroke="#e02f44" '
        f'stroke-dasharray="4 3"/>{"".join(rows)}</svg>\n'
    )


def main() -> None:
    """Run every scenario; print a line each, and write table, figures and picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--streams", type=int, default=100, help="of most scenarios (100)")
    parser.add_argument("--nannyml", type=Path, help="a Python that has NannyML")
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--faults", action="store_true", help="planted faults only")
    parser.add_argument("--out", type=Path, help="directory of the results; goes on from those")
    options = parser.parse_args()
    print(f"seed {SEED}, budget {BUDGET} false alarm a month", flush=True)
    results = known(options.out / "detection.json" if options.out else None, SEED)
    done = {result["scenario"] for result in results}
    r, found = options.streams, []
    with ProcessPoolExecutor(2) as pool:
        if options.nannyml and (options.faults or not options.only):
            by_repeat = functools.partial(nannyml_of_faults, r, options.nannyml)
            found = list(pool.map(by_repeat, range(r)))
        for place, scenario in enumerate(scenarios(r)):
            is_asked = options.only in scenario.name and (scenario.fault or not options.faults)
            if not is_asked or scenario.name in done:
                continue
            result = measure(place, r, pool, options.nannyml, found)
            results.append(result)
            print(json.dumps(result), flush=True)
            if options.out:
                write(results, options.out)


def known(file: Path | None, seed: int) -> list[Result]:
    """Results of an earlier run that was stopped; empty where there are none of this seed."""
    if file is None or not file.exists():
        return []
    figures = json.loads(file.read_text())
    return list(figures["results"]) if figures["seed"] == seed else []


def write(results: list[Result], directory: Path) -> None:
    """Write the three files of the results."""
    figures = {"seed": SEED, "budget_per_month": BUDGET, "results": results}
    (directory / "detection.json").write_text(json.dumps(figures, indent=1) + "\n")
    (directory / "detection.md").write_text(as_table(results))
    (directory / "detection.svg").write_text(as_picture(results))


if __name__ == "__main__":
    main()
