"""On which days rows are due, by the days on which the reference has some."""

import datetime as dt

from driftmeter.arrival.due import due_days

DAY = dt.timedelta(days=1)
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 6, 30)
HALF_YEAR = [FIRST + DAY * n for n in range(181)]
NEXT, AFTER = dt.date(2026, 11, 4), dt.date(2026, 11, 27)


def test_rows_that_come_every_day_are_due_every_day():
    assert due_days(HALF_YEAR, NEXT, AFTER) == [NEXT + DAY * n for n in range(24)]
    assert len(due_days(HALF_YEAR[:3], NEXT, AFTER)) == 24, "a short reference has seen no Sunday"


def test_a_few_days_that_the_reference_lacks_leave_every_day_due():
    holes = [day for day in HALF_YEAR if day.day not in (9, 10, 25)]
    assert len(due_days(holes, NEXT, AFTER)) == 24


def test_a_weekday_that_never_had_rows_is_not_due():
    office = [day for day in HALF_YEAR if day.weekday() < 5]
    assert all(day.weekday() < 5 for day in due_days(office, NEXT, AFTER))
    assert len(due_days(office, NEXT, AFTER)) == 18


def test_weekly_rows_are_due_on_their_weekday_alone():
    mondays = [day for day in HALF_YEAR if day.weekday() == 0]
    assert [day.day for day in due_days(mondays, NEXT, AFTER)] == [9, 16, 23]
    assert due_days(mondays, dt.date(2026, 11, 10), dt.date(2026, 11, 15)) == []


def test_monthly_rows_are_due_on_their_day_of_the_month():
    firsts = [day for day in HALF_YEAR if day.day == 1]
    assert due_days(firsts, dt.date(2026, 10, 2), AFTER) == [dt.date(2026, 11, 1)]
    lasts = [day for day in HALF_YEAR if (day + DAY).day == 1]
    assert due_days(lasts, dt.date(2027, 2, 1), dt.date(2027, 4, 29)) == [
        dt.date(2027, 2, 28),
        dt.date(2027, 3, 31),
    ]


def test_rows_without_a_rhythm_are_due_once_the_longest_step_has_passed():
    every_other_week = HALF_YEAR[::14]
    assert [day.day for day in due_days(every_other_week, dt.date(2026, 11, 1), AFTER)] == [14]


def test_fewer_than_two_days_with_rows_show_no_rhythm():
    assert due_days([], NEXT, AFTER) == due_days([FIRST], NEXT, AFTER) == []


def test_a_span_that_ends_before_it_begins_has_no_day():
    assert due_days(HALF_YEAR, AFTER, NEXT) == []
