"""Right diagnoses of planted faults, on simulated and real trips whose tables are in a warehouse.

    driftmeter demo --from 2019-04-22 --to 2019-06-30 --monitor trip_duration
    python -m benchmarks.diagnosis --days 2019-05-01 2019-06-30 --name simulated

Reads the reference and the calm days from the warehouse of DRIFTMETER_HOME (or
DRIFTMETER_DATABASE_URL), plants one fault into one day at a time, and asks the project's own chain
from calibrated verdicts to breaches what happened. Predictions on a changed day are those of trees
that were fitted to the reference's predictions. A diagnosis is right if the first breach of the day
has the planted kind and names the planted column (or, for a relation or an error, one of the two);
a fault without any alarm is a miss, and counts as wrong.
"""

import contextlib
import datetime as dt
import itertools
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from benchmarks import command_line
from benchmarks.detection import interval
from benchmarks.error_tests import ErrorTests
from benchmarks.judges import Binning
from benchmarks.planted import PLANTS, Planted
from driftmeter.alarms.area import Area
from driftmeter.alarms.calibrate import Calibration
from driftmeter.alarms.classifier_null import fit_classifier_null
from driftmeter.alarms.column import calibrate_column, judge_columns
from driftmeter.alarms.trailing import HISTORY
from driftmeter.alarms.verdicts import verdicts_of_day
from driftmeter.arrival.inference_rows import DAY, VERSION, read_rows
from driftmeter.drift.domain_classifier import DomainClassifier
from driftmeter.drift.encoding import Encoding
from driftmeter.incidents.alarm import Alarm
from driftmeter.incidents.arrival import Partition, of_state, of_volume
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.cause import Day
from driftmeter.incidents.day import MOST_ROWS, breaches_of_rows
from driftmeter.incidents.distance import fit_bins
from driftmeter.incidents.event import SHOWN
from driftmeter.incidents.importance import feature_importance
from driftmeter.incidents.relations import fit_relations
from driftmeter.monitors.config import Days, Monitor
from driftmeter.performance.alarms import WORDS, ErrorAlarm
from driftmeter.performance.daily_error import CAPPED_ERROR
from driftmeter.performance.decided import EXCESS
from driftmeter.performance.error_cause import Learners
from driftmeter.warehouse import connection

SEED = 20261123
RESULTS = Path(__file__).parent / "results"


