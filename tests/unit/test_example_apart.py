"""The product knows nothing of the example: neither its modules nor its words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from driftmeter.settings import PROJECT_ROOT
from tests.cases import over

# Where product and example are put together, each only for the example's own project.
COMPOSED = {
    "orchestration/dagster_driftmeter/cli/app.py",
    "orchestration/dagster_driftmeter/definitions.py",
    "orchestration/dagster_driftmeter/runs/environment.py",
}
WORDS = re.compile(r"taxi|\btlc\b|\btrips?\b|\btrip_|\bfares?\b|fare_usd|borough", re.IGNORECASE)


def product() -> Iterator[Path]:
    """Python files of the product."""
    for folder in ("python_metrics", "orchestration"):
        for path in sorted((PROJECT_ROOT / folder).rglob("*.py")):
            if not {"taxi", "dagster_taxi"} & set(path.relative_to(PROJECT_ROOT).parts):
                yield path


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@over("path", product(), ids=lambda path: str(path.relative_to(PROJECT_ROOT)))
def test_the_product_imports_nothing_of_the_example(path: Path) -> None:
    if str(path.relative_to(PROJECT_ROOT)) in COMPOSED:
        return
    assert not [name for name in imported(path) if name.split(".")[0] in ("taxi", "dagster_taxi")]


def test_driftmeter_knows_nothing_of_dagster() -> None:
    wrong = [
        (path.name, name)
        for path in sorted((PROJECT_ROOT / "python_metrics").rglob("*.py"))
        for name in imported(path)
        if name.split(".")[0] in ("dagster_driftmeter", "dagster_taxi", "dagster", "dagster_dbt")
    ]
    assert wrong == []


def written() -> Iterator[Path]:
    """All text of the product: Python, views, the dbt package, what Grafana is provisioned with."""
    yield from product()
    for folder, kind in (
        ("python_metrics/driftmeter/warehouse/views", "*.sql"),
        ("dbt_project/driftmeter", "*.sql"),
        ("dbt_project/driftmeter", "*.yml"),
        ("grafana/provisioning", "*.yaml"),
    ):
        yield from sorted((PROJECT_ROOT / folder).rglob(kind))


def test_no_word_of_the_taxis_is_in_the_product() -> None:
    wrong = [
        f"{path.relative_to(PROJECT_ROOT)}:{number}: {line.strip()}"
        for path in written()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        # What the committed dashboards open on is the example, until somebody writes their own.
        if WORDS.search(line)
        and "_SHOWN = " not in line
        and not (
            str(path.relative_to(PROJECT_ROOT)) in COMPOSED
            and re.search("from (dagster_)?taxi", line)
        )
    ]
    assert wrong == []
