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
# Of those that coverage leads to, in `make test`.
LED = "monitors"
HAS_FUZZER = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="the fuzzer has no wheel for this machine"
)


@pytest.fixture(scope="module")
def tried() -> Counter[str]:
    """Cases of all tests of this module, by how they ended."""
    return Counter()


@pytest.mark.parametrize("name", RUNS)
def test_a_tenth_of_the_drawn_cases_ends_well(name: str) -> None:
    draw(name, RUNS[name][0] // 10)


@pytest.mark.campaign
@pytest.mark.parametrize("name", RUNS)
def test_drawn_cases_end_well(name: str, tried: Counter[str]) -> None:
    tried.update(draw(name, RUNS[name][0]))


def draw(name: str, cases: int) -> Counter[str]:
    """Cases of a target that hypothesis drew, by how they ended."""
    target = importlib.import_module(f"tests.fuzz.{name}").TARGET
    target.outcomes.clear()
    with target.opened() as attempt:
        target.property(attempt, cases, SEED)()
    print(f"{name}: seed {SEED}, {dict(target.outcomes)}")
    assert len(target.outcomes) > 1, "cases of one kind only show little"
    return Counter(target.outcomes)


@HAS_FUZZER
def test_a_tenth_of_the_cases_that_coverage_leads_to_ends_well(tmp_path: Path) -> None:
    assert led_by_coverage(LED, RUNS[LED][1] // 10, tmp_path).total()


@pytest.mark.campaign
@HAS_FUZZER
@pytest.mark.parametrize("name", RUNS)
def test_cases_that_coverage_leads_to_end_well(
    name: str, tried: Counter[str], tmp_path: Path
) -> None:
    tried.update(led_by_coverage(name, RUNS[name][1], tmp_path))


def led_by_coverage(name: str, cases: int, tmp_path: Path) -> Counter[str]:
    """Cases of a target that the coverage of the product's code leads to, by how they ended."""
    outcomes = tmp_path / "outcomes.json"
    options = ["--runs", str(cases), "--seed", str(SEED), "--outcomes", str(outcomes)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, *options], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    counted = Counter(json.loads(outcomes.read_text()))
    print(f"{name}: seed {SEED}, led by coverage, {counted}")
    return counted


@pytest.mark.campaign
@HAS_FUZZER
def test_ten_thousand_cases_were_tried(request: pytest.FixtureRequest, tried: Counter[str]) -> None:
    whole = len([item for item in request.session.items if item.module is request.module])
    if whole < 3 * len(RUNS) + 2:
        pytest.skip("not all targets were fuzzed")
    print(dict(tried))
    assert tried.total() >= 10_000
