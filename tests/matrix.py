"""Measures one table with each dbt, each Python, and the oldest and newest of what they allow.

python -m tests.matrix                      # all that this machine has a Python for; needs uv
python -m tests.matrix --python 3.11 --dbt '1.12.*' --resolution highest --out FILE

With --out, a row that was measured anew takes the place of the old one; the others stay.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from driftmeter.settings import PROJECT_ROOT
from driftmeter.warehouse.embedded import EmbeddedPostgres
from tests.integration.test_init import LOANS

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
DBTS = ("1.10.*", "1.11.*", "1.12.*")
RESOLUTIONS = ("highest", "lowest-direct")
# Whose versions the table shows.
SHOWN = ("dbt-core", "dbt-postgres", "dagster", "evidently", "pandas", "numpy", "sqlalchemy")
EXPECTED = "income_eur is 100 times what it was"
ABSENT = "no such Python here"
HEADS = ("Python", "dbt asked for", "resolution", "outcome", "seconds", *SHOWN)


@dataclass(frozen=True)
class Outcome:
    """What became of one environment.

    Attributes
    ----------
    installed : dict of str to str
        Versions by name; empty where it could not be made.
    told : str
        ``one incident``, or why there is none.
    """

    python: str
    dbt: str
    resolution: str
    installed: dict[str, str]
    told: str
    seconds: float


def main() -> int:
    """Try every environment, print the table of them, and end with 1 if one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", default=PYTHONS, help="versions of Python")
    parser.add_argument("--dbt", nargs="+", default=DBTS, help="versions of dbt-core")
    parser.add_argument("--resolution", nargs="+", default=RESOLUTIONS, choices=RESOLUTIONS)
    parser.add_argument("--out", type=Path, help="put the rows into the table of this file as well")
    given = parser.parse_args()
    if shutil.which("uv") is None:
        parser.error("uv is not installed: pip install uv")
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="driftmeter-matrix-") as directory:
        wheel = build_wheel(Path(directory))
        for python, dbt, resolution in itertools.product(given.python, given.dbt, given.resolution):
            outcome = attempt(Path(directory), wheel, python, dbt, resolution)
            outcomes.append(outcome)
            print(f"Python {python}, dbt {dbt}, {resolution}: {outcome.told}", flush=True)
            if given.out:
                rows = merged(rows_of(given.out), outcomes)
                given.out.write_text(f"# What Driftmeter was tried with\n\n{as_table(rows)}\n")
    print(as_table([row_of(outcome) for outcome in outcomes]))
    return any(o.told not in ("one incident", ABSENT) for o in outcomes)


def build_wheel(directory: Path) -> Path:
    """The project's wheel."""
    command = ["uv", "build", "--wheel", "--quiet", "--out-dir", str(directory)]
    subprocess.run([*command, str(PROJECT_ROOT)], check=True)
    (wheel,) = directory.glob("*.whl")
    return wheel


def attempt(directory: Path, wheel: Path, python: str, dbt: str, resolution: str) -> Outcome:
    """Install the wheel into an environment of its own, and measure a table with it."""
    started = time.perf_counter()
    place = directory / f"{python}-{dbt.rstrip('.*')}-{resolution}"

    def outcome(told: str, installed: dict[str, str] | None = None) -> Outcome:
        seconds = time.perf_counter() - started
        return Outcome(python, dbt, resolution, installed or {}, told, seconds)

    found = subprocess.run(
        ["uv", "venv", "--quiet", "--no-python-downloads", "--python", python, str(place)],
        env={**os.environ, **pythons_of_pyenv()},
        capture_output=True,
    )
    if found.returncode:
        return outcome(ABSENT)
    pip = ["uv", "pip", "install", "--quiet", "--python", str(place)]
    # Of the dependencies themselves, not of what these need in turn, the oldest that are allowed.
    # Wheels only: newer releases of a part of dbt 1.12 download themselves from a code host.
    wanted = ["--resolution", resolution, "--no-build", "-r", str(PROJECT_ROOT / "pyproject.toml")]
    made = subprocess.run([*pip, *wanted, f"dbt-core=={dbt}"], capture_output=True, text=True)
    if made.returncode:
        return outcome(f"not installed: {_last_line(made.stderr)}")
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True)
    listing = ["uv", "pip", "list", "--python", str(place), "--format", "json"]
    listed = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    installed = {entry["name"]: entry["version"] for entry in json.loads(listed)}
    try:
        return outcome(measure(place), installed)
    finally:
        shutil.rmtree(place)


def pythons_of_pyenv() -> dict[str, str]:
    """A variable with which pyenv, where it is used, shows uv all its Pythons and not one alone."""
    if shutil.which("pyenv") is None:
        return {}
    listed = subprocess.run(
        ["pyenv", "versions", "--bare"], capture_output=True, text=True, check=True
    ).stdout.split()
    wanted = [name for name in listed if name.startswith(tuple(f"{each}." for each in PYTHONS))]
    return {"PYENV_VERSION": ":".join(wanted)}


def measure(place: Path) -> str:
    """Take a table from `init` to its incident with the commands of an environment."""
    project = place / "project"
    project.mkdir()
    server = EmbeddedPostgres(place / "server")
    try:
        url = server.start()
        engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as session:
            session.exec_driver_sql(LOANS.replace("%", "%%"))
        engine.dispose()
        for arguments in (
            ("init", "--table", "public.loan_scores", "--yes"),
            ("run",),
            ("incidents",),
        ):
            ended = run(place, project, url, arguments)
            if ended.returncode:
                return f"`driftmeter {arguments[0]}` failed: {_last_line(ended.stderr)}"
        return "one incident" if EXPECTED in ended.stdout else "no incident"
    finally:
        server.stop()


def run(
    place: Path, project: Path, url: str, arguments: Sequence[str]
) -> "subprocess.CompletedProcess[str]":
    """A command of the environment, with nothing of ours but the warehouse's address."""
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG")}
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [place / "bin" / "driftmeter", *arguments],
        cwd=project,
        env={**kept, "PATH": path, "DRIFTMETER_DATABASE_URL": url},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def row_of(outcome: Outcome) -> list[str]:
    """A row of the table."""
    return [
        outcome.python,
        outcome.dbt,
        outcome.resolution,
        outcome.told,
        f"{outcome.seconds:.0f}",
        *(outcome.installed.get(name, "") for name in SHOWN),
    ]


def rows_of(file: Path) -> list[list[str]]:
    """The rows of a table that was written before."""
    lines = file.read_text().splitlines() if file.exists() else []
    table = [line[2:-2].split(" | ") for line in lines if line.startswith("| ")]
    return table[2:]


def merged(before: Sequence[Sequence[str]], outcomes: Sequence[Outcome]) -> list[Sequence[str]]:
    """Old rows and new ones, by Python, dbt and resolution."""
    rows: dict[tuple[str, ...], Sequence[str]] = {tuple(row[:3]): row for row in before}
    for outcome in outcomes:
        key = (outcome.python, outcome.dbt, outcome.resolution)
        # What was measured elsewhere stays where this machine cannot try it.
        if outcome.told != ABSENT or key not in rows:
            rows[key] = row_of(outcome)
    return sorted(rows.values(), key=lambda row: [version_key(row[0]), row[1], row[2]])


def version_key(version: str) -> list[int]:
    """Versions in their order, 3.9 before 3.10."""
    return [int(part) for part in version.split(".")]


def as_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as Markdown."""
    lines = [HEADS, ["---"] * len(HEADS), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].replace("|", "/")[:200] if lines else ""


if __name__ == "__main__":
    sys.exit(main())
