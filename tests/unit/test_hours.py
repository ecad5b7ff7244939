"""Batches that are hours: their keys, their names, the levels that are fitted, and their SQL."""

import datetime as dt
import pickle
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from driftmeter.alarms.day_null import fit_day_null, judge_days, p_values
from driftmeter.alarms.decision import level_of
from driftmeter.arrival.due import due_days, newest_due_day
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.fold import fold
from driftmeter.monitors.cadence import Cadence
from driftmeter.monitors.config import Days, Monitor
from driftmeter.monitors.hour import Hour
from driftmeter.performance.decided import loudest_windows
from driftmeter.warehouse.schema import on_batches
from tests.integration.test_arrival import monitor

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = st.sampled_from(
    [
        ZoneInfo(name)
        for name in (
            "Europe/Berlin",
            "America/New_York",
            "UTC",
            "Asia/Kolkata",
            "America/Sao_Paulo",
        )
    ]
)
DATES = st.dates(dt.date(1990, 1, 1), dt.date(2037, 12, 31))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(zone=ZONES, first=DATES, days=st.integers(0, 5))
def test_the_hours_of_a_span_are_those_that_pandas_counts(
    zone: ZoneInfo, first: dt.date, days: int
) -> None:
    last, cadence = first + dt.timedelta(days=days), Cadence("hour", zone)
    after = pd.Timestamp(last + dt.timedelta(days=1)).tz_localize(zone, nonexistent="shift_forward")
    begins = pd.Timestamp(first).tz_localize(zone, nonexistent="shift_forward", ambiguous=True)
    hours = cadence.batches(first, last)
    assert hours == list(pd.date_range(begins, after, freq="h", inclusive="left"))
    assert len(set(hours)) == len(hours)
    assert all(day == hour.date() for hour in hours for day in [cadence.last_day(hour)])
    assert cadence.between(hours[0], hours[-1]) == len(hours) - 1
    assert cadence.after(hours[-1], 1 - len(hours)) == hours[0]
    assert pickle.loads(pickle.dumps(hours)) == hours


def test_an_hour_that_the_clock_shows_twice_is_named_with_its_offset() -> None:
    cadence = Cadence("hour", NEW_YORK)
    autumn = cadence.batches(dt.date(2013, 11, 3), dt.date(2013, 11, 3))
    assert len(autumn) == 25
    assert [cadence.name(hour) for hour in autumn[:4]] == [
        "2013-11-03 00:00",
        "2013-11-03 01:00 -04:00",
        "2013-11-03 01:00 -05:00",
        "2013-11-03 02:00",
    ]
    spring = cadence.batches(dt.date(2013, 3, 10), dt.date(2013, 3, 10))
    names = [cadence.name(hour) for hour in spring]
    assert len(spring) == 23
    assert names[1:3] == ["2013-03-10 01:00", "2013-03-10 03:00"]
    assert cadence.on(spring[2]) == "at 2013-03-10 03:00"
    assert cadence.on_usual(spring[2]) == "at 03:00 on a weekend"
    assert cadence.counted(1) == "1 hour"


def test_an_hour_is_within_its_day() -> None:
    cadence, day = Cadence("hour", BERLIN), dt.date(2026, 3, 28)
    hour = cadence.after(day, 14)
    assert isinstance(hour, Hour)
    assert day <= hour <= day
    assert hour in Days(**{"from": day, "to": day})
    assert not hour < day
    assert not day > hour
    assert hour != day
    assert day - dt.timedelta(days=1) < hour < day + dt.timedelta(days=1)
    assert cadence.bounds(day, day) == (cadence.start(day), cadence.last(day))
    # By the clock of another zone it is the same instant.
    assert Hour.of(hour, NEW_YORK) == hour
    assert hash(Hour.of(hour, NEW_YORK)) == hash(hour)


