"""A reference that grows, in the ledger: by calm days only, in any order, without stale days."""

import datetime as dt

import pandas as pd
import sqlalchemy as sa

from driftmeter.alarms.not_judged import with_wide_thresholds
from driftmeter.monitors.baselines import put
from driftmeter.monitors.config import Monitor
from tests.integration.test_accepted_normal import (
    FIRST,
    MONITOR,
    REFERENCE,
    amounts,
    compute,
    everything,
    fill,
    incidents,
    rows,
)

DECLARED, WHOLE, LAST = 5, 12, 32
# Of the days: two of a fault, and one that the table does not have.
FAULTY, ABSENT = (8, 9), 19


def of_day(number: int) -> pd.DataFrame:
    day = rows(number, 0.0)
    return day.assign(amount=day["amount"] + 3.0) if number in FAULTY else day


def grown(**goes_on: object) -> Monitor:
    declared = {"from": str(FIRST), "to": str(FIRST + dt.timedelta(days=DECLARED - 1))}
    content = MONITOR.model_dump(by_alias=True)
    return Monitor.model_validate({**content, "reference": {**declared, **goes_on}})


def sizes(engine: sa.Engine) -> dict[int, int]:
    return {number + REFERENCE: row["reference_days"] for number, row in amounts(engine).items()}


def test_a_reference_grows_by_calm_days_and_in_any_order(warehouse: sa.Engine) -> None:
    days = [number for number in range(LAST) if number != ABSENT]
    engine = fill(warehouse, [of_day(number) for number in days])
    monitor = grown(first=WHOLE)
    judged = [number - REFERENCE for number in days[DECLARED:]]
    for number in judged:
        compute(engine, number, monitor=monitor)
    found = sizes(engine)
    # Three calm days, the fault and its quiet week, four more; then it stays.
    assert [found[number] for number in (5, 6, 7, 8, 9, 10, 16, 17, 18)] == [
        5, 6, 7, 8, 8, 8, 8, 8, 9,
    ]  # fmt: skip
    assert {found[number] for number in days if number > 22} == {WHOLE}
    (incident,) = incidents(engine)
    assert incident["opened_on"] == FIRST + dt.timedelta(days=FAULTY[0])
    assert incident["column_name"] == "amount"
    declared = monitor.reference
    with engine.begin() as session:
        # As the drift step does where it reads the reference.
        put(session, monitor, "reference", (declared.from_date, declared.to_date), 750, "x")
        sentence = with_wide_thresholds(session, ["loans"])
        states = session.exec_driver_sql(
            "select distinct drift_state from metrics.partitions"
        ).scalars()
        assert list(states) == ["fresh"]
    # Who reads it knows of the grown one.
    assert "12 days with rows" in sentence["loans"]
    after = everything(engine)
    with engine.begin() as session:
        for table in ("drift", "breaches", "partitions", "incidents"):
            session.exec_driver_sql(f"delete from metrics.{table}")
    for number in (judged[4], judged[-1], *judged[1:4]):
        compute(engine, number, monitor=monitor)
    compute(engine, *judged[5:-1], monitor=monitor)
    compute(engine, judged[0], monitor=monitor)
    assert everything(engine)[0] == after[0]


def test_a_reference_that_rolls_on_forgets_its_first_days(warehouse: sa.Engine) -> None:
    engine = fill(warehouse, [of_day(number) for number in range(LAST)])
    monitor = grown(rolling="1 week")
    judged = [number - REFERENCE for number in range(DECLARED, LAST)]
    compute(engine, *judged, monitor=monitor)
    found = sizes(engine)
    # The first of January 2026 is a Thursday: nothing moves before the second Monday.
    assert {found[number] for number in range(5, 11)} == {DECLARED}
    assert {found[number] for number in range(11, LAST)} == {7}
    after = everything(engine)
    compute(engine, judged[3], monitor=monitor)
    compute(engine, judged[-1], monitor=monitor)
    assert everything(engine) == after
