"""Batches of days, weeks and months on the calendar, held against pandas' periods."""

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driftmeter.arrival.due import due_days, newest_due_day
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.fold import fold
from driftmeter.monitors.cadence import DAILY, Cadence, Every
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.proposal.reference_period import proposed_reference
from driftmeter.monitors.proposal.rhythm import proposed_cadence
from driftmeter.monitors.proposal.table_days import TableDays
from tests.integration.test_arrival import monitor

FREQUENCIES: dict[Every, str] = {"day": "D", "week": "W-SUN", "month": "M"}
EVERY = st.sampled_from(list(FREQUENCIES))
DATES = st.dates(dt.date(1990, 1, 1), dt.date(2060, 12, 31))


def period(day: dt.date, every: Every) -> pd.Period:
    return pd.Period(day, freq=FREQUENCIES[every])


@settings(deadline=None)
@given(every=EVERY, day=DATES, count=st.integers(-500, 500))
def test_a_batch_begins_ends_and_follows_as_pandas_says(
    every: Every, day: dt.date, count: int
) -> None:
    cadence, its = Cadence(every), period(day, every)
    start = cadence.start(day)
    assert start == its.start_time.date()
    assert cadence.last_day(start) == its.end_time.date()
    other = (its + count).start_time.date()
    assert cadence.after(start, count) == other
    assert cadence.between(start, other) == count
    assert cadence.ended_before(day) == (its - 1).start_time.date()


@settings(deadline=None)
@given(every=EVERY, first=DATES, days=st.integers(0, 400))
def test_the_batches_of_a_span_are_those_that_begin_or_that_end_in_it(
    every: Every, first: dt.date, days: int
) -> None:
    last = first + dt.timedelta(days=days)
    spans = pd.period_range(first, last, freq=FREQUENCIES[every])
    begun = [one.start_time.date() for one in spans if one.start_time.date() >= first]
    ended = [one.start_time.date() for one in spans if one.end_time.date() <= last]
    assert Cadence(every).batches(first, last) == begun
    assert Cadence(every).ending_within(first, last) == ended


def test_the_calendar_has_an_end_on_either_side() -> None:
    for every in FREQUENCIES:
        assert Cadence(every).after(dt.date(2026, 1, 1), -(10**6)) == dt.date.min
        assert Cadence(every).after(dt.date(2026, 1, 1), 10**7) == dt.date.max


def test_batches_in_sentences() -> None:
    day = dt.date(2026, 4, 6)
    shown = {every: (Cadence(every).on(day), Cadence(every).counted(2)) for every in FREQUENCIES}
    assert shown == {
        "day": ("on 2026-04-06", "2 days"),
        "week": ("in the week of 2026-04-06", "2 weeks"),
        "month": ("in April 2026", "2 months"),
    }
    usual = [Cadence(every).on_usual(day) for every in FREQUENCIES]
    assert usual == ["on a Monday", "in a week", "in a month"]
    assert [Cadence(every).counted(1) for every in FREQUENCIES] == ["1 day", "1 week", "1 month"]


@pytest.mark.parametrize(("every", "due"), [("week", "2026-03-09"), ("month", "2026-02-01")])
def test_a_batch_is_due_six_hours_after_its_last_day(every: Every, due: str) -> None:
    zone, cadence = monitor(timezone="Europe/Berlin").zone, Cadence(every)
    before = dt.datetime(2026, 3, 16, 4, 59, tzinfo=dt.timezone.utc)
    assert newest_due_day(zone, before + dt.timedelta(minutes=1), cadence).isoformat() == due
    week_before = {"week": "2026-03-02", "month": "2026-02-01"}[every]
    assert newest_due_day(zone, before, cadence).isoformat() == week_before


@pytest.mark.parametrize("every", ["week", "month"])
def test_batches_are_due_as_often_as_the_reference_had_them(every: Every) -> None:
    cadence = Cadence(every)
    came = cadence.batches(dt.date(2025, 1, 1), dt.date(2025, 12, 31))
    following = cadence.after(came[-1])
    span = (following, cadence.after(following, 4), cadence)
    assert due_days(came, *span) == cadence.batches(*span[:2])
    # Most had rows: it is the one that lacks them which is odd. Of every second one none is.
    assert due_days(came[:3] + came[4:], *span) == cadence.batches(*span[:2])
    assert due_days(came[::2], *span) == [cadence.after(following, at) for at in (1, 3)]


def test_an_incident_is_over_after_two_quiet_weeks_and_opens_again_within_six() -> None:
    cadence, first = Cadence("week"), dt.date(2026, 1, 5)
    weeks = [cadence.after(first, number) for number in range(20)]
    missing = Breach("missing_values", "a is missing.", "a", columns=("a",))
    seen: dict[dt.date, list[Breach]] = {week: [] for week in weeks}
    seen[weeks[0]] = seen[weeks[1]] = seen[weeks[6]] = seen[weeks[15]] = [missing]
    one, other = fold(seen, cadence=cadence)
    assert [(change.event, change.on_date) for change in one.transitions] == [
        ("opened", weeks[0]),
        ("closed", weeks[3]),
        ("reopened", weeks[6]),
        ("closed", weeks[8]),
    ]
    assert (one.days, other.opened_on) == (3, weeks[15])


