"""Modules of the product import each other one way, where it is only for a type too."""

import ast
from graphlib import TopologicalSorter

from python_metrics.settings import PROJECT_ROOT


def test_no_module_imports_what_imports_it() -> None:
    files = {
        ".".join(file.relative_to(PROJECT_ROOT).with_suffix("").parts).removesuffix(
            ".__init__"
        ): file
        for file in PROJECT_ROOT.glob("python_metrics/**/*.py")
    }
    imports: dict[str, set[str]] = {}
    for name, file in files.items():
        nodes = ast.walk(ast.parse(file.read_text()))
        targets = {
            target
            for node in nodes
            if isinstance(node, ast.ImportFrom) and node.module
            for alias in node.names
            for target in (f"{node.module}.{alias.name}", node.module)
        }
        # A package is imported with each of its modules.
        imports[name] = {t for t in targets if t in files and not name.startswith(f"{t}.")} - {name}
    assert len(list(TopologicalSorter(imports).static_order())) == len(files)
