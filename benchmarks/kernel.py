"""The kernel against Evidently itself, in one run: a day's scores and tests, the reference kept.

    .venv/bin/python -m benchmarks.kernel            # minutes

Both are given the same rows, made from a seed, and both have read the reference before the clock
starts: the kernel keeps sorted values, sums and counts, Evidently the dataset that it is given.
Evidently runs as the chain ran it before there was a kernel: one report with the scores and tests
of all columns, categories as numbers, nothing drawn. Seconds are the processor's: what else the
machine does slows down neither.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.evidently_engine import EvidentlyEngine
from driftmeter.drift.kernel_engine import KernelEngine
from driftmeter.drift.results import ColumnDrift
from driftmeter.monitors.config import Column

SEED = 20261125
# Rows of the day, rows of the reference, times as fast as is asked, and rounds.
SIZES = [(100_000, 1_000_000, 100, 3), (300, 30_000, 50, 15)]
# Days of the kernel in a round, beside one of Evidently.
DAYS_OF_KERNEL = 5
EQUAL_TO = 1e-9
NUMBERS: dict[str, Callable[[np.random.Generator, int], Any]] = {
    "distance": lambda rng, n: rng.gamma(2, 1.5, n),
    "fare": lambda rng, n: np.round(3 + rng.gamma(2, 5, n), 1),
    "tip": lambda rng, n: np.where(rng.random(n) < 0.3, 0, np.round(rng.gamma(2, 1.2, n), 2)),
    "speed": lambda rng, n: rng.normal(12, 4, n),
    "delay": lambda rng, n: rng.standard_cauchy(n),
    "hour": lambda rng, n: rng.integers(0, 24, n),
    "passengers": lambda rng, n: rng.choice([1, 2, 3, 4], n, p=[0.7, 0.2, 0.06, 0.04]),
    "predicted": lambda rng, n: rng.gamma(3, 4, n),
}
CATEGORIES = {"pickup": 250, "dropoff": 260, "payment": 5, "vendor": 2, "rate": 6, "weekday": 7}
COLUMNS = {name: Column(kind="numerical") for name in NUMBERS} | {
    name: Column(kind="categorical") for name in CATEGORIES
}


def main() -> None:
    """Measure both sizes, print and keep the figures; exit code 1 if one falls short."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=SEED)
    seed = parser.parse_args().seed
    figures = {
        "seed": seed,
        "columns": len(COLUMNS),
        "evidently": EvidentlyEngine.name,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "sizes": [measure(np.random.default_rng(seed), *size) for size in SIZES],
    }
    print(json.dumps(figures, indent=2))
    results = Path(__file__).parent / "results"
    (results / "kernel.json").write_text(json.dumps(figures, indent=2) + "\n")
    (results / "kernel.md").write_text(table(figures))
    raise SystemExit(not all(is_held(size) for size in figures["sizes"]))


def is_held(size: dict[str, Any]) -> bool:
    """Whether the kernel was as fast as asked, and said of every column what Evidently says."""
    return bool(
        size["is_equal"]
        and size["columns_by_the_kernel"] == len(COLUMNS)
        and size["ratio"] >= size["asked_ratio"]
    )


def frame(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    """Rows with two missing values in a hundred; a category is text."""
    columns: dict[str, Any] = {name: make(rng, rows) for name, make in NUMBERS.items()}
    for name, kinds in CATEGORIES.items():
        words = np.array([f"{name} {number}" for number in range(kinds)], dtype=object)
        columns[name] = words[np.minimum(rng.geometric(1 / (1 + kinds / 3), rows) - 1, kinds - 1)]
    made = pd.DataFrame(columns).astype(dict.fromkeys(NUMBERS, float))
    return made.mask(rng.random(made.shape) < 0.02)


def measure(
    rng: np.random.Generator, rows: int, reference_rows: int, asked: int, rounds: int
) -> dict[str, Any]:
    """Seconds of a day by both, and whether they say the same."""
    # As the chain reads them.
    reference, day = (
        frame(rng, size).astype(dict.fromkeys(CATEGORIES, "category"))
        for size in (reference_rows, rows)
    )
    day["speed"] += 1
    day["fare"] *= 1.5
    started = time.process_time()
    kernel = KernelEngine(reference, COLUMNS, 30)
    # The first day pays for what is made on first use.
    ours, our_tests = kernel.compare(day)
    first = time.process_time() - started
    evidently = EvidentlyEngine(reference, COLUMNS, 30)
    theirs, their_tests = evidently.compare(day)
    by_kernel, by_evidently = [], []
    for _ in range(rounds):
        by_evidently.append(timed(evidently, day))
        by_kernel += [timed(kernel, day) for _ in range(DAYS_OF_KERNEL)]
    pairs = [(row.score, other.score) for row, other in zip(ours, theirs, strict=True)]
    pairs += [
        (test.observed, other.observed) for test, other in zip(our_tests, their_tests, strict=True)
    ]
    # One that has no number where the other has one differs by all of it.
    difference = max(abs((number or 0.0) - (other or 0.0)) for number, other in pairs)
    seconds, kernel_seconds = statistics.median(by_evidently), statistics.median(by_kernel)
    return {
        "rows": rows,
        "reference_rows": reference_rows,
        "evidently_seconds": round(seconds, 4),
        "kernel_seconds": round(kernel_seconds, 5),
        "kernel_reference_and_first_day_seconds": round(first, 3),
        "ratio": round(seconds / kernel_seconds, 1),
        "asked_ratio": asked,
        "greatest_difference": difference,
        "is_equal": difference <= EQUAL_TO
        and [without_digits(row) for row in ours] == [without_digits(row) for row in theirs]
        and [replace(test, observed=None) for test in our_tests]
        == [replace(test, observed=None) for test in their_tests],
        "columns_by_the_kernel": sum(
            row.column_name in COLUMNS and row.engine == KernelEngine.name for row in ours
        ),
    }


def without_digits(row: ColumnDrift) -> ColumnDrift:
    """A drift row without what may differ: the engine and the last digits."""
    return replace(row, engine="", score=None, p_value=None)


def timed(engine: KernelEngine, day: pd.DataFrame) -> float:
    """Seconds of one day."""
    started = time.process_time()
    engine.compare(day)
    return time.process_time() - started


def table(figures: dict[str, Any]) -> str:
    """The figures for people."""
    lines = [
        f"A day of {figures['columns']} columns, seed {figures['seed']}, {figures['evidently']},"
        f" Python {figures['python']}, {figures['cores']} cores; median seconds of the processor a"
        " day, with the reference read before. `python -m benchmarks.kernel`",
        "",
        "| rows | reference | Evidently | kernel | ratio | asked |"
        " kernel, reference and first day | columns by the kernel |"
        " greatest difference of a score or share | methods, verdicts and tests |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    lines += [
        f"| {size['rows']:,} | {size['reference_rows']:,} | {size['evidently_seconds']:.3g} s |"
        f" {size['kernel_seconds']:.3g} s | {size['ratio']:.0f} | {size['asked_ratio']} |"
        f" {size['kernel_reference_and_first_day_seconds']:.3g} s |"
        f" {size['columns_by_the_kernel']} |"
        f" {size['greatest_difference']:.1e} |"
        f" {'the same' if size['is_equal'] else 'NOT the same'} |"
        for size in figures["sizes"]
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
