"""Small rules that keep the repository's shape."""

import ast
import importlib
import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest

from driftmeter.settings import PROJECT_ROOT

PACKAGES = ("python_metrics", "orchestration")
OWN = {"driftmeter", "dagster_driftmeter", "taxi", "dagster_taxi"}
LOCK = (PROJECT_ROOT / "requirements.txt").read_text()


def tracked() -> list[Path]:
    """Every file that git keeps, or would keep if it were added now."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        shown = subprocess.run(listing, cwd=PROJECT_ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    files = (PROJECT_ROOT / name for name in shown.stdout.decode().split("\0") if name)
    return [file for file in files if file.is_file()]


def imports(file: Path) -> set[str]:
    """Top-level names of what a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def importers(package: str, *names: str) -> list[str]:
    files = sorted((PROJECT_ROOT / package).rglob("*.py"))
    return [str(f.relative_to(PROJECT_ROOT)) for f in files if imports(f) & set(names)]


def providers() -> dict[str, set[str]]:
    """Installed distributions by the modules that they carry."""
    carried: dict[str, set[str]] = {}
    for distribution in distributions():
        name = distribution.name.lower()
        for line in (distribution.read_text("RECORD") or "").splitlines():
            if ".py," in line:
                module = line.split(",")[0].split("/")[0].removesuffix(".py")
                carried.setdefault(module, set()).add(name)
    return carried


def test_every_locked_package_has_a_version_and_hashes() -> None:
    entries = re.split(r"\n(?=[^\s#])", LOCK)[1:]
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,_-]+\])?==\S+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]


def test_a_package_locked_with_an_extra_is_locked_without_it_too() -> None:
    # pip of Python 3.10 to 3.12 looks for the hash under the one name or under the other.
    with_extra = set(re.findall(r"^([a-z0-9._-]+)\[.*\]==(\S+)", LOCK, re.MULTILINE))
    assert with_extra
    assert with_extra <= set(re.findall(r"^([a-z0-9._-]+)==(\S+)", LOCK, re.MULTILINE))


def test_the_lock_names_no_address_of_a_registry() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*(-i|-f|--(extra-)?index-url|--find-links)\b", LOCK, re.MULTILINE)


def test_what_is_imported_is_asked_for() -> None:
    wanted = (PROJECT_ROOT / "pyproject.toml").read_text()
    wanted = wanted[wanted.index("dependencies = [") : wanted.index("[project.scripts]")]
    asked = {name.lower() for name in re.findall(r'^ +"([A-Za-z0-9._-]+)', wanted, re.MULTILINE)}
    files = [file for package in PACKAGES for file in (PROJECT_ROOT / package).rglob("*.py")]
    used = set().union(*map(imports, files)) - set(sys.stdlib_module_names) - OWN
    carried = providers()
    missing = {name for name in used if not carried.get(name, set()) & asked}
    assert missing == set()


def test_driftmeter_knows_neither_dagster_nor_dbt_nor_the_command_line() -> None:
    outside = ("dagster", "dagster_dbt", "dbt", "dagster_driftmeter", "dagster_taxi", "typer")
    assert importers("python_metrics", *outside) == []


def test_dagster_driftmeter_computes_nothing_itself() -> None:
    assert importers("orchestration", "pandas", "numpy", "sklearn", "evidently") == []


def test_evidently_is_imported_by_what_scores_tests_and_draws_a_day() -> None:
    assert [file for package in PACKAGES for file in importers(package, "evidently")] == [
        "python_metrics/driftmeter/drift/evidently_score.py",
        "python_metrics/driftmeter/drift/evidently_tests.py",
        "python_metrics/driftmeter/reports/evidently_internals.py",
        "python_metrics/driftmeter/reports/page.py",
    ]


def test_no_file_is_large() -> None:
    large = {f.name: f.stat().st_size for f in tracked() if f.stat().st_size > 500_000}
    assert large == {}


def test_no_notebook_keeps_its_outputs() -> None:
    for file in tracked():
        if file.suffix == ".ipynb":
            cells = json.loads(file.read_text())["cells"]
            assert not any(cell.get("outputs") for cell in cells), file


def test_nothing_made_by_a_run_is_kept() -> None:
    made = re.compile(r"(^|/)(target|logs|\.driftmeter|__pycache__)/|profiles\.yml$|\.env$")
    names = (str(file.relative_to(PROJECT_ROOT)) for file in tracked())
    assert [name for name in names if made.search(name)] == []


@pytest.mark.parametrize(
    "file", sorted((PROJECT_ROOT / "benchmarks").glob("*.py")), ids=lambda file: file.stem
)
def test_a_benchmark_imports_what_it_measures(file: Path) -> None:
    # They run for an hour and are run seldom: what moved away would be missed only then.
    importlib.import_module(f"benchmarks.{file.stem}")


def test_trees_are_grown_in_one_thread() -> None:
    files = importers("python_metrics", "sklearn")
    growing = [f for f in files if re.search(r"\.fit\(", (PROJECT_ROOT / f).read_text())]
    assert len(growing) > 4
    assert [f for f in growing if "with one_thread():" not in (PROJECT_ROOT / f).read_text()] == []
