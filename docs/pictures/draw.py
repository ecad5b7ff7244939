"""Draws the README's pictures anew, through the commands that the README shows: `make pictures`.

Needs Chromium on the path. What it makes beside the pictures is in a directory that goes again.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

PICTURES = Path(__file__).parent
DRIFTMETER = Path(sys.executable).parent / "driftmeter"
DEMO = Path(__file__).resolve().parents[2]
PORT = 3901


def main() -> None:
    """Draw a team's overview, then the example's, one incident of it, and Dagster's lineage."""
    with tempfile.TemporaryDirectory(prefix="driftmeter-pictures-") as directory:
        _own_predictions(Path(directory))
    with tempfile.TemporaryDirectory(prefix="driftmeter-pictures-") as directory:
        _example(Path(directory))


def _own_predictions(directory: Path) -> None:
    run = _commands(directory, {"DRIFTMETER_HOME": str(directory / ".driftmeter")})
    try:
        run("up")
        engine = sa.create_engine(run("url").strip().replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as session:
            session.exec_driver_sql((PICTURES / "loans.sql").read_text().replace("%", "%%"))
        columns = [
            "--timezone",
            "Europe/Berlin",
            "--target",
            "has_defaulted",
            "--owner",
            "team-credit",
        ]
        run("init", "--table", "public.loan_scores", *columns, "--yes")
        run("run")
        overview = run("report", "--overview").strip()
        _draw(overview, "overview.png", (1400, 1000))
    finally:
        run("down")


def _example(directory: Path) -> None:
    run = _commands(DEMO, {"DRIFTMETER_HOME": str(directory)})
    try:
        run("demo")
        _draw(run("report", "--overview").strip(), "example.png", (1400, 1400))
        (incident,) = sorted((directory / "reports").glob("incident-*2019-04-07*"))[:1]
        _draw(incident.as_uri(), "incident.png", (1200, 900))
        with _pages(directory) as address:
            _draw(f"{address}/asset-groups/", "lineage.png", (1600, 640))
    finally:
        run("down")


def _commands(directory: Path, environment: dict[str, str]):  # type: ignore[no-untyped-def]
    """The `driftmeter` of this checkout, in a directory."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}

    def run(*arguments: str) -> str:
        print("driftmeter", *arguments, flush=True)
        return subprocess.run(
            [DRIFTMETER, *arguments],
            cwd=directory,
            env={**kept, **environment},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    return run


@contextmanager
def _pages(home: Path) -> Iterator[str]:
    """Dagster's own pages of the example."""
    address = f"http://127.0.0.1:{PORT}"
    pages = subprocess.Popen(
        [DRIFTMETER, "ui", "--port", str(PORT)],
        cwd=DEMO,
        env={**os.environ, "DRIFTMETER_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/server_info", timeout=5)
                break
            except OSError:
                time.sleep(1)
        yield address
    finally:
        pages.terminate()
        pages.wait(60)


def _draw(address: str, name: str, size: tuple[int, int]) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("error: there is no chromium on the path: install it")
    subprocess.run(
        [
            chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--disable-background-networking", "--virtual-time-budget=30000",
            f"--window-size={size[0]},{size[1]}", f"--screenshot={PICTURES / name}", address,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    print(f"{PICTURES / name}: {(PICTURES / name).stat().st_size // 1024} KiB", flush=True)


if __name__ == "__main__":
    main()
