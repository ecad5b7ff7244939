"""Labels that come late: what is known when, and which days are computed again when they land."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_taxi.source_choice import SourceChoice
from dagster_taxi.trip_chain import run_chain, run_stale
from driftmeter.arrival.changed_days import stale_days
from driftmeter.drift.domain_classifier import DomainClassifier
from driftmeter.errors import DriftmeterError
from taxi.trip_labels import LabelDelay
from tests.integration.conftest import Chain
from tests.integration.pipeline import days, rows_of

TABLES = ["raw.trips", "inference.trip_duration", "metrics.performance"]
COVERAGE = sa.text(
    "select partition_date::text, min(label_coverage), min(state) from metrics.performance"
    " where monitor = 'trip_duration' and kind = 'realised' and segment is null group by 1"
)


def test_a_label_has_the_same_delay_each_time_and_the_stated_distribution() -> None:
    ids = pa.chunked_array([np.arange(20_000) + 10**12])
    day = dt.date(2019, 4, 1)
    late = LabelDelay(mean_days=3, dropped=0.05).late_labels(day, ids)
    again = LabelDelay(mean_days=3, dropped=0.05).late_labels(day, ids.slice(0, 100))
    assert again.to_pylist() == late.to_pylist()[: len(again)]
    lands = late["lands_on"].to_pylist()
    lost = sum(each is None for each in lands)
    assert lost / 20_000 == pytest.approx(0.05, abs=0.01)
    waits = [(each - day).days for each in lands if each is not None]
    # Of a geometric distribution from 0 on, those that are at 0 are not late.
    assert sum(waits) / (20_000 - lost) == pytest.approx(3, rel=0.05)
    assert (20_000 - len(late)) / (20_000 - lost) == pytest.approx(1 / 4, abs=0.02)
    assert len(LabelDelay().late_labels(day, ids)) == 0


@pytest.mark.parametrize(("option", "values"), [("delay", (-1.0, 0.0)), ("dropped", (1.0, 1.0))])
def test_an_impossible_delay_is_one_clear_line(option: str, values: tuple[float, float]) -> None:
    with pytest.raises(DriftmeterError, match=option):
        LabelDelay(*values)


def coverage(chain: Chain) -> dict[str, tuple[float, str]]:
    with chain.engine.connect() as session:
        return {day: (share, state) for day, share, state in session.execute(COVERAGE)}


def test_labels_that_land_make_their_days_stale_and_only_those_are_computed_again(
    chain: Chain,
) -> None:
    choice = SourceChoice("files", str(chain.directory), label_delay=1.0)
    run_chain(choice, days("2019-04-01", "2019-04-03"))
    first = coverage(chain)
    assert first["2019-04-01"][0] > first["2019-04-02"][0] > first["2019-04-03"][0]
    assert first["2019-04-03"][0] == pytest.approx(0.5, abs=0.15)
    assert {state for _, state in first.values()} == {"provisional"}
    with chain.engine.connect() as session:
        moment = session.scalar(sa.text("select clock_timestamp()"))
        reference = session.scalar(
            sa.text(
                "select count(*) - count(duration_minutes) from inference.trip_duration"
                " where partition_date < '2019-04-01'"
            )
        )
    # The reference is long past: all its labels are there.
    assert reference == 0

    # Twenty days later one label lands, of one trip of the first day.
    with chain.engine.begin() as session:
        session.execute(
            sa.text(
                "update raw.late_labels set lands_on ="
                " case when partition_date = '2019-04-01' then date '2019-04-21' end"
                " where lands_on is null or lands_on > '2019-04-03'"
            )
        )
        session.execute(
            sa.text(
                "delete from raw.late_labels where partition_date = '2019-04-01'"
                " and lands_on = '2019-04-21' and trip_id <> (select min(trip_id)"
                " from raw.late_labels where lands_on = '2019-04-21')"
            )
        )
    before = {day: rows_of(chain.engine, day, TABLES) for day in first}
    run_chain(choice, days("2019-04-21"))
    assert {str(day) for day in stale_days(chain.engine, "trip_duration")} == {"2019-04-01"}
    (again,) = run_stale(choice)
    assert (str(again.days.from_date), str(again.days.to_date)) == ("2019-04-01", "2019-04-01")
    assert stale_days(chain.engine, "trip_duration") == {}
    after = coverage(chain)
    assert after["2019-04-01"][0] > first["2019-04-01"][0]
    for day in ("2019-04-02", "2019-04-03"):
        now = rows_of(chain.engine, day, TABLES)
        assert now["raw.trips"] == before[day]["raw.trips"]
        assert now["inference.trip_duration"] == before[day]["inference.trip_duration"]
        # Their labels have had their time, and nothing else has changed.
        assert after[day][0] == first[day][0]
        assert after[day][1] == "final"
    with chain.engine.connect() as session:
        believed = session.execute(
            sa.text(
                "select distinct partition_date::text, label_coverage"
                " from metrics.performance_as_of(:moment) where monitor = 'trip_duration'"
                " and kind = 'realised' and segment is null"
            ),
            {"moment": moment},
        )
        assert dict(believed.all()) == {day: share for day, (share, _) in first.items()}


def test_labels_still_to_come_are_no_drift_and_overdue_ones_are_told(chain: Chain) -> None:
    assert monitors()["trip_duration"].label_delay_days == 14
    query = sa.text(
        "select distinct partition_date::text from metrics.drift"
        " where column_name = 'duration_minutes' and statistic = 'missing' order by 1"
    )
    overdue = sa.text(
        "select partition_date::text from metrics.breaches where kind = 'late_labels'"
        " and monitor = 'trip_duration' order by 1"
    )
    first = ["2019-04-01", "2019-04-02", "2019-04-03"]
    with chain.engine.connect() as session:
        # By the 21st the labels of the first days are overdue, and its own are to come.
        for found in (session.scalars(query).all(), session.scalars(overdue).all()):
            assert found
            assert {*found} <= {*first}
    generator = np.random.default_rng(2)
    known = pd.DataFrame({"miles": generator.random(900), "minutes": generator.random(900)})
    unlabelled = known.assign(minutes=np.nan)
    # Seen, the labels that are missing tell the day at once.
    assert DomainClassifier(known).score(unlabelled) > 0.95
    assert DomainClassifier(known, "minutes").score(unlabelled) < 0.6
