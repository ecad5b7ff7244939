"""The demo's first minutes beside what cannot be avoided, and beside an older checkout.

    .venv/bin/python -m benchmarks.first_minutes
    .venv/bin/python -m benchmarks.first_minutes --old ../older

Runs `driftmeter demo` in an empty home: the chain of three simulated weeks, from the start of the
command to its end, and the seconds until it says something. What cannot be avoided is measured in
the same run: importing Dagster and Evidently, and one `dbt build` of the days that the demo
built, the reference's too. The older checkout has an environment of its own, made by `make venv`.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa

CHECKOUT = Path(__file__).parents[1]
RESULTS = CHECKOUT / "benchmarks" / "results" / "first_minutes.json"
# What is published: times what cannot be avoided, times the older speed, and seconds.
MOST_OF_UNAVOIDABLE, LEAST_SPEED, MOST_SECONDS_OF_SILENCE = 3, 3, 5
IMPORT = "import dagster, evidently"
SPAN = "select min(partition_date), max(partition_date) + 1 from metrics.column_summary"


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--old", type=Path, help="an older checkout, with its .venv")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="driftmeter-bench-") as home:
        demo, silence = run_demo(CHECKOUT, home)
        try:
            importing = seconds(CHECKOUT, home, "python", "-c", IMPORT)
            building = build_once(home)
        finally:
            command(CHECKOUT, home, "driftmeter", "down")
    unavoidable = importing + building
    figures: dict[str, object] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "seconds": {
            "demo": round(demo, 1),
            "until_it_says_something": round(silence, 1),
            "importing_dagster_and_evidently": round(importing, 1),
            "one_dbt_build": round(building, 1),
        },
        "demo_over_unavoidable": {
            "value": round(demo / unavoidable, 2),
            "asked": MOST_OF_UNAVOIDABLE,
        },
        "asked_seconds_until_it_says_something": MOST_SECONDS_OF_SILENCE,
    }
    if options.old:
        with tempfile.TemporaryDirectory(prefix="driftmeter-bench-") as home:
            older, older_silence = run_demo(options.old.resolve(), home)
            command(options.old.resolve(), home, "driftmeter", "down")
        figures["older"] = {
            "commit": subprocess.check_output(
                ["git", "-C", options.old, "rev-parse", "--short", "HEAD"], text=True
            ).strip(),
            "demo_seconds": round(older, 1),
            "seconds_until_it_says_something": round(older_silence, 1),
            "times_its_speed": {"value": round(older / demo, 2), "asked": LEAST_SPEED},
        }
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def run_demo(checkout: Path, home: str) -> tuple[float, float]:
    """Seconds of the demo in an empty home, and until its first output."""
    started = time.perf_counter()
    demo = subprocess.Popen(
        [checkout / ".venv" / "bin" / "driftmeter", "demo"],
        cwd=checkout,
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert demo.stdout is not None
    output = demo.stdout.read(1)
    silence = time.perf_counter() - started
    output += demo.stdout.read()
    if demo.wait():
        raise SystemExit(f"driftmeter demo\n{output.decode()}")
    return time.perf_counter() - started, silence


def build_once(home: str) -> float:
    """Seconds of one `dbt build` of the days that the demo measured, in a process of its own."""
    url = command(CHECKOUT, home, "driftmeter", "url").strip()
    with sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:")).connect() as session:
        first, end = session.execute(sa.text(SPAN)).one()
    days = json.dumps({"start_date": str(first), "end_date": str(end)})
    with tempfile.TemporaryDirectory() as target:
        return seconds(
            CHECKOUT / "dbt_project", home, "driftmeter-dbt", "build", "--vars", days,
            "--target-path", target, "--exclude-resource-type", "unit_test",
            DRIFTMETER_DATABASE_URL=url,
        )  # fmt: skip


def seconds(directory: Path, home: str, program: str, *arguments: str, **more: str) -> float:
    """Seconds of a command."""
    started = time.perf_counter()
    command(directory, home, program, *arguments, **more)
    return time.perf_counter() - started


def command(directory: Path, home: str, program: str, *arguments: str, **more: str) -> str:
    """Run a program of a checkout's environment; what it prints is shown if it fails."""
    (checkout,) = [at for at in (directory, directory.parent) if (at / ".venv").exists()]
    ended = subprocess.run(
        [checkout / ".venv" / "bin" / program, *arguments],
        cwd=directory,
        env=environment(home, **more),
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise SystemExit(f"{program} {' '.join(arguments)}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def environment(home: str, **more: str) -> dict[str, str]:
    """This process's, with a home of the benchmark's own and no other warehouse."""
    own = {name: value for name, value in os.environ.items() if "DRIFTMETER" not in name}
    return {**own, "DRIFTMETER_HOME": home, **more}


if __name__ == "__main__":
    main()
