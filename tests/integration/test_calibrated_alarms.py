"""Calibration from the warehouse: the same counts as the rows, in any order of days, by budget."""

import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from benchmarks.judges import Binning
from driftmeter.alarms.calibrate import calibrate
from driftmeter.alarms.detect import detect, judge_stored
from driftmeter.alarms.verdicts import Verdict
from driftmeter.arrival.inference_rows import VERSION, read_rows
from driftmeter.arrival.labels_due import last_due
from driftmeter.drift.stored_scores import DAY_LEVEL
from driftmeter.errors import DriftmeterError
from driftmeter.monitors.config import Monitor, ReferenceDays
from driftmeter.quality.histograms import ColumnPart, load_counts
from tests.integration.conftest import Chain

DAYS = [dt.date(2019, 4, 1), dt.date(2019, 4, 2), dt.date(2019, 4, 3)]


@pytest.fixture(scope="module")
def monitor(chain: Chain) -> Monitor:
    from dagster_driftmeter.dbt.project_manifest import monitors

    return monitors()["trip_duration"]


def config_hash(engine: sa.Engine, monitor: Monitor) -> str:
    query = sa.text("select max(config_hash) from metrics.partitions where monitor = :name")
    with engine.connect() as session:
        return session.execute(query, {"name": monitor.name}).scalar_one()


