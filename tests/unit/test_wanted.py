"""`driftmeter run --to` alone measures what is new or changed up to that day."""

import datetime as dt

from dagster_driftmeter.runs.chain import Wanted

DAYS = [dt.date(2026, 3, number) for number in (1, 2, 3, 5, 6)]


def spans(wanted: Wanted) -> list[tuple[int, int]]:
    return [(span.from_date.day, span.to_date.day) for span in wanted.of(DAYS)]


def test_days_up_to_the_last_one_that_is_wanted() -> None:
    assert spans(Wanted()) == [(1, 3), (5, 6)]
    assert spans(Wanted(until=dt.date(2026, 3, 5))) == [(1, 3), (5, 5)]
    assert spans(Wanted(until=dt.date(2026, 2, 1))) == []