@dataclass
class World:
    """A monitor's reference and calm days, calibrated."""

    monitor: Monitor
    first: dt.date
    frames: dict[dt.date, pd.DataFrame]
    reference: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        span = self.monitor.reference
        days = sorted(self.frames)
        before = [self.frames[day] for day in days if day in span]
        whole = pd.concat(before, ignore_index=True)
        self.binning = Binning(self.monitor, whole)
        self.counts = self.binning.counts(
            [self.frames[day] for day in days], np.datetime64(self.first)
        )
        n = len(before)
        columns = {
            part: calibrate_column(each.only(np.arange(n)))
            for part, each in self.counts.items()
            if np.median(each.rows[:n]) >= self.monitor.min_rows
        }
        with connection.engine().connect() as session:
            null = fit_classifier_null(session, self.monitor)
        rows = {part: float(self.counts[part].known[:n].sum()) for part in columns}
        self.calibration = Calibration(columns, n, rows, null)
        self.classifier = DomainClassifier(whole, self.monitor.target)
        of_day = np.repeat(np.arange(n), [len(frame) for frame in before])
        sample = whole.assign(**{DAY: of_day}).sample(min(MOST_ROWS, len(whole)), random_state=1)
        self.reference = sample.drop(columns=DAY).reset_index(drop=True)
        self.bins = {
            name: fit_bins(column.kind, self.reference[name])
            for name, column in self.monitor.columns.items()
        }
        self.like = {
            weekday: pd.concat(
                [self.frames[day] for day in days if day in span and day.weekday() == weekday],
                ignore_index=True,
            )
            for weekday in range(7)
        }
        self.learners = {day: Learners(self.monitor, rows) for day, rows in self.like.items()}
        self.importance = feature_importance(self.monitor, self.reference)
        self.relations = fit_relations(
            self.monitor.features, self.reference, sample[DAY].to_numpy()
        )
        in_reference = {day: rows for day, rows in self.frames.items() if day in span}
        self.errors = ErrorTests(self.monitor, in_reference)
        self.calm_errors = {
            day: self.errors.of_day(day, rows)
            for day, rows in self.frames.items()
            if day not in span and len(rows)
        }
        self.rows = {day: float(len(self.frames[day])) for day in days if day in span}
        names = list(self.monitor.features)
        self.encoding = Encoding(self.reference[names])
        inputs = self.encoding.encode(self.reference[names])
        self.varied = np.ptp(inputs, axis=0) > 0
        self.model = HistGradientBoostingRegressor(max_iter=100, random_state=1).fit(
            inputs[:, self.varied], self.reference[self.monitor.prediction]
        )

    def calm_days(self, days: Days) -> list[dt.date]:
        """Those without a breach: a day's own could not tell what a planted fault is called."""
        return [
            day
            for day, rows in self.frames.items()
            if day in days and len(rows) and not self.breaches(day, Planted("none", None, "", rows))
        ]

    @contextlib.contextmanager
    def holding(self, day: dt.date, rows: pd.DataFrame) -> Iterator[None]:
        """Let later days find these rows on a day."""
        place, planted = (day - self.first).days, self.binning.counts([rows], np.datetime64(day))
        kept = {}
        for part, counts in self.counts.items():
            kept[part] = counts.known[place].copy(), counts.missing[place]
            counts.known[place], counts.missing[place] = (
                planted[part].known[0],
                planted[part].missing[0],
            )
        try:
            yield
        finally:
            for part, (known, missing) in kept.items():
                self.counts[part].known[place], self.counts[part].missing[place] = known, missing

    def predict(self, rows: pd.DataFrame, calm: pd.DataFrame) -> pd.DataFrame:
        """Rows with the predictions that the model gives for changed inputs."""
        names = list(self.monitor.features)
        if not len(rows) or rows[names].equals(calm[names]) or len(rows) != len(calm):
            return rows
        before, after = (
            self.model.predict(self.encoding.encode(frame[names])[:, self.varied])
            for frame in (calm, rows)
        )
        # Rows that were moved whole keep the prediction that they came with.
        moved = rows[self.monitor.prediction] + np.where(
            rows[self.monitor.prediction].to_numpy() == calm[self.monitor.prediction].to_numpy(),
            after - before,
            0,
        )
        return rows.assign(**{self.monitor.prediction: moved})

    def breaches(self, day: dt.date, planted: Planted) -> list[Breach]:
        """What the project says of a day with this fault."""
        rows = self.predict(planted.rows, self.frames[day])
        partition = Partition(
            day,
            planted.state,
            "raw trips of the day changed, rows" if planted.state == "stale" else None,
            len(rows),
            None,
            None,
        )
        earlier = [
            Partition(each, "fresh", None, len(frame), None, None)
            for each, frame in self.frames.items()
            if each < day and each not in self.rows
        ]
        volume = of_volume(self.rows, [*earlier, partition], self.monitor).get(day)
        candidates = [of_state(partition), volume]
        breaches = [breach for breach in candidates if breach is not None]
        if planted.state != "fresh":
            return breaches
        error = self._error(day, rows)
        alarms = self.alarms(day, rows)
        if any(alarm.is_new for alarm in alarms) or error:
            weekday = day.weekday()
            whole = Day(
                self.monitor,
                self.like[weekday],
                rows,
                self.bins,
                self.importance,
                self.relations,
                self.learners[weekday],
            )
            breaches += breaches_of_rows(whole, alarms, error)
        return breaches

    def _error(self, day: dt.date, rows: pd.DataFrame) -> ErrorAlarm | None:
        # The day's other test, which finds nothing, has its half of the level.
        tests = self.errors.of_day(day, rows)
        others = [{**test, "metric": EXCESS, "value": 0.0, "p_value": 1.0} for test in tests]
        calm = (of_day for each, of_day in self.calm_errors.items() if each < day)
        decided = self.errors.decided([*itertools.chain(*calm), *tests, *others])
        today = decided[(decided["day"] == day) & (decided["metric"] == CAPPED_ERROR)]
        if not today["is_alarm"].any():
            return None
        (today,) = today.itertuples()
        return ErrorAlarm(
            metric=WORDS[self.monitor.task],
            error=today.value,
            expected=today.expected,
            p_value=today.p_value,
            threshold_p=today.threshold_p,
            labelled=today.labelled,
        )

    def alarms(self, day: dt.date, rows: pd.DataFrame) -> list[Alarm]:
        """Of the inputs and predictions of a day, and what is away from the reference."""
        place = (day - self.first).days
        start = max(place - HISTORY, 0)
        today = self.binning.counts([rows], np.datetime64(day))
        span = {}
        for part in self.calibration.columns:
            before = self.counts[part].only(np.arange(start, place + 1))
            before.known[-1], before.missing[-1] = today[part].known[0], today[part].missing[0]
            span[part] = before
        evidence = judge_columns(self.calibration.columns, span)
        known = {part: float(counts.known[0].sum()) for part, counts in today.items()}
        area = Area(self.classifier.score(rows), len(self.reference), len(rows))
        verdicts = verdicts_of_day(
            self.monitor, self.calibration, evidence, known, place - start, day, None, area
        )
        return [
            Alarm(
                v.column_name,
                v.segment,
                v.segment_value,
                v.score or 0.0,
                v.threshold or 1.0,
                bool(v.is_drifted),
            )
            for v in verdicts
            if v.is_drifted or v.is_slow
        ]


def load_world(monitor: Monitor, days: Days) -> World:
    """Read the reference's days and the calm ones."""
    first, last = monitor.reference.from_date, days.to_date
    frames = {}
    with connection.engine().connect() as session:
        for number in range((last - first).days + 1):
            day = first + dt.timedelta(days=number)
            frames[day] = read_rows(session, monitor, [day]).drop(columns=VERSION)
    return World(monitor, first, frames)