def stored(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Calibrated rows but for their clock, in one order."""
    query = (
        "select to_jsonb(drift) - 'computed_at' from metrics.drift"
        " where method in ('day_level', 'domain_classifier')"
        " order by monitor, partition_date, segment, segment_value, column_name, method"
    )
    with engine.connect() as session:
        return [tuple(row) for row in session.exec_driver_sql(query)]


def test_stored_counts_are_those_of_the_rows(chain: Chain, monitor: Monitor) -> None:
    span = monitor.reference
    calendar = [day.date() for day in pd.date_range(span.from_date, span.to_date)]
    with chain.engine.begin() as session:
        found = load_counts(session, monitor, span.from_date, span.to_date)
        frames = [read_rows(session, monitor, [day]).drop(columns=VERSION) for day in calendar]
        due = last_due(session, monitor)
    is_due = np.array([day <= due for day in calendar])
    plain = monitor.model_copy(update={"segments": ()})
    binning = Binning(plain, pd.concat(frames, ignore_index=True))
    expected = binning.counts(frames, np.datetime64(span.from_date))
    assert {part for part in found if part.is_all_rows} == set(expected)
    for part, counts in expected.items():
        if part.column == monitor.target:
            # Labels of later days may still be to come.
            known, missing = counts.known * is_due[:, None], counts.missing * is_due
            counts = dataclasses.replace(counts, known=known, missing=missing)
        assert np.array_equal(found[part].missing, counts.missing), part
        if counts.kind == "numerical":
            assert np.array_equal(found[part].known, counts.known), part
        else:
            # Categories as frequent as each other may change places.
            assert np.array_equal(
                np.sort(found[part].known.sum(axis=0)), np.sort(counts.known.sum(axis=0))
            )


def test_every_column_and_segment_is_judged_or_says_why_not(chain: Chain, monitor: Monitor) -> None:
    query = sa.text(
        "select column_name, status, reason, score, threshold, p_value, q_value, effect, unit,"
        " is_drifted from metrics.drift where monitor = :name and method = :method"
        " and segment is null and partition_date = :day"
    )
    of = {"name": monitor.name, "method": DAY_LEVEL, "day": DAYS[0]}
    with chain.engine.connect() as session:
        rows = session.execute(query, of).mappings().all()
        segments = session.exec_driver_sql(
            "select count(distinct (segment, segment_value)) from metrics.drift"
            " where method = 'day_level' and segment is not null"
        ).scalar()
    assert {row["column_name"] for row in rows} == set(monitor.columns)
    for row in rows:
        if row["status"] == "ok":
            assert None not in [value for name, value in row.items() if name != "reason"]
        else:
            assert row["reason"]
            assert row["is_drifted"] is None
    assert sum(row["status"] == "ok" for row in rows) > 15
    assert segments


def test_the_null_of_the_classifier_is_kept_by_content(
    chain: Chain, monitor: Monitor, tmp_path: Path
) -> None:
    first = calibrate(chain.engine, monitor, "hash", tmp_path)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    again = calibrate(chain.engine, monitor, "hash", tmp_path)
    assert file.stat().st_mtime_ns == written
    assert again.columns.keys() == first.columns.keys()
    assert first.classifier is not None
    assert again.classifier is not None
    for name, value in vars(first.classifier).items():
        assert np.array_equal(getattr(again.classifier, name), value), name
    calibrate(chain.engine, monitor, "other", tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_days_judged_in_any_order_end_in_the_same_rows(chain: Chain, monitor: Monitor) -> None:
    before = stored(chain.engine)
    assert before
    key = config_hash(chain.engine, monitor)
    for day in reversed(DAYS):
        detect(chain.engine, monitor, key, [day])
    assert stored(chain.engine) == before


def test_judging_again_answers_without_writing(chain: Chain, monitor: Monitor) -> None:
    before = stored(chain.engine)
    tight = monitor.model_copy(
        update={"least_effect": type(monitor.least_effect)(shift=50, share=1)}
    )
    as_it_is = judge_stored(chain.engine, monitor, DAYS[0], DAYS[-1])
    nothing = judge_stored(chain.engine, tight, DAYS[0], DAYS[-1])
    assert list(as_it_is) == DAYS
    # The classifier's floor is its own.
    assert not any(
        row.is_drifted for rows in nothing.values() for row in rows if row.method == DAY_LEVEL
    )
    assert stored(chain.engine) == before
    with pytest.raises(DriftmeterError, match="no day from"):
        judge_stored(chain.engine, monitor, dt.date(2001, 1, 1), dt.date(2001, 1, 2))


def test_a_short_reference_judges_nothing_and_says_so(chain: Chain, monitor: Monitor) -> None:
    def judged(last: str) -> list[Verdict]:
        days = ReferenceDays(**{"from": "2019-02-01", "to": last})
        short = monitor.model_copy(update={"reference": days})
        return judge_stored(chain.engine, short, DAYS[0], DAYS[0])[DAYS[0]]

    rows = judged("2019-02-02")
    assert {row.status for row in rows} == {"skipped"}
    assert all("2 days" in (row.reason or "") for row in rows)
    # From three days on, the same columns are judged as later.
    few, many = judged("2019-02-03"), judged("2019-02-28")
    left_out = [
        {row.column_name for row in rows if row.status == "skipped"} for rows in (few, many)
    ]
    assert left_out[0] == left_out[1] != {*monitor.columns}


def test_the_trailing_baseline_is_on_record(chain: Chain, monitor: Monitor) -> None:
    query = sa.text(
        "select kind, from_date, to_date, length(content_hash) from metrics.baselines"
        " where monitor = :name and baseline = 'trailing'"
    )
    with chain.engine.connect() as session:
        row = session.execute(query, {"name": monitor.name}).one()
    assert tuple(row) == ("trailing", dt.date(2019, 2, 28), dt.date(2019, 3, 27), 16)


def test_an_acknowledged_incidents_days_leave_the_trailing_baseline(
    chain: Chain, monitor: Monitor
) -> None:
    part = ColumnPart(None, None, "fare_usd")
    insert = sa.text(
        "insert into metrics.incidents (monitor, kind, severity, opened_on, last_seen_on,"
        " diagnosis, acknowledged_by) values (:name, 'unit_change', 'warn', '2019-02-01',"
        " '2019-03-31', 'planted', 'somebody')"
    )

    def trailing() -> float | None:
        (rows,) = judge_stored(chain.engine, monitor, DAYS[0], DAYS[0]).values()
        (row,) = [r for r in rows if (r.segment, r.column_name) == (None, part.column)]
        return row.trailing_p_value

    assert trailing() is not None
    with chain.engine.begin() as session:
        session.execute(insert, {"name": monitor.name})
    try:
        assert trailing() is None
    finally:
        with chain.engine.begin() as session:
            session.exec_driver_sql("delete from metrics.incidents where diagnosis = 'planted'")
