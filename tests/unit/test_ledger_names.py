"""How `driftmeter judge` names alarms: those of a metric of a team's own have a name too."""

from typing import get_args

from dagster_driftmeter.cli.judge import _names
from driftmeter.incidents.ledger import Budget, LedgerEntry


def test_an_alarm_has_a_name_whatever_part_of_the_budget_it_spends() -> None:
    for budget in get_args(Budget):
        assert _names([LedgerEntry(budget, "income", "region", "west")])
    assert _names([LedgerEntry("metrics", "profit")]) == "profit"
    assert _names([LedgerEntry("metrics", "profit", "region", "west")]) == "profit in region = west"
