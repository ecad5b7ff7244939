"""How often the path of one parameter returns to a file that it had left.

    .venv/bin/python -m benchmarks.walk
    .venv/bin/python -m benchmarks.walk --stops driftmeter/alarms/detect.py:detect:monitor

Nothing is run: the code is read, in its order. Where the parameter is handed to a function of the
product, or to a method that one class alone has, the walk enters that function, once for each of
its parameters. A part of it counts as the parameter, and so does another name for it, a tuple and
an object that holds it. The path is the files of the functions that the walk enters; a return is a
stop in a file in which it has been before. Fewer returns: less turning of pages for a reader.
"""

import argparse
import ast
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

WALKS = (
    "driftmeter/incidents/update.py:update_incidents:monitor",
    "driftmeter/alarms/detect.py:detect:monitor",
    "dagster_driftmeter/assets/drift_asset.py:drift_asset:table",
)
Place = tuple[str, str]  # a file, and a name in it: "" for the file itself


class Code:
    """The functions of a checkout, and the names by which each file knows them."""

    def __init__(self, tree: Path) -> None:
        self.functions: dict[Place, ast.FunctionDef] = {}
        self.imported: dict[Place, Place] = {}
        self.methods: dict[str, list[Place]] = defaultdict(list)
        files = {
            str(path.relative_to(tree / folder)): ast.parse(path.read_text())
            for folder in ("python_metrics", "orchestration")
            for path in sorted((tree / folder).rglob("*.py"))
        }
        for file, parsed in files.items():
            for statement in parsed.body:
                self._define(file, statement)
            for node in ast.walk(parsed):
                if isinstance(node, ast.ImportFrom) and node.module:
                    self._import(file, node, files.keys())

    def _define(self, file: str, node: ast.stmt) -> None:
        if isinstance(node, ast.FunctionDef):
            self.functions[file, node.name] = node
        for method in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(method, ast.FunctionDef):
                place = (file, f"{getattr(node, 'name', '')}.{method.name}")
                self.functions[place] = method
                self.methods[method.name].append(place)

    def _import(self, file: str, node: ast.ImportFrom, files: Collection[str]) -> None:
        module = str(node.module).removeprefix("python_metrics.").removeprefix("orchestration.")
        for alias in node.names:
            inner = f"{module}.{alias.name}".replace(".", "/") + ".py"
            outer = module.replace(".", "/") + ".py"
            place = (inner, "") if inner in files else (outer, alias.name)
            self.imported[file, alias.asname or alias.name] = place

    def entered(self, file: str, call: ast.Call) -> Place | None:
        """The function that a call in a file enters, if it is plain which."""
        places: list[Place] = []
        if isinstance(call.func, ast.Name):
            where, name = self.imported.get((file, call.func.id), (file, call.func.id))
            places = [(where, name), (where, f"{name}.__init__")]
        elif isinstance(call.func, ast.Attribute):
            alike, holder = self.methods[call.func.attr], call.func.value
            known = isinstance(holder, ast.Name) and self.imported.get((file, holder.id))
            places = [(known[0], call.func.attr)] if known else alike * (len(alike) == 1)
        return next((place for place in places if place in self.functions), None)


def path_of(code: Code, place: Place, parameter: str) -> list[str]:
    """Files in the order in which the walk stops in them."""
    seen: set[tuple[Place, str]] = set()
    path: list[str] = []

    def walk(place: Place, parameter: str) -> None:
        if (place, parameter) in seen:
            return
        seen.add((place, parameter))
        if path[-1:] != [place[0]]:
            path.append(place[0])
        names = {parameter}
        for node in in_order(code.functions[place]):
            if isinstance(node, ast.Assign) and is_followed(node.value, names):
                names |= {one.id for one in ast.walk(node.targets[0]) if isinstance(one, ast.Name)}
            if isinstance(node, ast.Call) and (target := code.entered(place[0], node)):
                for handed in handed_on(node, code.functions[target], "." in target[1], names):
                    walk(target, handed)

    walk(place, parameter)
    return path


def in_order(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a piece of code: a call after what it is given, a name after its value."""
    for child in ast.iter_child_nodes(node):
        yield from in_order(child)
    yield node


def is_followed(node: ast.AST | None, names: set[str]) -> bool:
    """Whether an expression is one of these names, a part of one, or a thing that holds one."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    if isinstance(node, ast.Tuple):
        return any(is_followed(one, names) for one in node.elts)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id[0].isupper():
        held = [*node.args, *(keyword.value for keyword in node.keywords)]
        return any(is_followed(one, names) for one in held)
    return isinstance(node, ast.Name) and node.id in names


def handed_on(
    call: ast.Call, function: ast.FunctionDef, is_method: bool, names: set[str]
) -> Iterator[str]:
    """Parameters of a function to which a call gives what is followed."""
    parameters = [one.arg for one in function.args.args]
    holder = [call.func.value if isinstance(call.func, ast.Attribute) else None]
    given = [*(holder if is_method else []), *call.args]
    for value, parameter in zip(given, parameters, strict=False):
        if is_followed(value, names):
            yield from parameters if isinstance(value, ast.Starred) else [parameter]
    for keyword in call.keywords:
        if keyword.arg and is_followed(keyword.value, names):
            yield keyword.arg


def main() -> None:
    """Print how many files each path is in, and how often it returns to one of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("walks", nargs="*", default=WALKS, metavar="FILE:FUNCTION:PARAMETER")
    parser.add_argument("--tree", type=Path, default=Path(__file__).parents[1], help="a checkout")
    parser.add_argument("--stops", action="store_true", help="print every stop too")
    given = parser.parse_args()
    code = Code(given.tree)
    for asked in given.walks:
        file, function, parameter = asked.split(":")
        path = path_of(code, (file, function), parameter)
        print("".join(f"{stop}\n" for stop in path if given.stops), end="")
        print(f"{asked}: {len(set(path))} files, {len(path) - len(set(path))} returns")


if __name__ == "__main__":
    main()
