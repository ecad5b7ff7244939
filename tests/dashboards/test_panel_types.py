"""The dashboards against Grafana's own TypeScript types, by its compiler; needs node and npm."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards.grafana_files import DASHBOARDS

TYPES = Path(__file__).parent / "types"
COMPILER = [
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "esnext",
    "--moduleResolution",
    "bundler",
    "--target",
    "es2022",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the locked compiler and types."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not here: Grafana's types cannot be checked")
    directory = tmp_path_factory.mktemp("types")
    for file in TYPES.iterdir():
        shutil.copy(file, directory)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if installed.returncode != 0:
        if any(word in installed.stderr for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT")):
            pytest.skip("npm reaches no registry: Grafana's types cannot be checked")
        pytest.fail(installed.stderr)
    return directory


def without_sql(board: dict[str, Any]) -> dict[str, Any]:
    """The dashboard without what is the SQL datasource's own, for which there are no types."""
    copy = json.loads(json.dumps(board))
    for annotation in copy["annotations"]["list"]:
        del annotation["target"]
    for panel in copy["panels"]:
        for target in panel.get("targets", []):
            for name in ("rawSql", "rawQuery", "editorMode", "format"):
                del target[name]
    return copy


def literals(board: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Typed parts of one dashboard: all of it, and each panel's options and fields."""
    yield "Board", without_sql(board)
    for panel in board["panels"]:
        if panel["type"] == "row":
            continue
        kind = json.dumps(panel["type"])
        yield f"Options[{kind}]", panel["options"]
        custom = dict(panel["fieldConfig"]["defaults"].get("custom", {}))
        yield f"Custom[{kind}]", custom
        for entry in panel["fieldConfig"]["overrides"]:
            custom = {
                item["id"].removeprefix("custom."): item["value"]
                for item in entry["properties"]
                if item["id"].startswith("custom.")
            }
            yield f"Partial<Custom[{kind}]>", custom


def compiled(project: Path, boards: dict[str, dict[str, Any]]) -> str:
    """What the compiler says of the dashboards; nothing where every type is right."""
    lines = ["import type { Board, Custom, Options } from './types';"]
    for uid, board in boards.items():
        for number, (kind, value) in enumerate(literals(board)):
            name = f"{uid.replace('-', '_')}_{number}"
            lines.append(f"export const {name}: {kind} = {json.dumps(value)};")
    (project / "dashboards.ts").write_text("\n".join(lines) + "\n")
    compiler = project / "node_modules" / ".bin" / "tsc"
    result = subprocess.run(
        [str(compiler), *COMPILER, "dashboards.ts"], cwd=project, capture_output=True, text=True
    )
    return result.stdout + result.stderr


def test_every_dashboard_and_panel_has_grafanas_types(project: Path) -> None:
    assert compiled(project, DASHBOARDS) == ""


def test_the_compiler_finds_a_wrong_option(project: Path) -> None:
    board = json.loads(json.dumps(DASHBOARDS["overview"]))
    panel = next(panel for panel in board["panels"] if panel["type"] == "timeseries")
    panel["options"]["tooltip"]["mode"] = "everything"
    panel["fieldConfig"]["defaults"]["custom"]["drawStyel"] = "line"
    said = compiled(project, {"overview": board})
    assert "everything" in said
    assert "drawStyel" in said
