"""A year of days from files to incidents, beside the loop of the course that this grew from.

The loop does what the course's does each day, without its sleeps: Evidently's DataDriftPreset of
the day's rows against the reference, then an insert. It has its rows in memory already. The chain
reads files, loads, scores, builds features, quality, drift, tests, performance and incidents of one
monitor. Both do the same days and columns in one run, on Postgres of the benchmark's own.

A shared machine changes its speed within the hour. So the loop is timed twice: over the days of the
reference before the chain, and over the chain's own days after it. The mean of both counts.

Beside that: whether the last day costs more than the second, and what judging every stored day by
another policy costs beside measuring them.

    .venv/bin/python -m benchmarks.year
"""

import argparse
import datetime as dt
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from benchmarks.own_warehouse import own_warehouse
from benchmarks.tlc_files import write_trips

MONITOR = "trip_duration"
SEED = 20261125
# The monitor's reference is of February and March; its model learns from days before them.
FIRST_FILE, FIRST = dt.date(2019, 1, 1), dt.date(2019, 4, 1)
# The limits that are published: times the loop's speed, times the second day, share of measuring.
LEAST_SPEED, MOST_GROWTH, MOST_OF_JUDGING = 10, 1.1, 1 / 50


def main() -> None:
    """Run both and write the figures."""
    options = read_options()
    results = Path(__file__).parent / "results"
    with tempfile.TemporaryDirectory() as name, own_warehouse():
        last = FIRST + dt.timedelta(days=options.days - 1)
        write_files(Path(name), last, options.trips)
        figures = measure(Path(name), last, options)
    print(json.dumps(figures, indent=2))
    (results / f"year_{options.days}.json").write_text(json.dumps(figures, indent=2) + "\n")


def read_options() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--days", default=365, type=int)
    parser.add_argument("--trips", default=2500, type=int, help="trips a day")
    return parser.parse_args()


def write_files(directory: Path, last: dt.date, trips: int) -> None:
    """Files of simulated trips as TLC publishes them, one a month."""
    from taxi.sources.simulated import SimulatedSource

    source = SimulatedSource(seed=SEED, trips_per_day=trips)
    for month in pd.period_range(FIRST_FILE, last, freq="M"):
        days = pd.date_range(month.start_time, month.end_time.normalize()).date
        batches = [batch for day in days if (batch := source.read_day(day)) is not None]
        trips = pa.concat_tables(batch.trips for batch in batches)
        write_trips(trips, directory, str(month))


def measure(directory: Path, last: dt.date, options: argparse.Namespace) -> dict[str, object]:
    """Figures of the chain and the loop over the days up to the last."""
    from dagster_driftmeter.runs.environment import prepare

    prepare()
    from dagster_driftmeter.dbt.project_manifest import monitors
    from dagster_taxi.source_choice import SourceChoice
    from dagster_taxi.trip_chain import run_chain
    from driftmeter.monitors.config import Days
    from driftmeter.monitors.days import every_day

    choice = SourceChoice("files", str(directory))

    def run(first: dt.date, until: dt.date) -> float:
        return run_chain(choice, Days(**{"from": first, "to": until}), MONITOR).seconds

    day = dt.timedelta(days=1)
    baseline = run(FIRST - day, FIRST - day)
    reference = monitors()[MONITOR].reference
    _, before = course_loop(every_day(reference.from_date, reference.to_date))
    parts = [run(FIRST, FIRST), run(FIRST + day, last - day), run(last, last)]
    # Both once more, right after each other: a shared machine has slow minutes.
    second, newest = (min(run(at, at) for _ in range(3)) for at in (FIRST, last))
    judging = seconds_of(judge_again)
    columns, after = course_loop(every_day(FIRST, last))
    chain, loop = sum(parts), options.days * (before + after) / 2
    return {
        "days": options.days,
        "trips_a_day": options.trips,
        "seed": SEED,
        "monitor": MONITOR,
        "columns_compared_by_both": columns,
        "seconds": {
            "reference_and_models": round(baseline, 1),
            "chain": round(chain, 1),
            "course_loop": round(loop, 1),
            "course_loop_a_day": {"before": round(before, 2), "after": round(after, 2)},
            "second_day": round(second, 2),
            "last_day": round(newest, 2),
            "judging_all_days": round(judging, 2),
        },
        "times_the_speed_of_the_loop": {"value": round(loop / chain, 2), "asked": LEAST_SPEED},
        "last_day_over_second": {"value": round(newest / second, 3), "asked": MOST_GROWTH},
        "judging_over_measuring": {
            "value": round(judging / chain, 4),
            "asked": MOST_OF_JUDGING,
        },
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def seconds_of(work: Callable[[], object]) -> float:
    """Wall time of a piece of work."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def judge_again() -> None:
    """Judge every stored day by a policy of half the false alarms, and keep it."""
    from dagster_driftmeter.cli.judge import with_policy
    from dagster_driftmeter.dbt.project_manifest import monitors
    from driftmeter import settings
    from driftmeter.incidents.judging import judge_declared
    from driftmeter.warehouse.connection import engine

    stricter = with_policy(monitors()[MONITOR], ["alarm_budget.false_alarms_per_month=0.5"])
    assert judge_declared(engine(), stricter, settings.home() / "calibration")


def course_loop(days: Sequence[dt.date]) -> tuple[int, float]:
    """Columns that are compared, and seconds a day of the loop."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    from dagster_driftmeter.dbt.project_manifest import monitors
    from driftmeter.arrival.inference_rows import read_rows
    from driftmeter.monitors.days import every_day
    from driftmeter.warehouse.connection import engine

    monitor = monitors()[MONITOR]
    of_reference = every_day(monitor.reference.from_date, monitor.reference.to_date)
    with engine().begin() as connection:
        reference = read_rows(connection, monitor, of_reference)
        rows = {day: read_rows(connection, monitor, [day]) for day in days}
        table = "public.course (day date, columns integer, share real)"
        connection.execute(sa.text(f"create table if not exists {table}"))
    rows = {day: frame for day, frame in rows.items() if len(frame)}
    # Evidently refuses a report with a column that is empty on either side.
    columns = [
        name
        for name in monitor.columns
        if reference[name].notna().any() and all(day[name].notna().any() for day in rows.values())
    ]
    numbers, categories = (
        [name for name in columns if monitor.columns[name].kind == kind]
        for kind in ("numerical", "categorical")
    )
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    insert = sa.text("insert into public.course values (:day, :columns, :share)")

    def loop() -> None:
        against = Dataset.from_pandas(reference[columns], definition)
        for day, frame in rows.items():
            current = Dataset.from_pandas(frame[columns], definition)
            drifted = Report([DataDriftPreset()]).run(current, against).dict()["metrics"][0]
            with engine().begin() as connection:
                value = {"columns": drifted["value"]["count"], "share": drifted["value"]["share"]}
                connection.execute(insert, {"day": day, **value})

    return len(columns), seconds_of(loop) / len(days)


if __name__ == "__main__":
    main()
