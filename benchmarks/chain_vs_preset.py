"""Holds the whole chain against a bare loop of Evidently's DataDriftPreset, in one run.

Both do the same days and columns of one monitor, with the same fixed reference. The bare loop has
the rows in memory already and writes nothing; the chain reads files, loads, scores, builds features
and quality metrics in SQL, runs the tests, measures drift and writes the metrics. The limit is the
loop's time plus 60 s.

    .venv/bin/python -m benchmarks.chain_vs_preset --dir DIRECTORY_OF_TLC_FILES
"""

import argparse
import datetime as dt
import json
import os
import platform
import time
from pathlib import Path

from benchmarks.own_warehouse import own_warehouse

ALLOWANCE_SECONDS = 60.0
MONITOR = "trip_duration"


def main() -> None:
    """Run both and print the figures, as JSON too."""
    options = read_options()
    with own_warehouse():
        report(options, *measure(options))


def read_options() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dir", required=True, type=Path, help="directory of TLC files")
    parser.add_argument("--from", dest="first", default="2019-04-01", type=dt.date.fromisoformat)
    parser.add_argument("--days", default=90, type=int)
    return parser.parse_args()


def measure(options: argparse.Namespace) -> tuple[float, float, float, int]:
    """Seconds of the baseline, of the chain and of the bare loop, and the number of columns."""
    from orchestration.environment import prepare

    prepare()
    from orchestration.example.chain import run_chain
    from orchestration.example.source_choice import SourceChoice
    from python_metrics.monitors.config import Days

    choice = SourceChoice("files", str(options.dir.resolve()))
    last = options.first + dt.timedelta(days=options.days - 1)
    before = options.first - dt.timedelta(days=1)
    started = time.perf_counter()
    # One day before, so that the baseline is there and imports are paid for: they are told apart.
    run_chain(choice, Days(**{"from": before, "to": before}), MONITOR)
    baseline = time.perf_counter() - started
    chain = run_chain(choice, Days(**{"from": options.first, "to": last}), MONITOR).seconds
    return baseline, chain, *bare_loop(options.first, options.days)


def bare_loop(first: dt.date, days: int) -> tuple[float, int]:
    """Seconds of DataDriftPreset over the days, rows in memory, and the number of columns."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    from orchestration.dbt_manifest import monitors
    from python_metrics.drift.inference_rows import every_day, read_rows
    from python_metrics.warehouse.connection import engine

    monitor = monitors()[MONITOR]
    of_reference = every_day(monitor.reference.from_date, monitor.reference.to_date)
    with engine().connect() as connection:
        reference = read_rows(connection, monitor, of_reference)
        rows = [
            read_rows(connection, monitor, [day])
            for day in (first + dt.timedelta(days=number) for number in range(days))
        ]
    # Evidently refuses a report with a column that is empty on either side.
    columns = [
        name
        for name in monitor.columns
        if reference[name].notna().any() and all(day[name].notna().any() for day in rows)
    ]
    kinds = {kind: [c for c in columns if monitor.columns[c].kind == kind] for kind in KINDS}
    definition = DataDefinition(
        numerical_columns=kinds["numerical"], categorical_columns=kinds["categorical"]
    )
    started = time.perf_counter()
    against = Dataset.from_pandas(reference[columns], definition)
    for day in rows:
        Report([DataDriftPreset()]).run(Dataset.from_pandas(day[columns], definition), against)
    return time.perf_counter() - started, len(columns)


KINDS = ("numerical", "categorical")


def report(
    options: argparse.Namespace, baseline: float, chain: float, bare: float, columns: int
) -> None:
    """Print and keep the figures."""
    limit = bare + ALLOWANCE_SECONDS
    figures = {
        "days": options.days,
        "monitor": MONITOR,
        "columns_compared_by_both": columns,
        "baseline_and_imports_seconds": round(baseline, 1),
        "chain_seconds": round(chain, 1),
        "bare_loop_seconds": round(bare, 1),
        "limit_seconds": round(limit, 1),
        "chain_over_limit": round(chain / limit, 2),
        "chain_with_baseline_over_limit": round((chain + baseline) / limit, 2),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }
    print(json.dumps(figures, indent=2))
    print("within the limit" if chain <= limit else "OVER THE LIMIT")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "chain_vs_preset.json").write_text(json.dumps(figures, indent=2) + "\n")
    raise SystemExit(chain > limit)


if __name__ == "__main__":
    main()
