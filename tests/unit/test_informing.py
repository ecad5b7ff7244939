"""What only informs ends no run, and its error is one line."""

import psycopg
import pytest

from dagster_driftmeter.runs.retries import only_informs
from driftmeter.errors import DriftmeterError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            TypeError("boolean value of NA is ambiguous\nat line 3"),
            "TypeError: boolean value of NA",
        ),
        (MemoryError(), "MemoryError. What"),
        (DriftmeterError("holds no port", where="file", fix="delete it"), "holds no port. What"),
        (BrokenPipeError(32, "Broken pipe"), "Broken pipe"),
    ],
)
def test_an_error_of_a_page_is_one_line(
    error: Exception, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with only_informs("the overview page"):
        raise error
    said = capsys.readouterr().err
    assert said.startswith("the overview page could not be made: ")
    assert reason in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), psycopg.OperationalError("no server")])
def test_who_interrupts_and_a_lost_warehouse_end_a_run(error: BaseException) -> None:
    with pytest.raises(type(error)), only_informs("the overview page"):
        raise error
