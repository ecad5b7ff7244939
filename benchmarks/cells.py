"""Runs a benchmark's cells one after the other, and keeps what was measured before a stop."""

import argparse
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.detection import known


def run_cells(
    options: argparse.Namespace,
    file: Path,
    seed: int,
    cells: Sequence[tuple[Any, ...]],
    run: Callable[..., Any],
    figures: Callable[..., dict[str, Any]],
) -> None:
    """Run every cell that the file has not; print a line each, and write the figures.

    Parameters
    ----------
    options : Namespace
        As `command_line.of_streams` reads it.
    cells : sequence of tuple
        What each stream of a cell is made of: `run` is called with it and the stream's number.
    figures : callable
        Of a list of the streams' answers and of the cell: what the file says of it.
    """
    print(f"seed {seed}, {options.streams} streams", flush=True)
    results = known(file, seed)
    with ProcessPoolExecutor(options.workers) as pool:
        for cell in cells[len(results) :]:
            work = [pool.submit(run, *cell, repeat) for repeat in range(options.streams)]
            answers = [done.result() for done in work]
            results.append({**figures(answers, *cell), "streams": len(answers)})
            print(json.dumps(results[-1]), flush=True)
            file.write_text(json.dumps({"seed": seed, "results": results}, indent=1) + "\n")
