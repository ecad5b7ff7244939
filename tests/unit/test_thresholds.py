"""The table of thresholds says what the code has."""

import re
from importlib import import_module

from driftmeter.settings import PROJECT_ROOT

ROW = re.compile(r"^\| ([\w.]+) \| `(\w+)` \| (\S+) \|", re.MULTILINE)


def test_the_table_of_thresholds_holds_the_codes_numbers() -> None:
    table = (PROJECT_ROOT / "docs" / "thresholds.md").read_text()
    rows = ROW.findall(table)
    assert len(rows) > 40
    for module, name, value in rows:
        number = getattr(import_module(f"driftmeter.{module}"), name)
        assert f"{number:g}" == value, f"{module}.{name}"
