"""A run that a fault ends leaves old days or new ones, and another run makes all of them new."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.faults.disk import Disk
from tests.faults.harness import overlap, suffer
from tests.faults.inflict import FAULTS
from tests.faults.warehouse import (
    BY_DAY,
    OTHERS,
    SERVER,
    Contents,
    Warehouse,
    differences,
    faults_of,
)

# More of them, of each kind: `python -m tests.faults --kills 100`.
SEED = 5
# In `make test` one kind; all of them in `make test-all`.
SHORT = "postgres"
DAY = "2026-03-01"


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Warehouse, Contents, Contents, float]]:
    """A warehouse, what it holds before and after a run, and the seconds that a run takes."""
    root = tmp_path_factory.mktemp("faults")
    try:
        disk = Disk(root / SERVER)
    except PermissionError:
        disk = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_HOME", str(tmp_path_factory.mktemp("home")))
        warehouse = Warehouse(root, disk)
        try:
            yield (warehouse, *warehouse.prepare())
        finally:
            warehouse.server.stop()
            if disk:
                disk.unmount()


@pytest.mark.parametrize(
    "kind",
    [kind if kind == SHORT else pytest.param(kind, marks=pytest.mark.campaign) for kind in FAULTS],
)
def test_a_fault_leaves_no_day_lost_mixed_or_doubled(
    prepared: tuple[Warehouse, Contents, Contents, float], kind: str
) -> None:
    warehouse, old, new, seconds = prepared
    if kind == "disk" and warehouse.disk is None:
        pytest.skip("a full disk needs root, who may mount a file system")
    case = suffer(warehouse, kind, random.Random(SEED), seconds, old, new)
    print(f"seed {SEED}: {case}")
    assert case.wrong == ()


@pytest.mark.campaign
def test_two_runs_at_once_give_what_one_gives(
    prepared: tuple[Warehouse, Contents, Contents, float],
) -> None:
    warehouse, _, new, _ = prepared
    assert overlap(warehouse, new, ("run", "run")) == []


def contents(side: str, **rows: list[str]) -> Contents:
    """A warehouse of one fresh day, of which each table has one row of that side."""
    tables = {table: {DAY: rows.get(table, [f"{table} {side}"])} for table in BY_DAY}
    return Contents(tables, {table: [side] for table in OTHERS}, frozenset({DAY}))


OLD, NEW = contents("old"), contents("new")


def test_a_day_of_one_side_is_well() -> None:
    assert faults_of(OLD, OLD, NEW) == faults_of(NEW, OLD, NEW) == []
    assert differences(NEW, NEW) == []


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        (["drift old"], f"{DAY} is fresh and mixed"),
        (["drift of neither"], f"{DAY} is fresh and mixed"),
        (["drift new", "drift new"], f"{DAY}: 1 rows are twice in drift"),
        ([], f"{DAY}: drift has lost its rows"),
    ],
)
def test_each_fault_is_seen(rows: list[str], fault: str) -> None:
    wrong = faults_of(contents("new", drift=rows), OLD, NEW)
    assert any(line.startswith(fault) for line in wrong)
    assert differences(contents("new", drift=rows), NEW) == ["drift by day"]


def test_a_stale_day_may_be_of_both() -> None:
    mixed = replace(contents("new", drift=["drift old"]), fresh=frozenset())
    assert faults_of(mixed, OLD, NEW) == []