def test_hours_are_due_by_the_rhythm_of_their_day() -> None:
    cadence = Cadence("hour", BERLIN)
    days = cadence.batches(dt.date(2026, 3, 2), dt.date(2026, 3, 13))
    office = [hour for hour in days if 8 <= hour.hour < 18 and hour.weekday() < 5]
    due = due_days(office, dt.date(2026, 3, 16), dt.date(2026, 3, 21), cadence)
    # A working week, and no Saturday.
    assert [hour.hour for hour in due] == [*range(8, 18)] * 5
    now = dt.datetime(2026, 3, 16, 9, 30, tzinfo=BERLIN)
    # The hour from 07:00 ended at eight; an hour later its rows are due.
    assert newest_due_day(BERLIN, now, cadence) == now.replace(hour=7, minute=0)


def hourly(**fields: object) -> Monitor:
    block = monitor().model_dump(by_alias=True)
    return Monitor.model_validate({**block, "every": "hour", **fields})


def test_a_month_has_one_false_alarm_over_all_of_its_hours() -> None:
    declared = hourly()
    assert declared.alarm_budget.false_alarms_per_month == 1
    a_day = level_of(monitor(), "rows")
    assert level_of(declared, "rows") == pytest.approx(a_day / 24)
    assert declared.batch_column == "partition_start"
    begun = declared.reference_span
    assert begun == (declared.reference_batches[0], declared.reference_batches[-1])


def test_a_zone_that_is_turned_by_half_an_hour_has_no_hours() -> None:
    with pytest.raises(ValidationError, match="turned by less than an hour"):
        hourly(timezone="Australia/Lord_Howe")


def test_days_have_the_settings_of_days() -> None:
    assert monitor().batch_column == "partition_date"
    assert monitor().reference_span == (monitor().reference.from_date, monitor().reference.to_date)


