"""`python -m tests.fuzz`: cases that the coverage of Driftmeter's own code leads to."""

import argparse
import contextlib
import importlib
import json
import sys
from pathlib import Path

import atheris

TARGETS = ("loaders", "monitors", "tables", "commands", "reports")


def main() -> None:
    """Fuzz one target; a fault ends it with its traceback and exit code 77."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--runs", type=int, default=1000, help="cases to try; 1000")
    parser.add_argument("--seed", type=int, default=7, help="of the first cases; 7")
    parser.add_argument("--outcomes", type=Path, help="file for how the cases ended, as JSON")
    given = parser.parse_args()
    print(f"{given.target}: {given.runs} cases, seed {given.seed}", flush=True)
    with atheris.instrument_imports(
        include=["driftmeter", "dagster_driftmeter", "taxi", "dagster_taxi"]
    ):
        target = importlib.import_module(f"tests.fuzz.{given.target}").TARGET
    with contextlib.ExitStack() as around:
        attempt = around.enter_context(target.opened())
        ends_well = target.property(attempt, given.runs, given.seed).hypothesis.fuzz_one_input
        tried = 0

        def once(content: bytes) -> None:
            nonlocal tried
            tried += 1
            try:
                ends_well(content)
            except BaseException:
                around.close()
                raise
            if tried == given.runs:
                # The fuzzer ends the process, and no line of ours comes after it.
                around.close()
                if given.outcomes:
                    given.outcomes.write_text(json.dumps(target.outcomes))

        # Long enough from the first for a whole case.
        limits = [f"-runs={given.runs}", "-max_len=8192", "-len_control=0", "-rss_limit_mb=4096"]
        atheris.Setup([sys.argv[0], f"-seed={given.seed}", *limits], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
