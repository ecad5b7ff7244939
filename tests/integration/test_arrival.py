"""What came into anybody's inference table, held against what was measured of it."""

import datetime as dt
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from driftmeter.arrival.changed_days import (
    _month_in_turn,
    arrivals,
    mark_changed,
    mark_days_stale,
    stale_days,
    watched_spans,
)
from driftmeter.arrival.contents import day_contents
from driftmeter.arrival.inference_rows import fingerprint
from driftmeter.drift.drift_day import compute_partition
from driftmeter.drift.reference import load_reference
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor

FIRST = dt.date(2026, 3, 1)
LOANS = """
    create schema bank;
    create table bank.loans as
    select
        'loan ' || number as loan,
        date '2026-01-01' + number % 70 as partition_date,
        timestamptz '2026-01-01 12:00+00' + make_interval(days => number % 70) as decided_at,
        'v1' as version,
        100 + number % 17 as income,
        (number % 10) / 10.0 as risk,
        case when number % 3 > 0 then number % 2 = 0 end as defaulted
    from generate_series(1, 7000) as number;
    create table bank.other as select * from bank.loans
"""


def monitor(name: str = "loans", **changes: object) -> Monitor:
    return Monitor.model_validate(
        {
            "name": name,
            "schema_name": "bank",
            "owner": "team-risk",
            "task": "classification",
            "timestamp": "decided_at",
            "id": "loan",
            "prediction": "risk",
            "target": "defaulted",
            "model_version": "version",
            "features": {"income": {"kind": "numerical"}},
            "reference": {"from": "2026-01-01", "to": "2026-02-28"},
            **changes,
        }
    )


@pytest.fixture
def bank(warehouse: sa.Engine) -> sa.Engine:
    """Two tables alike; days from the first of March to the eighth measured, of both."""
    with warehouse.begin() as session:
        session.execute(sa.text(LOANS))
    for name in ("loans", "other"):
        reference = load_reference(warehouse, monitor(name))
        for number in range(8):
            day = FIRST + dt.timedelta(days=number)
            compute_partition(warehouse, monitor(name), day, reference)
    return warehouse


def change(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as session:
        session.execute(sa.text(statement))


def states(engine: sa.Engine, name: str = "loans") -> dict[str, str | None]:
    """Reasons of the stale days."""
    query = sa.text(
        "select partition_date::text, reason from metrics.partitions"
        " where monitor = :name and state = 'stale' order by 1"
    )
    with engine.connect() as session:
        return dict(session.execute(query, {"name": name}).tuples().all())


def test_what_did_not_change_makes_no_day_stale(bank: sa.Engine) -> None:
    came = mark_changed(bank, monitor())
    assert came.changed == ()
    assert states(bank) == {}
    # The days after the measured ones have rows, and nobody measured them.
    assert came.new == (dt.date(2026, 3, 9), dt.date(2026, 3, 10), dt.date(2026, 3, 11))


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (
            "insert into bank.loans select 'late ' || n, '2026-03-03', now(), 'v1', 1, 0.5, null"
            " from generate_series(1, 3) as n",
            "3 rows came late, after the day was measured",
        ),
        (
            "delete from bank.loans where loan = (select min(loan) from bank.loans"
            " where partition_date = '2026-03-03')",
            "1 row vanished after the day was measured",
        ),
        (
            "update bank.loans set defaulted = true"
            " where partition_date = '2026-03-03' and defaulted is null",
            "labels came after the day was measured",
        ),
        (
            "update bank.loans set defaulted = not defaulted where loan = (select min(loan)"
            " from bank.loans where partition_date = '2026-03-03' and defaulted is not null)",
            "labels changed after the day was measured",
        ),
        (
            "update bank.loans set income = income + 1 where loan = (select min(loan)"
            " from bank.loans where partition_date = '2026-03-03')",
            "rows changed after the day was measured",
        ),
    ],
)
def test_a_change_makes_exactly_its_own_day_of_its_own_monitor_stale_and_says_why(
    bank: sa.Engine, statement: str, reason: str
) -> None:
    change(bank, statement)
    for name in ("loans", "other"):
        mark_changed(bank, monitor(name))
    found = states(bank)
    assert list(found) == ["2026-03-03"]
    assert reason in str(found["2026-03-03"])
    assert states(bank, "other") == {}
    # Measured again it is fresh, and stays so.
    (day,) = stale_days(bank, "loans")
    compute_partition(bank, monitor(), day, load_reference(bank, monitor()))
    assert mark_changed(bank, monitor()).changed == ()
    assert states(bank) == {}


