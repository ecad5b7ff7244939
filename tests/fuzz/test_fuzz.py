"""Ten thousand inputs that nobody means: none ends in a traceback or a silent loss."""

import importlib
import importlib.util
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

# Cases of each target: drawn by hypothesis, and led by coverage.
RUNS = {
    "loaders": (800, 1000),
    "monitors": (1500, 2500),
    "tables": (800, 1200),
    "commands": (1000, 1000),
    "reports": (2000, 2500),
}
SEED = 7
HAS_FUZZER = importlib.util.find_spec("atheris") is not None


@pytest.fixture(scope="module")
def tried() -> Counter[str]:
    """Cases of all tests of this module, by how they ended."""
    return Counter()


@pytest.mark.parametrize("name", RUNS)
def test_drawn_cases_end_well(name: str, tried: Counter[str]) -> None:
    target = importlib.import_module(f"tests.fuzz.{name}").TARGET
    target.outcomes.clear()
    with target.opened() as attempt:
        target.property(attempt, RUNS[name][0], SEED)()
    print(f"{name}: seed {SEED}, {dict(target.outcomes)}")
    assert len(target.outcomes) > 1, "cases of one kind only show little"
    tried.update(target.outcomes)


@pytest.mark.skipif(not HAS_FUZZER, reason="the fuzzer has no wheel for this machine")
@pytest.mark.parametrize("name", RUNS)
def test_cases_that_coverage_leads_to_end_well(
    name: str, tried: Counter[str], tmp_path: Path
) -> None:
    outcomes = tmp_path / "outcomes.json"
    options = ["--runs", str(RUNS[name][1]), "--seed", str(SEED), "--outcomes", str(outcomes)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, *options], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    counted = json.loads(outcomes.read_text())
    print(f"{name}: seed {SEED}, led by coverage, {counted}")
    tried.update(counted)


def test_ten_thousand_cases_were_tried(request: pytest.FixtureRequest, tried: Counter[str]) -> None:
    whole = len([item for item in request.session.items if item.module is request.module])
    if whole < 2 * len(RUNS) + 1 or not HAS_FUZZER:
        pytest.skip("not all targets were fuzzed")
    print(dict(tried))
    assert tried.total() >= 10_000
