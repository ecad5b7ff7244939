"""Law one across processes: the order in which Python hashes text changes no stored number."""

import os
import subprocess
import sys

from driftmeter.settings import PROJECT_ROOT

# Enough rows for Evidently's distances, which add up over a set of categories.
CODE = """
import numpy as np, pandas as pd
from benchmarks.evidently_engine import EvidentlyEngine
from driftmeter.drift.kernel_engine import KernelEngine
from driftmeter.monitors.config import Column
generator = np.random.default_rng(4)
def frame(rows, first):
    return pd.DataFrame({
        f"c{number}": generator.zipf(1.3, rows) % (40 + number) + first for number in range(12)
    }).astype(str).map(lambda text: "zone " + text)
reference, days = frame(4000, 0), [frame(1500, shift) for shift in (0, 1, 7)]
columns = {name: Column(kind="categorical") for name in reference}
columns["c0"] = Column(kind="categorical", accepted=("zone 1", "zone never"))
engines = [kind(reference, columns, 30) for kind in (KernelEngine, EvidentlyEngine)]
for engine, day in [(engine, day) for engine in engines for day in days]:
    drift, tests = engine.compare(day)
    print([(row.column_name, row.method, repr(row.score), row.is_drifted) for row in drift])
    print([(test.column_name, test.test, test.status, repr(test.observed)) for test in tests])
print([str(value) for value in {"a", "b", "c", "d", "e"}], flush=True)
"""


def test_scores_are_the_same_to_the_last_digit_in_every_process() -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CODE],
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(4)
    ]
    printed = [process.communicate()[0].splitlines() for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert "Jensen-Shannon" in printed[0][0]
    # The processes do differ in what they hash.
    assert len({lines[-1] for lines in printed}) > 1
    assert len({tuple(lines[:-1]) for lines in printed}) == 1
