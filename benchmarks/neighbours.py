"""Different causes on neighbouring days that share a column: how many are told as one incident.

    driftmeter demo --from 2019-04-22 --to 2019-06-30 --monitor trip_duration
    python -m benchmarks.neighbours --days 2019-05-01 2019-06-30 --name simulated

Reads days as `benchmarks.diagnosis` does. Of each pair one fault is planted into a calm day and
another, of the same column and of another cause, into the day after; the first fault is gone by
then, and its day is among the days before the second. Both days' breaches are folded into
incidents. A pair counts as told apart if each fault is the kind and column of an incident of its
own; as one incident if a single incident holds both days' breaches of that column; else as not
found, where one of the two has no breach with that kind and column.
"""

import datetime as dt
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks import command_line
from benchmarks.detection import interval
from benchmarks.diagnosis import RESULTS, SEED, World, load_world
from benchmarks.planted import PLANTS, Planted
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.fold import Incident, fold
from driftmeter.incidents.stored_incidents import away_of
from driftmeter.monitors.config import Days

KINDS = (
    "missing_values", "unseen_category", "unit_change", "outliers", "shape_shift", "segment",
    "mix_shift",
)  # fmt: skip
APART, ONE, NOT_FOUND = "told apart", "one incident", "not found"
ONE_DAY = dt.timedelta(days=1)


def two_faults(
    world: World, day: dt.date, generator: np.random.Generator
) -> tuple[Planted, Planted]:
    """Faults of one column for a day and for the next, of different causes."""
    while True:
        kinds = [str(kind) for kind in generator.choice(KINDS, 2)]
        first, second = (
            PLANTS[kind](world.monitor, world.reference, world.frames[of], generator)
            for kind, of in zip(kinds, (day, day + ONE_DAY), strict=True)
        )
        differ = (first.kind, first.value) != (second.kind, second.value)
        # Of one kind, two faults are of different causes where each is in a part of its own.
        if differ and first.column == second.column:
            return first, second


def told(world: World, day: dt.date, first: Planted, second: Planted) -> tuple[str, list[Incident]]:
    """What became of two faults, and the incidents."""
    next_day = day + ONE_DAY
    breaches, away = {}, {}
    breaches[day], away[day] = _of_day(world, day, first)
    with world.holding(day, first.rows):
        breaches[next_day], away[next_day] = _of_day(world, next_day, second)
    incidents = fold(breaches, away)
    holders = [_holder(incidents, *fault) for fault in ((day, first), (next_day, second))]
    if None in holders:
        return NOT_FOUND, incidents
    return (ONE if holders[0] is holders[1] else APART), incidents


def _of_day(world: World, day: dt.date, planted: Planted) -> tuple[list[Breach], set]:  # type: ignore[type-arg]
    rows = world.predict(planted.rows, world.frames[day])
    return world.breaches(day, planted), away_of(world.monitor, world.alarms(day, rows))


def _holder(incidents: list[Incident], day: dt.date, planted: Planted) -> Incident | None:
    """The incident with the breach of a day that is of the planted kind and column."""
    return next(
        (
            incident
            for incident in incidents
            for on, breach in incident.history
            if on == day and breach.kind == planted.kind and planted.column in breach.columns
        ),
        None,
    )


def main() -> None:
    """Plant pairs, fold, count; print every pair that is not told apart."""
    parser = command_line.of_days(__doc__)
    parser.add_argument("--pairs", type=int, default=60, help="pairs of days (60)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="directory of the results")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    from dagster_driftmeter.dbt.project_manifest import monitors

    print(f"seed {options.seed}", flush=True)
    started = time.perf_counter()
    days = Days(**{"from": options.days[0], "to": options.days[1]})
    world = load_world(monitors()[options.monitor], days)
    calm = world.calm_days(days)
    firsts = [day for day in calm if day + ONE_DAY in calm]
    print(f"{len(calm)} calm days, {len(firsts)} followed by another", flush=True)
    generator = np.random.default_rng(options.seed)
    counts: Counter[str] = Counter()
    for _ in range(options.pairs):
        day = firsts[int(generator.integers(len(firsts)))]
        first, second = two_faults(world, day, generator)
        answer, incidents = told(world, day, first, second)
        counts[answer] += 1
        if answer != APART:
            print(f"{day}: {first.label} | then {second.label}: {answer}")
            for incident in incidents:
                said = "; ".join(f"{on}: {breach.diagnosis}" for on, breach in incident.history)
                print(f"    {said}", flush=True)
    low, high = interval(counts[ONE], options.pairs)
    figures = {
        "seed": options.seed,
        "trips": options.name,
        "pairs": options.pairs,
        **{answer: counts[answer] for answer in (APART, ONE, NOT_FOUND)},
        "share in one incident, 95% interval": [low, high],
    }
    print(json.dumps(figures, indent=1))
    print(f"{time.perf_counter() - started:.0f} s")
    file = options.out / f"neighbours_{options.name}.json"
    file.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
