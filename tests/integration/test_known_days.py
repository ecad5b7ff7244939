"""Known events and declared changes, in the ledger and under the four laws."""

import datetime as dt

import pandas as pd
import sqlalchemy as sa

from driftmeter.monitors.config import Monitor
from tests.integration.test_accepted_normal import (
    BACK,
    LATER,
    MONITOR,
    REFERENCE,
    ROSE,
    amounts,
    compute,
    everything,
    fill,
    incidents,
    later,
    loans,
    rows,
)

__all__ = ["loans"]
DAYS = 3
# Later days that tell enough.
UNTIL = 24


def declared(**fields: object) -> Monitor:
    return Monitor.model_validate({**MONITOR.model_dump(by_alias=True), **fields})


def filled(warehouse: sa.Engine, rise: float, back: int = ROSE + DAYS) -> sa.Engine:
    return fill(warehouse, [rows(number, rise, back) for number in range(REFERENCE + LATER)])


def test_a_declared_change_re_anchors_its_columns_from_its_day_and_no_others(
    loans: sa.Engine,
) -> None:
    change = {"on": str(later(ROSE)), "columns": ["amount"], "what": "new product"}
    monitor = declared(changes=[change])
    compute(loans, *range(LATER), monitor=monitor)
    found = amounts(loans)
    assert {found[number]["baseline"] for number in range(ROSE)} == {"reference"}
    waiting = [found[number] for number in range(ROSE, ROSE + 3)]
    assert [row["reason"] for row in waiting] == [
        f"new product from {later(ROSE)} on, without a value of it since",
        f"new product from {later(ROSE)} on: 1 of 3 days that it takes are known",
        f"new product from {later(ROSE)} on: 2 of 3 days that it takes are known",
    ]
    judged = [found[number] for number in range(ROSE + 3, BACK)]
    assert {(row["baseline"], row["status"]) for row in judged} == {("accepted", "ok")}
    assert not any(row["is_drifted"] for row in judged)
    # The way back is the news, and the only one.
    assert found[BACK]["is_drifted"]
    (incident,) = incidents(loans)
    assert (incident["opened_on"], incident["column_name"]) == (later(BACK), "amount")
    with loans.connect() as session:
        others = session.exec_driver_sql(
            "select distinct baseline, status from metrics.drift_scored where column_name = 'term'"
        ).all()
    assert [tuple(row) for row in others] == [("reference", "ok")]
    after = everything(loans)
    for number in (ROSE + 1, BACK, 2):
        compute(loans, number, monitor=monitor)
    assert everything(loans) == after


def test_a_change_before_the_reference_changes_nothing(loans: sa.Engine) -> None:
    change = {"on": "2025-12-31", "columns": ["amount"], "what": "before all of it"}
    compute(loans, *range(5), monitor=declared(changes=[change]))
    assert {row["baseline"] for row in amounts(loans).values()} == {"reference"}


def test_a_known_event_is_judged_by_wider_thresholds_and_told(warehouse: sa.Engine) -> None:
    engine = filled(warehouse, 0.55)
    compute(engine, *range(UNTIL))
    assert amounts(engine)[ROSE]["is_drifted"]
    assert len(incidents(engine)) == 1
    span = {"from": str(later(ROSE)), "to": str(later(ROSE + DAYS - 1))}
    monitor = declared(expected=[{**span, "what": "summer sale"}])
    compute(engine, *range(UNTIL), monitor=monitor)
    found = amounts(engine)
    told = [row["known_event"] for number, row in found.items() if row["known_event"]]
    assert told == ["summer sale; compared with wider thresholds"] * DAYS
    assert not any(row["is_drifted"] or row["is_slow"] for row in found.values())
    assert not incidents(engine)
    after = everything(engine)
    for number in (ROSE + 1, UNTIL - 1, ROSE):
        compute(engine, number, monitor=monitor)
    assert everything(engine) == after