def test_a_monitor_by_weeks_has_one_false_alarm_in_thirty_of_them() -> None:
    budgets = {
        every: monitor(every=every).alarm_budget.false_alarms_per_month for every in FREQUENCIES
    }
    assert budgets == {"day": 1, "week": 0.145, "month": 0.033}
    assert monitor(every="week", alarm_budget={"false_alarms_per_month": 1}).every == "week"
    with pytest.raises(ValueError, match=r"more than one in two months. Give at most 0\.5"):
        monitor(every="month", alarm_budget={"false_alarms_per_month": 1})


def test_a_reference_period_in_which_no_batch_begins_is_refused() -> None:
    reference = {"from": "2026-01-02", "to": "2026-01-31"}
    assert len(monitor(every="week", reference=reference).reference_batches) == 4
    with pytest.raises(ValueError, match="no month begins in `reference`"):
        monitor(every="month", reference=reference)


def test_a_daily_monitor_has_the_hashes_that_it_had_before_there_were_other_cadences() -> None:
    def hashes(**changes: object) -> tuple[str, str]:
        made: Monitor = monitor(**changes)
        return made.config_hash, made.policy_hash

    # Of the release before: stored days must not become stale.
    assert hashes() == hashes(every="day") == ("68ec25a1a853569c", "6574798060cdeeb8")
    assert hashes(every="week")[0] != hashes()[0]


@pytest.mark.parametrize(
    ("days", "every", "reason"),
    [
        (pd.date_range("2026-01-05", periods=13, freq="7D"), "week", "13 Mondays, about 300 rows"),
        (pd.date_range("2026-01-07", periods=4, freq="7D"), "week", "4 Wednesdays"),
        (pd.date_range("2026-01-01", periods=6, freq="MS"), "month", "each of 6 months"),
        (pd.date_range("2026-01-31", periods=6, freq="ME"), "month", "each of 6 months"),
        (pd.date_range("2026-01-01", periods=40), "day", "40 days"),
        # Every second week is no week in which all else is missing.
        (pd.date_range("2026-01-05", periods=13, freq="14D"), "day", "13 days"),
        (pd.date_range("2026-01-05", periods=2, freq="7D"), "day", "too few days"),
    ],
)
def test_the_days_with_rows_show_how_often_batches_are_scored(
    days: pd.DatetimeIndex, every: Every, reason: str
) -> None:
    dates = [day.date() for day in days]
    rows = pd.Series(300.0, index=dates).to_numpy()
    found, why = proposed_cadence(dates, rows)
    assert found == every
    assert reason in why
    by_batch = TableDays(tuple(dates), rows, {"a": rows}).by(Cadence(every))
    assert by_batch.rows.sum() == 300 * len(dates)
    reference, _ = proposed_reference(by_batch, found)
    first, last = (dt.date.fromisoformat(reference[end]) for end in ("from", "to"))
    cadence = Cadence(every)
    assert first == cadence.start(first)
    assert last == cadence.last_day(cadence.start(last)), "the reference ends with a batch"


@pytest.mark.parametrize(
    ("batches", "first", "to", "grows", "reason"),
    [
        # The first thirty weeks that have rows: nothing is left to grow.
        (40, 30, "2026-08-02", False, "the first 30 of 40 weeks with rows"),
        (20, 30, "2026-05-17", True, "until there are 30: thresholds are wide with fewer than 28"),
        (40, 60, "2026-10-04", True, "until there are 60"),
        (8, 10, "2026-02-22", True, "until there are 10: thresholds are wide with fewer than 28."),
    ],
)
def test_so_many_first_batches_are_looked_up_and_grow_where_the_table_has_fewer(
    batches: int, first: int, to: str, grows: bool, reason: str
) -> None:
    weeks = [day.date() for day in pd.date_range("2026-01-05", periods=batches, freq="7D")]
    rows = pd.Series(300.0, index=weeks).to_numpy()
    found = TableDays(tuple(weeks), rows, {"a": rows})
    reference, why = proposed_reference(found, "week", first)
    assert (reference["from"], reference["to"]) == ("2026-01-05", to)
    assert reference.get("first") == (first if grows else None)
    assert reason in why
    assert "soonest" not in why or batches < 28 <= first


def test_batches_of_days_are_the_days_themselves() -> None:
    dates = tuple(day.date() for day in pd.date_range("2026-01-01", periods=5))
    rows = pd.Series(range(1, 6), index=dates, dtype=float).to_numpy()
    by_batch = TableDays(dates, rows, {"a": rows}).by(DAILY)
    assert by_batch.days == dates
    assert by_batch.rows.tolist() == by_batch.known["a"].tolist() == rows.tolist()