def series(days: int, night: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values that go with the hour of the day, their rows, and the level of each."""
    cadence = Cadence("hour", BERLIN)
    hours = cadence.batches(dt.date(2026, 1, 5), dt.date(2026, 1, 5) + dt.timedelta(days=days - 1))
    levels = np.array([cadence.level(hour) for hour in hours])
    random = np.random.default_rng(seed)
    rows = np.where(levels % 24 < 5, night, 100.0)
    of_hour = np.sin(levels % 24 / 24 * 2 * np.pi)
    values = of_hour + random.normal(0, 1 / np.sqrt(np.maximum(rows, 1)))
    return values[:, None], rows[:, None], levels


@pytest.mark.parametrize(("days", "width"), [(2, 1), (4, 24), (28, 48)])
def test_hours_are_fitted_as_far_as_the_reference_has_each_three_times(
    days: int, width: int
) -> None:
    values, rows, levels = series(days, 100.0, 1)
    null = fit_day_null(values, rows, np.array([1.0]), levels, levels=48)
    assert null.level.shape == (48, 1)
    assert len(np.unique(null.level[:, 0])) == width
    if width > 1:
        assert null.level[6, 0] == pytest.approx(1, abs=0.15)
        assert null.day_variance[0] < 0.01


def test_calm_hours_alarm_as_seldom_as_their_level_says() -> None:
    """A month has 730 hours: p-values must be right far out. The nights have no rows here."""
    level, alarms, judged = 0.004, 0, 0
    for seed in range(40):
        values, rows, levels = series(42, 0.0, seed)
        reference = slice(0, 28 * 24)
        null = fit_day_null(
            values[reference], rows[reference], np.array([1.0]), levels[reference], levels=48
        )
        later = slice(28 * 24, None)
        days = judge_days(null, values[later, 0], rows[later, 0], levels[later])
        known = rows[later, 0] > 0
        alarms += int((days.p_value[known] < level).sum())
        judged += int(known.sum())
    # Three standard errors of so many, above; a bound that is kept with room is no fault.
    expected = level * judged
    assert 0.3 * expected < alarms < expected + 3 * np.sqrt(expected)


def hours_of_days(days: int, seed: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of hours of which each has an effect, and each day one of its own; and levels."""
    random = np.random.default_rng(seed)
    of_days = np.repeat(random.normal(0, 0.05, (days, columns)), 24, axis=0)
    values = of_days + random.normal(0, np.hypot(0.05, 0.02), of_days.shape)
    hour = np.arange(24 * days)
    return values, hour % 24 + 24 * (hour // 24 % 7 >= 5)


@pytest.mark.parametrize("days", [3, 7, 28])
def test_a_day_of_its_own_is_not_24_hours_that_alarm(days: int) -> None:
    """What moves a day moves its hours together: they are no 24 observations of how days vary."""
    level, columns, alarms, judged = 0.001, 8, 0, 0
    for seed in range(12):
        values, levels = hours_of_days(days + 14, seed, columns)
        rows, is_share = np.full(values.shape, 2500.0), np.zeros(columns, dtype=bool)
        before = slice(0, 24 * days)
        null = fit_day_null(
            values[before], rows[before], np.ones(columns), levels[before], levels=48
        )
        found = p_values(null, values, rows, levels, np.zeros(columns), is_share, 7)
        alarms += int((found[24 * days :] < level).sum())
        judged += found[24 * days :].size
    # Twice the level, because hours of one day alarm together.
    assert alarms < 2 * level * judged


def test_errors_of_a_day_of_its_own_are_not_24_hours_that_alarm() -> None:
    of_hours = monitor(every="hour", timezone="UTC", batch=None)
    alarms, judged = 0, 0
    for seed in range(12):
        values, _ = hours_of_days(21, seed, 1)
        hours = of_hours.cadence.batches(dt.date(2026, 1, 5), dt.date(2026, 1, 25))
        days = pd.DataFrame(
            {"day": hours, "difference": values[:, 0], "value": 1 + values[:, 0]}
        ).assign(deviation=np.hypot(0.05, np.hypot(0.05, 0.02)), expected=1.0, reference_value=1.0)
        later = days[24 * 7 :].assign(metric="capped_error", p_value=1.0)
        windows = loudest_windows(of_hours, later, days[: 24 * 7], (), None)
        found = windows["window_p_value"] < 0.005
        alarms, judged = alarms + int(found.sum()), judged + len(found)
    assert alarms < 2 * 0.005 * judged


def test_an_incident_is_over_after_a_day_without_it() -> None:
    cadence = Cadence("hour", BERLIN)
    first = cadence.after(dt.date(2026, 3, 28), 9)
    breach = Breach("volume", "41 rows came.")
    breaches = {cadence.after(first, number): [] for number in range(40)}
    breaches[first] = [breach]
    (incident,) = fold(breaches, cadence=cadence)
    assert incident.closed_on == cadence.after(first, 24)
    assert cadence.name(incident.closed_on) == "2026-03-29 10:00"


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        ("select 1 from metrics.drift", "select 1 from metrics.hourly_drift as drift"),
        ("from metrics.drift as d where 1", "from metrics.hourly_drift as d where 1"),
        ("insert into metrics.drift (a)", "insert into metrics.hourly_drift as drift (a)"),
        ("select metrics.note_inputs(1)", "select metrics.hourly_note_inputs(1)"),
        ("from metrics.monitors, metrics.baselines", "from metrics.monitors, metrics.baselines"),
        ("select 'metrics.drift', \"metrics.drift\"", "select 'metrics.drift', \"metrics.drift\""),
        ("any('{}'::date[])", "any('{}'::timestamptz[])"),
        ("cast(:day as date)", "cast(:day as timestamptz)"),
        ("cast(:days as pg_catalog.date[])", "cast(:days as pg_catalog.date[])"),
        ("metrics.make_months(1)", "metrics.make_months(1)"),
    ],
)
def test_statements_on_hours_read_the_views_that_know_them(statement: str, asked: str) -> None:
    assert on_batches(statement) == asked