def test_what_is_beyond_a_known_event_is_an_alarm_and_in_no_baseline(
    warehouse: sa.Engine,
) -> None:
    # Twelve days: without the event they would fill the trailing days of those that follow.
    engine = filled(warehouse, 2.0, ROSE + 12)
    span = {"from": str(later(ROSE)), "to": str(later(ROSE + 11))}
    monitor = declared(expected=[{**span, "what": "sale"}])
    compute(engine, *range(UNTIL), monitor=monitor)
    found = amounts(engine)
    assert found[ROSE]["is_drifted"]
    calm = [found[number] for number in range(ROSE + 12, UNTIL)]
    assert not any(row["is_drifted"] for row in calm)
    without = filled_again(engine, monitor)
    # Days after the event are judged as if it had had no rows.
    for row, other in zip(calm, without, strict=True):
        assert (row["p_value"], row["trailing_p_value"]) == (
            other["p_value"],
            other["trailing_p_value"],
        )


def filled_again(engine: sa.Engine, monitor: Monitor) -> list[sa.RowMapping]:
    """Verdicts of the days after the event, of a table that has no rows on its days."""
    gone = {"first": later(ROSE), "last": later(ROSE + 11)}
    with engine.begin() as session:
        for table in ("column_summary", "drift", "breaches", "partitions"):
            session.execute(
                sa.text(
                    f"delete from metrics.{table} where partition_date between :first and :last"
                ),
                gone,
            )
    compute(engine, *range(ROSE + 12, UNTIL), monitor=monitor)
    found = amounts(engine)
    return [found[number] for number in range(ROSE + 12, UNTIL)]


def test_an_event_that_the_reference_has_seen_is_compared_with_its_days(
    warehouse: sa.Engine,
) -> None:
    paydays = [9, 24, 40, 54, REFERENCE + 5, REFERENCE + 20]
    days = [rows(number, 0.0) for number in range(REFERENCE + LATER)]
    for number in paydays[:-1]:
        days[number] = days[number].assign(amount=days[number]["amount"] + 2.0)
    engine = fill(warehouse, days)
    first = dt.date.fromisoformat(str(MONITOR.reference.from_date))
    expected = [{"on": str(first + dt.timedelta(days=n)), "what": "payday"} for n in paydays]
    compute(engine, *range(UNTIL), monitor=declared(expected=expected))
    found = amounts(engine)
    assert found[5]["known_event"] == "payday; compared with its days in the reference period"
    # Two deviations more is what a payday is like; the one that is like any other day is news.
    assert not found[5]["is_drifted"]
    assert found[20]["is_drifted"]
    calm = [row for number, row in found.items() if number not in (5, 20)]
    assert {row["known_event"] for row in calm} == {None}
    # Of the reference, what calm days are compared with has none of them.
    assert {row["n_reference"] for row in calm} == {(REFERENCE - 4) * 150}


def test_an_unusual_number_of_rows_of_a_known_event_is_no_incident(warehouse: sa.Engine) -> None:
    days = [rows(number, 0.0) for number in range(REFERENCE + LATER)]
    few, none, many = ROSE, ROSE + 3, ROSE + 6
    days[REFERENCE + few] = days[REFERENCE + few].iloc[:60]
    days[REFERENCE + many] = pd.concat([days[REFERENCE + many]] * 40)
    engine = fill(warehouse, days)

    def compute_counted(monitor: Monitor) -> list[str]:
        compute(engine, *range(UNTIL), monitor=monitor)
        with engine.begin() as session:
            session.execute(
                sa.text(
                    "update metrics.partitions set row_count = counted.rows from (select"
                    " partition_date, count(*) as rows from inference.loans group by 1) as counted"
                    " where partitions.partition_date = counted.partition_date"
                )
            )
            session.execute(
                sa.text(
                    "update metrics.partitions set row_count = 0, drift_state = 'empty',"
                    " drift_reason = 'the day has no rows' where partition_date = :day"
                ),
                {"day": later(none)},
            )
        compute(engine, 0, monitor=monitor)
        return [one["kind"] for one in incidents(engine)]

    kinds = compute_counted(MONITOR)
    assert sorted(kinds) == ["empty_day", "volume", "volume"]
    expected = [{"on": str(later(day)), "what": "holiday"} for day in (few, none, many)]
    monitor = declared(expected=expected)
    assert compute_counted(monitor) == ["volume"]
    (incident,) = incidents(engine)
    assert incident["diagnosis"].endswith("unusual even for a known event (holiday).")
