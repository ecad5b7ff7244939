"""Labels that are missing once they are due: which days are late, and for how long."""

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from driftmeter.arrival.labels_due import last_due
from driftmeter.incidents.late_labels import late_labels
from driftmeter.performance.decided import settle_days
from driftmeter.warehouse.months import make_months
from tests.integration.test_arrival import monitor

# Fourteen days with rows; of three the calibrated verdict is that labels are missing, and of one
# after them that they are there.
DAYS = """
    insert into metrics.partitions (monitor, partition_date, state, drift_state, row_count,
        config_hash, duration_seconds)
    select 'loans', date '2026-03-09' + number, 'fresh', 'fresh', 300, 'hash', 0
    from generate_series(0, 13) as number;
    insert into metrics.drift (monitor, partition_date, column_name, baseline, method, score,
        threshold, is_drifted, is_slow, n_reference, n_current, status, engine, statistic,
        observed, expected)
    select 'loans', date '2026-03-09' + number, 'defaulted', 'reference', 'day_level', 9, 3,
        number in (3, 5), number = 4, 9000, 6, 'ok', 'calibration',
        case when number = 1 then 'values' else 'missing' end,
        case when number in (3, 4, 5) then 0.98 else 0.02 end, 0.02
    from generate_series(0, 6) as number;
    insert into metrics.performance (monitor, partition_date, metric, kind, value, label_coverage,
        state)
    select 'loans', date '2026-03-09' + number, 'brier', 'realised', 0.1, 0.5, 'provisional'
    from generate_series(0, 13) as number
"""
NEWEST = dt.date(2026, 3, 22)


@pytest.fixture
def loans(warehouse: sa.Engine) -> sa.Engine:
    with warehouse.begin() as session:
        for table in ("metrics.drift", "metrics.performance"):
            make_months(session, table, [NEWEST])
        for statement in DAYS.split(";"):
            session.exec_driver_sql(statement)
    return warehouse


def test_labels_that_are_overdue_are_told_as_one_span_and_how_late_they_are(
    loans: sa.Engine,
) -> None:
    with loans.connect() as session:
        assert last_due(session, monitor(label_delay_days=8)) == dt.date(2026, 3, 14)
        late = late_labels(session, monitor(label_delay_days=8))
        session.exec_driver_sql("delete from metrics.drift where partition_date = '2026-03-15'")
        at_once = late_labels(session, monitor())
    assert list(late) == [dt.date(2026, 3, day) for day in (12, 13, 14)]
    breach = late[dt.date(2026, 3, 13)].breach(monitor(label_delay_days=8))
    assert (breach.kind, breach.column_name) == ("late_labels", "defaulted")
    assert breach.diagnosis == (
        "Labels of 12 to 14 March 2026 are 3 days late: defaulted is missing in 98% of the rows of"
        " 13 March 2026, reference 2%."
    )
    said = at_once[dt.date(2026, 3, 12)].breach(monitor()).diagnosis
    assert said.endswith("If labels take longer than their rows, declare `label_delay_days`.")
    half = replace(late[dt.date(2026, 3, 13)], missing=0.51).breach(monitor(label_delay_days=8))
    assert half.diagnosis.startswith("Some labels of 12 to 14 March 2026 are 3 days late: ")


def test_labels_that_never_came_are_missing_values_once_later_days_have_theirs(
    loans: sa.Engine,
) -> None:
    # By this delay the labels of the 15th are due, and they are there.
    with loans.connect() as session:
        missing = late_labels(session, monitor(label_delay_days=7))
    # Of missing values that last the days are told that are new.
    assert list(missing) == [dt.date(2026, 3, day) for day in (12, 14)]
    breach = missing[dt.date(2026, 3, 12)].breach(monitor(label_delay_days=7))
    assert (breach.kind, breach.column_name, breach.severity) == (
        "missing_values",
        "defaulted",
        "error",
    )
    assert breach.diagnosis == (
        "Labels of 12 to 14 March 2026 have not come, though those of later days have: defaulted is"
        " missing in 98% of the rows of 12 March 2026, reference 2%."
    )


def test_another_delay_settles_what_is_final_both_ways(loans: sa.Engine) -> None:
    query = sa.text("select count(*) from metrics.performance where state = 'final'")
    final = []
    for delay in (8, 3, 12):
        settle_days(loans, monitor(label_delay_days=delay), [NEWEST])
        with loans.connect() as session:
            final.append(session.scalar(query))
    assert final == [6, 11, 2]


def test_the_delay_is_policy_and_measures_nothing_again() -> None:
    at_once, late = monitor(), monitor(label_delay_days=10)
    assert at_once.config_hash == late.config_hash
    assert at_once.policy_hash != late.policy_hash
