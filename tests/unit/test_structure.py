"""The rooms of the product: which there are, which may import which, and one name for one thing."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

from driftmeter.settings import PROJECT_ROOT

ROOTS = ("python_metrics", "orchestration")
# In the order in which a day of data visits them: a room imports itself and those before it.
ROOMS = (
    "monitors",
    "warehouse",
    "arrival",
    "quality",
    "drift",
    "alarms",
    "performance",
    "incidents",
    "reports",
    "dashboards",
)
ORCHESTRATION_ROOMS = ("dbt", "runs", "automation", "assets", "cli")
LOOSE = {"__init__", "errors", "imports", "settings"}
ORCHESTRATION_LOOSE = {"__init__", "component", "definitions", "monitoring"}


def modules() -> dict[str, Path]:
    """Files of the product and the example, by the name that they are imported by."""
    found = {}
    for root in ROOTS:
        for file in (PROJECT_ROOT / root).rglob("*.py"):
            parts = file.relative_to(PROJECT_ROOT / root).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


MODULES = modules()


def imported(name: str) -> set[str]:
    """Modules of ours that a module imports, wherever in it, also for a type only."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # A name is a module of the package, or is in it.
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & MODULES.keys() or {node.module}
    return (found & MODULES.keys()) - {name}


IMPORTS = {name: imported(name) for name in MODULES}


def test_no_module_imports_what_imports_it() -> None:
    # A package is imported with each of its modules, which may import each other all the same.
    graph = {
        name: {
            outer
            for other in others
            for outer in (other, *(other.rsplit(".", n)[0] for n in range(1, other.count(".") + 1)))
            if outer in MODULES and outer != name and not name.startswith(f"{outer}.")
        }
        for name, others in IMPORTS.items()
        # Offers two names of modules that import it, and imports them when they are asked for.
        if name != "dagster_driftmeter"
    }
    assert len(list(TopologicalSorter(graph).static_order())) >= len(graph) > 250


def test_a_room_imports_no_room_that_comes_later() -> None:
    upward = [
        (name, other)
        for name, others in IMPORTS.items()
        for other in others
        if name.split(".")[0] == other.split(".")[0] == "driftmeter"
        and _floor(name) < _floor(other)
    ]
    assert upward == []


def test_every_file_is_in_a_room() -> None:
    below = {name.split(".")[1] for name in MODULES if name.startswith("driftmeter.")}
    assert below - LOOSE == set(ROOMS)
    below = {name.split(".")[1] for name in MODULES if name.startswith("dagster_driftmeter.")}
    assert below - ORCHESTRATION_LOOSE == set(ORCHESTRATION_ROOMS)


def test_no_two_files_or_classes_have_one_name() -> None:
    files: dict[str, list[str]] = {}
    classes: dict[str, list[str]] = {}
    for name, file in MODULES.items():
        if file.name != "__init__.py" and "migrations" not in name:
            files.setdefault(file.name, []).append(name)
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(name)
    assert {name: places for name, places in files.items() if len(places) > 1} == {}
    assert {name: places for name, places in classes.items() if len(places) > 1} == {}


def _floor(name: str) -> int:
    room = name.split(".")[1] if "." in name else "settings"
    return ROOMS.index(room) if room in ROOMS else -1
