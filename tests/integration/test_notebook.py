"""The debugging notebook: committed without outputs, and it runs to its end on the demo."""

from typing import Any

import nbformat
import pytest
import sqlalchemy as sa
from nbclient import NotebookClient

from driftmeter.settings import PROJECT_ROOT

FILE = PROJECT_ROOT / "notebooks" / "debug_a_day.ipynb"


def test_it_is_committed_without_outputs() -> None:
    for cell in nbformat.read(FILE, as_version=4).cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


@pytest.mark.parametrize(
    ("day", "column"), [(None, None), ("2019-04-03", "passenger_count"), ("2019-04-05", None)]
)
def test_it_goes_from_the_alarm_to_the_rows(
    demo: sa.Engine,
    day: str | None,
    column: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = demo.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DRIFTMETER_DATABASE_URL", url)
    notebook: Any = nbformat.read(FILE, as_version=4)
    if day is not None:
        (parameters,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        parameters.source = parameters.source.replace("DAY = None", f'DAY = "{day}"')
    # The last cell's table must hold rows of the day, and the column that was planted.
    check = "assert len(rows) == 10 and rows[monitor.id].notna().all()\nprint(COLUMN)"
    if day is None:
        check = f"assert whole['is_drifted'].iloc[0], DAY\n{check}"
    notebook.cells.append(nbformat.v4.new_code_cell(check))
    NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(PROJECT_ROOT)}}
    ).execute()
    said = notebook.cells[-1].outputs[0]["text"].strip()
    assert column is None or said == column
