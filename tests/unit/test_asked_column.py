"""`driftmeter init` asks which column has a role: a person answers by its number or its name."""

import pytest
from click.testing import CliRunner

from dagster_driftmeter.cli.init import _answer

COLUMNS = ("risk", "3", "likelihood")


@pytest.mark.parametrize(
    ("typed", "column"),
    [("1\n", "risk"), ("likelihood\n", "likelihood"), ("3\n", "3"), ("9\nscore\n2\n", "3")],
)
def test_a_column_is_chosen_by_number_or_name(typed: str, column: str) -> None:
    with CliRunner().isolation(input=typed) as (output, *_):
        assert _answer("prediction", COLUMNS) == column
        shown = output.getvalue().decode()
    assert "Which column is the prediction?" in shown
    assert "  1  risk\n  2  3\n  3  likelihood\n" in shown
    assert ("neither one of these columns nor its number" in shown) is typed.startswith("9")