def test_the_number_of_landed_labels_is_told(bank: sa.Engine) -> None:
    query = "select count(*) from bank.loans where partition_date = '2026-03-02' and %s"
    with bank.connect() as session:
        unlabelled = session.scalar(sa.text(query % "defaulted is null"))
    change(bank, "update bank.loans set defaulted = true where defaulted is null")
    mark_changed(bank, monitor())
    assert states(bank)["2026-03-02"] == f"{unlabelled} labels came after the day was measured"
    assert len(states(bank)) == 8


def test_an_empty_day_whose_rows_come_late_is_stale(bank: sa.Engine) -> None:
    reference = load_reference(bank, monitor())
    empty = dt.date(2026, 3, 20)
    assert compute_partition(bank, monitor(), empty, reference).state == "empty"
    change(
        bank,
        "insert into bank.loans values ('slow', '2026-03-20', now(), 'v1', 1, 0.5, null)",
    )
    mark_changed(bank, monitor())
    assert states(bank) == {"2026-03-20": "1 row came late, after the day was measured"}


def test_days_long_past_are_not_looked_at(bank: sa.Engine) -> None:
    change(bank, "update bank.loans set income = 0 where partition_date >= '2026-03-01'")
    with bank.connect() as session:
        looked_at = {each.day for each in arrivals(session, monitor(watch_days=2)).changed}
    assert looked_at == {dt.date(2026, 3, number) for number in (6, 7, 8)}


def test_one_earlier_month_is_looked_at_in_turn(bank: sa.Engine) -> None:
    change(bank, "update bank.loans set income = 0 where partition_date >= '2026-03-01'")
    with bank.connect() as session:
        asked = session, monitor(watch_days=2), None
        assert len(arrivals(*asked, looks_back=True).changed) == 8
        (newest, older) = watched_spans(*asked, looks_back=True)
        assert len(arrivals(*asked, watch_days=40).changed) == 8
    assert newest.from_date == dt.date(2026, 3, 6)
    assert (older.from_date, older.to_date) == (dt.date(2026, 3, 1), dt.date(2026, 3, 5))


@pytest.mark.parametrize("every", [1, 7])
def test_every_month_has_its_turn(every: int) -> None:
    oldest, newest, today = dt.date(2024, 1, 10), dt.date(2026, 2, 20), dt.date(2026, 4, 1)
    spans = {
        (span.from_date, span.to_date)
        for number in range(60)
        for span in [_month_in_turn(oldest, newest, today + every * number * dt.timedelta(days=1))]
    }
    assert len(spans) == 26
    assert min(spans) == (oldest, dt.date(2024, 1, 31))
    assert max(spans) == (dt.date(2026, 2, 1), newest)


def test_a_day_is_new_once_it_has_ended_in_the_monitors_zone(bank: sa.Engine) -> None:
    # In Auckland the 11th ends at 11:00 of the 11th in UTC (daylight saving), in UTC at midnight.
    now = dt.datetime(2026, 3, 11, 11, 30, tzinfo=dt.timezone.utc)
    with bank.connect() as session:
        ended = {
            zone: arrivals(session, monitor(timezone=zone), now).new[-1].day
            for zone in ("UTC", "Pacific/Auckland")
        }
    assert ended == {"UTC": 10, "Pacific/Auckland": 11}


def test_before_anything_is_measured_all_days_after_the_reference_are_new(
    bank: sa.Engine,
) -> None:
    change(bank, "delete from metrics.partitions")
    with bank.connect() as session:
        came = arrivals(session, monitor())
    assert (came.new[0], len(came.new), came.changed) == (FIRST, 11, ())


def test_a_day_and_a_span_of_it_have_one_fingerprint(bank: sa.Engine) -> None:
    with bank.connect() as session:
        content = day_contents(session, monitor(), FIRST, FIRST)[FIRST]
        assert fingerprint(session, monitor(), FIRST, FIRST) == (content.rows, content.fingerprint)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda engine: change(engine, "drop table bank.loans"),
        lambda engine: change(engine, "alter table bank.loans rename column income to pay"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_clear_line(
    bank: sa.Engine, break_it: Callable[[sa.Engine], None]
) -> None:
    break_it(bank)
    with pytest.raises(DriftmeterError, match=r"^bank\.loans: "):
        mark_changed(bank, monitor())


def test_who_feeds_a_table_can_say_that_its_days_are_to_be_made_anew(bank: sa.Engine) -> None:
    with bank.begin() as session:
        marked = mark_days_stale(session, ["loans"], [FIRST], "a file was replaced")
    assert marked == [FIRST]
    assert states(bank) == {str(FIRST): "a file was replaced"}
    assert states(bank, "other") == {}
