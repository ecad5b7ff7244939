"""`driftmeter run --to` alone measures what is new or changed up to that day."""

import datetime as dt

from dagster_driftmeter.runs.chain import Wanted

DAYS = [dt.date(2026, 3, number) for number in (1, 2, 3, 5, 6)]


def test_days_up_to_the_last_one_that_is_wanted() -> None:
    assert Wanted().of(DAYS) == DAYS
    assert Wanted(until=dt.date(2026, 3, 5)).of(DAYS) == DAYS[:4]
    assert Wanted(until=dt.date(2026, 2, 1)).of(DAYS) == []
