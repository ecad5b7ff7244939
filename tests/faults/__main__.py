"""Run faults: `python -m tests.faults --kills 100 --seed 1`; prints each, and what they add up to.

Exits with 1 if a day was lost, mixed or doubled, or another run did not put it right.
"""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.disk import Disk
from tests.faults.harness import kill_in_a_row, overlap, suffer
from tests.faults.inflict import FAULTS
from tests.faults.warehouse import SERVER, Contents, Warehouse


def main() -> int:
    """Run as many faults as asked for, of each kind in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="faults in all (20)")
    parser.add_argument("--seed", type=int, default=1, help="of moments and processes (1)")
    parser.add_argument("--only", choices=FAULTS, help="faults of one kind")
    parser.add_argument("--overlap", action="store_true", help="two runs at once, in place of it")
    parser.add_argument(
        "--first",
        action="store_true",
        help="kill first runs, reference included, at each point of the chain, in place of it",
    )
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="driftmeter-faults-"))
    kinds = [given.only] if given.only else list(FAULTS)
    try:
        disk = Disk(root / SERVER)
    except PermissionError as error:
        if given.only == "disk":
            parser.error(str(error))
        print(f"without the fault 'disk': {error}", flush=True)
        disk = None
        kinds = [kind for kind in kinds if kind != "disk"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFTMETER_HOME", str(root / "home"))
        warehouse = Warehouse(root, disk)
        try:
            if given.first:
                return _first(warehouse)
            old, new, seconds = warehouse.prepare()
            print(f"seed {given.seed}; a run of thirty days takes {seconds:.1f} s", flush=True)
            if given.overlap:
                return _overlaps(warehouse, new)
            draw = random.Random(given.seed)
            cases = []
            for number, kind in zip(range(given.kills), itertools.cycle(kinds), strict=False):
                case = suffer(warehouse, kind, draw, seconds, old, new)
                cases.append(case)
                print(
                    f"{number + 1:3} {kind:11} at {case.second:5.1f} s:"
                    f" {'cut off' if case.cut_off else 'went on'};"
                    f" {case.new} new, {case.old} old, {case.stale} stale; {case.what}",
                    *(f"\n    WRONG {fault}" for fault in case.wrong),
                    flush=True,
                )
        finally:
            warehouse.server.stop()
            if disk:
                disk.unmount()
            shutil.rmtree(root)
    cut_off = Counter(case.kind for case in cases if case.cut_off)
    wrong = sum(bool(case.wrong) for case in cases)
    print(
        f"{len(cases)} faults, {cut_off.total()} cut a run off ({dict(cut_off)});"
        f" days stale after one: {sum(case.stale for case in cases)},"
        f" new: {sum(case.new for case in cases)}, old: {sum(case.old for case in cases)};"
        f" faults after which a day was lost, mixed, doubled or not put right: {wrong}"
    )
    return wrong > 0


def _first(warehouse: Warehouse) -> int:
    cases = []
    for case in kill_in_a_row(warehouse, warehouse.prepare_first()):
        cases.append(case)
        print(
            f"{len(cases):3} {case.kind}, at {case.second:5.1f} s: {case.what}",
            *(f"\n    WRONG {fault}" for fault in case.wrong),
            flush=True,
        )
    killed, wrong = sum(case.cut_off for case in cases), len(cases[-1].wrong)
    print(f"{killed} runs were killed; tables that differ after the last run: {wrong}")
    return wrong > 0


def _overlaps(warehouse: Warehouse, new: Contents) -> int:
    is_wrong = False
    for starters in (("run", "run"), ("run", "dagster")):
        wrong = overlap(warehouse, new, starters)
        print(" and ".join(starters), "at once:", "; ".join(wrong) or "as one run, row for row")
        is_wrong |= bool(wrong)
    return is_wrong


if __name__ == "__main__":
    sys.exit(main())
