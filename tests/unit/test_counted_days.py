"""Days as sentences count them."""

import datetime as dt

import pytest

from driftmeter.monitors.days import counted_days, days_within

FIRST, LAST = dt.date(2026, 11, 17), dt.date(2026, 11, 23)


def test_one_day_is_one() -> None:
    assert [counted_days(count) for count in (0, 1, 1200)] == ["0 days", "1 day", "1,200 days"]


@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "2026-11-17"),
        (2, "2 days between 2026-11-17 and 2026-11-23"),
        (7, "2026-11-17 to 2026-11-23 (7 days)"),
    ],
)
def test_a_span_is_told_with_its_days_or_as_what_they_lie_in(count: int, told: str) -> None:
    assert days_within(count, FIRST, LAST) == told