def is_right(planted: Planted, breaches: list[Breach], monitor: Monitor) -> bool:
    """Whether the first breach is the planted one; of inputs, the first that is no loss."""
    of_error = ("performance_drop", "concept_drift")
    if planted.kind not in of_error:
        breaches = [breach for breach in breaches if breach.kind not in of_error]
    if not breaches or breaches[0].kind != planted.kind:
        return False
    first = breaches[0]
    if planted.column is None or planted.column in first.columns[:2]:
        return True
    # A mix is named by any of the columns that came along with the rows, and a wrong join by any
    # pair across it.
    if planted.kind == "correlation_shift":
        return planted.column == "fare_usd" and bool({"total_usd", "tip_usd"} & {*first.columns})
    return planted.kind == "mix_shift" and planted.column in first.columns


def main() -> None:
    """Plant, ask, count; print every wrong answer, and write the confusion table."""
    parser = command_line.of_days(__doc__)
    parser.add_argument("--each", type=int, default=10, help="faults of each kind (10)")
    parser.add_argument("--pairs", type=int, default=10, help="days with two faults (10)")
    parser.add_argument("--only", default="", help="kinds whose name holds this")
    parser.add_argument("--out", type=Path, help="directory of the results")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    from dagster_driftmeter.dbt.project_manifest import monitors

    print(f"seed {options.seed}", flush=True)
    started = time.perf_counter()
    monitor = monitors()[options.monitor]
    days = Days(**{"from": options.days[0], "to": options.days[1]})
    world = load_world(monitor, days)
    calm = world.calm_days(days)
    print(f"{len(calm)} calm days", flush=True)
    generator = np.random.default_rng(options.seed)
    confusion: dict[str, Counter[str]] = {}
    for kind, plant in PLANTS.items():
        if options.only not in kind:
            continue
        confusion[kind] = Counter()
        for _ in range(options.each):
            day = calm[int(generator.integers(len(calm)))]
            planted = plant(monitor, world.reference, world.frames[day], generator)
            breaches = world.breaches(day, planted)
            right = is_right(planted, breaches, monitor)
            answered: str = breaches[0].kind if breaches else "(no alarm)"
            if answered == kind and not right:
                answered = f"{kind} of another column"
            confusion[kind][kind if right else answered] += 1
            if not right:
                answer = breaches[0].diagnosis if breaches else "nothing"
                print(f"{day} {kind}: {planted.label}\n    said: {answer}", flush=True)
    both = pairs(world, calm, generator, options.pairs) if not options.only else None
    figures = {
        "seed": options.seed,
        "trips": options.name,
        "confusion": {kind: dict(counts) for kind, counts in confusion.items()},
        "two_faults": both,
    }
    print(as_table(figures))
    print(f"{time.perf_counter() - started:.0f} s")
    if options.out:
        stem = options.out / f"diagnosis_{options.name}"
        stem.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
        stem.with_suffix(".md").write_text(as_table(figures))


def pairs(
    world: World, calm: list[dt.date], generator: np.random.Generator, count: int
) -> dict[str, int]:
    """Days with two faults of two columns: how often both are told, and have breaches of their own.

    Both are told too where one event's sentence has them as parts.
    """
    kinds = ["missing_values", "unseen_category", "unit_change", "outliers"]
    told, of_own, done = 0, 0, 0
    while done < count:
        day = calm[int(generator.integers(len(calm)))]
        one, two = generator.choice(kinds, 2, replace=False)
        first = PLANTS[one](world.monitor, world.reference, world.frames[day], generator)
        second = PLANTS[two](world.monitor, world.reference, first.rows, generator)
        if first.column == second.column:
            continue
        done += 1
        breaches = world.breaches(day, second)
        planted = {(one, first.column), (two, second.column)}
        own = {(breach.kind, breach.column_name) for breach in breaches}
        parts = [part for each in breaches for part in each.evidence.get("parts", [])[:SHOWN]]
        of_own += planted <= own
        if planted <= own | {(part["kind"], part["column_name"]) for part in parts}:
            told += 1
        else:
            print(f"{day} two: {first.label} | {second.label}")
            print("    said: " + " | ".join(breach.diagnosis for breach in breaches), flush=True)
    return {"both_told": told, "both_of_their_own": of_own, "days": count}


def as_table(figures: dict) -> str:  # type: ignore[type-arg]
    """The confusion table as Markdown."""
    confusion = figures["confusion"]
    lines = ["| planted | right | of | said instead |", "|---|---:|---:|---|"]
    total = right = 0
    for kind, counts in confusion.items():
        here = sum(counts.values())
        total, right = total + here, right + counts.get(kind, 0)
        wrong = ", ".join(f"{answer} {n}" for answer, n in counts.items() if answer != kind)
        lines.append(f"| {kind} | {counts.get(kind, 0)} | {here} | {wrong} |")
    low, high = interval(right, total)
    lines.append(f"| **all** | {right} | {total} | {right / total:.1%} ({low:.1%} to {high:.1%}) |")
    if both := figures["two_faults"]:
        of_own = f"{both['both_of_their_own']} as breaches of their own"
        lines.append(
            f"| two faults a day, both told | {both['both_told']} | {both['days']} | {of_own} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
