"""Which days a growing or rolling reference holds, on each day that is judged."""

import datetime as dt

import pytest

from driftmeter.alarms.growing import GrowingReference
from driftmeter.monitors.config import Monitor
from driftmeter.monitors.days import every_day

FIRST = dt.date(2026, 1, 1)


def at(number: int) -> dt.date:
    return FIRST + dt.timedelta(days=number)


def monitor(**reference: object) -> Monitor:
    return Monitor.model_validate(
        {
            "name": "loans",
            "owner": "team",
            "task": "regression",
            "timestamp": "at",
            "id": "id",
            "prediction": "predicted",
            "model_version": "version",
            "features": {"amount": {"kind": "numerical"}},
            "reference": {"from": str(FIRST), "to": str(at(9)), **reference},
        }
    )


def growing(away: set[int], excluded: set[int] = frozenset(), **how: object) -> GrowingReference:  # type: ignore[assignment]
    """Of ten declared days, and fifty judged ones of which some were away."""
    judged = {at(number): number in away for number in range(10, 60)}
    return GrowingReference(
        monitor(**how), every_day(FIRST, at(9)), {at(number) for number in excluded}, judged
    )


def test_a_reference_grows_by_the_calm_days_before_the_judged_one_and_stops() -> None:
    reference = growing(set(), first=14)
    numbers = {judged: len(reference.days(at(judged))) for judged in (10, 11, 13, 14, 15, 40)}
    assert numbers == {10: 10, 11: 11, 13: 13, 14: 14, 15: 14, 40: 14}
    assert reference.days(at(40)) == every_day(FIRST, at(13))


def test_no_day_of_an_incident_is_in_it_nor_one_while_it_is_open() -> None:
    reference = growing({12, 13}, {30}, first=20)
    found = [(day - FIRST).days for day in reference.days(at(59))][10:]
    assert monitor().cadence.quiet == 7
    # The first day after the quiet week; the excluded one is left out.
    assert found == [10, 11, *range(21, 29)]
    reference = growing({12, 13}, {25}, first=20)
    assert [(day - FIRST).days for day in reference.days(at(59))][10:] == [
        10, 11, *range(21, 25), *range(26, 30),
    ]  # fmt: skip


def test_a_reference_that_rolls_holds_the_newest_calm_weeks_and_moves_on_mondays() -> None:
    reference = growing(set(), rolling="2 weeks")
    monday = next(day for day in every_day(at(40), at(50)) if day.weekday() == 0)
    found = [reference.days(monday + dt.timedelta(days=number)) for number in range(7)]
    assert all(days == found[0] for days in found)
    assert found[0] == every_day(monday - dt.timedelta(days=14), monday - dt.timedelta(days=1))
    week = every_day(monday, monday + dt.timedelta(days=9))
    assert list(reference.alike(week)) == week[:7]
    # Before anything else is there, the declared days are it; then as far back as it takes.
    assert reference.days(at(10)) == every_day(FIRST, at(9))
    last = (monday - FIRST).days - 1
    shorter = growing({last}, rolling="2 weeks").days(monday)
    assert shorter[-1] == at(last - 1)
    assert len(shorter) == 14


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"first": 30}, "`first` goes with `from` and `to`"),
        ({"from": "2026-01-01", "to": "2026-01-10", "first": 30, "rolling": "8 weeks"}, "either"),
        ({"from": "2026-01-01", "to": "2026-01-10", "rolling": "a while"}, "such as `8 weeks`"),
        ({"from": "2026-01-01", "to": "2026-01-10", "first": 2}, "greater than or equal to 3"),
        ({"from": "2026-01-01", "to": "2026-01-10", "rolling": "0 weeks"}, "greater than or equal"),
        ({"from": "2026-01-01", "to": "2026-01-10", "rolling": 8}, "such as `8 weeks`, not 8"),
    ],
)
def test_a_wrong_reference_says_what_to_write(block: dict[str, object], said: str) -> None:
    content = monitor().model_dump(by_alias=True)
    with pytest.raises(ValueError, match=said):
        Monitor.model_validate({**content, "reference": block})


def test_how_a_reference_goes_on_is_policy_and_no_day_is_measured_again() -> None:
    fixed, grown, rolled = monitor(), monitor(first=30), monitor(rolling="8 weeks")
    assert rolled.reference.rolling == 8
    assert {each.config_hash for each in (grown, rolled)} == {fixed.config_hash}
    assert len({each.policy_hash for each in (fixed, grown, rolled)}) == 3
    # The dump that is checked again, as `judge --set` does it.
    for each in (fixed, grown, rolled):
        assert Monitor.model_validate(each.model_dump(by_alias=True)) == each


def test_a_reference_by_hours_grows_by_days_of_hours() -> None:
    hourly = Monitor.model_validate(
        {**monitor(first=12).model_dump(by_alias=True), "every": "hour", "timezone": "UTC"}
    )
    declared, cadence = hourly.reference_batches, hourly.cadence
    assert len(declared) == 24 * 10
    judged = cadence.batches(at(10), at(14))
    reference = GrowingReference(hourly, declared, (), dict.fromkeys(judged, False))
    grown = {place: len(reference.days(judged[place])) - 24 * 10 for place in (0, 30, 48, 100)}
    # Two whole days, as it lacks two days: not two hours.
    assert grown == {0: 0, 30: 30, 48: 48, 100: 48}
    # While its last day is incomplete, each hour has another reference than the next.
    assert [len(reference.alike(judged[place:])) for place in (0, 47)] == [1, 1]
    assert list(reference.alike(judged[48:])) == judged[48:]
