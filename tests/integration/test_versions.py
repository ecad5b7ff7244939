"""Two versions of a model on the same days: scored side by side, compared row by row, promoted."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from psycopg import sql
from scipy import stats
from sklearn.metrics import log_loss

from dagster_driftmeter.dbt.project_manifest import monitors
from dagster_taxi.baseline_assets import train_challenger
from driftmeter import settings
from driftmeter.errors import DriftmeterError
from driftmeter.incidents.breach import Breach
from driftmeter.incidents.fold import fold
from driftmeter.incidents.stored_incidents import _row
from driftmeter.monitors.config import Days, Retrain
from driftmeter.performance import steps
from driftmeter.performance.outcomes import values_of_rows
from driftmeter.performance.realised import realised
from driftmeter.performance.version_comparison import Comparison, verdicts
from taxi.models.stored_versions import promote, retire
from taxi.models.train import train_baseline
from tests.integration.conftest import Chain
from tests.integration.pipeline import rows_of

DAY = dt.date(2019, 4, 2)
OWN = ["raw.predictions", "inference.trip_duration", "inference.trip_tip", "metrics.drift"]


@pytest.fixture(scope="module")
def challengers(chain: Chain) -> dict[str, str]:
    """Versions by monitor that were trained beside the baseline."""
    query = sa.text("select monitor, model_version from metrics.model_versions where is_challenger")
    with chain.engine.connect() as session:
        return dict(session.execute(query).tuples().all())


def source_of(chain: Chain) -> str:
    query = sa.text("select min(data_source) from metrics.model_versions where is_active")
    with chain.engine.connect() as session:
        return str(session.scalar(query))


def test_challengers_that_come_later_score_beside_and_leave_the_champions_rows(
    chain: Chain, challengers: dict[str, str]
) -> None:
    assert set(challengers) == set(monitors())
    february = Days(**{"from": "2019-02-01", "to": "2019-02-28"})
    later = {
        name: train_challenger(name, february, chain.engine, source_of(chain)).model_version
        for name in monitors()
    }
    before = rows_of(chain.engine, tables=OWN)
    chain.run("2019-04-01", "2019-04-03")
    # What is acted on, and what is watched, is as it was.
    assert rows_of(chain.engine, tables=OWN) == before
    query = sa.text(
        "select monitor, challenger, count(*) from metrics.version_comparisons group by 1, 2"
    )

    def compared() -> set[tuple[str, str, int]]:
        with chain.engine.connect() as session:
            return {(row.monitor, row.challenger, row.count) for row in session.execute(query)}

    own = {(name, version, 3) for name, version in challengers.items()}
    assert compared() == own | {(name, version, 3) for name, version in later.items()}
    for version in later.values():
        retire(chain.engine, version)
    chain.run("2019-04-01", "2019-04-03")
    assert compared() == own


def test_a_champion_of_another_source_retires_the_challengers_of_this_one(
    chain: Chain, challengers: dict[str, str]
) -> None:
    january = Days(**{"from": "2019-01-01", "to": "2019-01-31"})
    query = sa.text(
        "select model_version from metrics.model_versions"
        " where monitor = 'trip_tip' and is_challenger"
    )

    def trained_on(source: str) -> list[str]:
        train_baseline(chain.engine, "trip_tip", january, data_source=source, home=settings.home())
        with chain.engine.connect() as session:
            return list(session.scalars(query))

    own = source_of(chain)
    try:
        assert trained_on(own) == [challengers["trip_tip"]]
        assert trained_on("another source") == []
    finally:
        trained_on(own)
        with chain.engine.begin() as session:
            session.execute(
                sa.text(
                    "update metrics.model_versions set is_challenger = true"
                    " where model_version = :version"
                ),
                {"version": challengers["trip_tip"]},
            )


def paired(chain: Chain, monitor: str) -> pd.DataFrame:
    declared = monitors()[monitor]
    query = sa.text(
        f"select own.{declared.prediction} as champion, other.prediction as challenger,"
        f" own.{declared.target}::text as target from inference.{monitor} as own"
        " join raw.challenger_predictions as other using (trip_id, partition_date)"
        " where other.monitor = :monitor and partition_date = :day"
    )
    with chain.engine.connect() as session:
        found = pd.read_sql(query, session, params={"monitor": monitor, "day": DAY})
    return found[found["target"].notna()]


@pytest.mark.parametrize("monitor", ["trip_duration", "trip_tip"])
def test_a_comparison_is_the_paired_one(
    chain: Chain, challengers: dict[str, str], monitor: str
) -> None:
    rows = paired(chain, monitor)
    if monitor == "trip_duration":
        target = rows["target"].astype(float)
        losses = [(rows[name] - target).abs() for name in ("champion", "challenger")]
    else:
        target = (rows["target"] == "true").astype(float)
        losses = [
            -np.log(np.where(target == 1, rows[name], 1 - rows[name]))
            for name in ("champion", "challenger")
        ]
        assert losses[0].mean() == pytest.approx(log_loss(target, rows["champion"]))
    difference = np.asarray(losses[1]) - np.asarray(losses[0])
    with chain.engine.connect() as session:
        found = session.execute(
            sa.text(
                "select * from metrics.version_comparisons"
                " where monitor = :monitor and partition_date = :day"
            ),
            {"monitor": monitor, "day": DAY},
        ).one()
    assert found.challenger == challengers[monitor]
    assert found.row_count == len(rows)
    assert found.difference == pytest.approx(difference.mean(), rel=1e-9)
    low, high = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((low, high), rel=1e-9)


def test_a_challengers_performance_stands_beside_the_champions(
    chain: Chain, challengers: dict[str, str]
) -> None:
    rows = paired(chain, "trip_duration")
    query = sa.text(
        "select value from metrics.performance where monitor = 'trip_duration' and metric = 'mae'"
        " and kind = 'realised' and segment is null and partition_date = :day"
        " and model_version = :version"
    )
    with chain.engine.connect() as session:
        value = session.scalar(query, {"day": DAY, "version": challengers["trip_duration"]})
    error = (rows["challenger"] - rows["target"].astype(float)).abs()
    assert value == pytest.approx(error.mean(), rel=1e-9)


@pytest.mark.parametrize("monitor", ["trip_duration", "trip_tip"])
def test_challengers_of_a_day_counted_by_steps_are_as_wrong(
    chain: Chain, challengers: dict[str, str], monitor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = monitors()[monitor]
    with chain.engine.connect() as session:
        exact = realised(session, declared, [DAY], challengers=True)
        monkeypatch.setattr(steps, "MOST_ROWS", 0)
        by_steps = realised(session, declared, [DAY], challengers=True)
    assert set(exact["model_version"]) == {challengers[monitor]}
    names = ["rows", "labelled", "mae" if monitor == "trip_duration" else "brier"]
    parts = ["model_version", "segment", "segment_value"]
    for metrics in (exact, by_steps):
        metrics.sort_values(parts, inplace=True, ignore_index=True)
    assert by_steps[parts].equals(exact[parts])
    assert by_steps[names].to_numpy() == pytest.approx(exact[names].to_numpy(), rel=1e-12)


@pytest.mark.parametrize("monitor", ["trip_duration", "trip_tip"])
def test_challengers_of_a_day_are_read_from_its_month_alone(
    chain: Chain, challengers: dict[str, str], monitor: str
) -> None:
    values = values_of_rows(monitors()[monitor], [DAY], as_one=False, challengers=True)
    query = sql.SQL(
        "explain select from {table} as scored where partition_date = any({days}::date[])"
    ).format(table=values["table"], days=values["days"])
    with chain.engine.connect() as session:
        lines = session.connection.driver_connection.execute(query).fetchall()  # type: ignore[union-attr]
    tables = set(re.findall(rf"on ({monitor}\w*_\d{{4}}_\d\d) ", str(lines)))
    assert tables == {f"{monitor}_2019_04", f"{monitor}_challengers_2019_04"}


def test_all_days_together_vary_as_days_do(chain: Chain, challengers: dict[str, str]) -> None:
    with chain.engine.connect() as session:
        (found,) = verdicts(session, "trip_duration")
        rows = session.execute(
            sa.text(
                "select difference, row_count from metrics.version_comparisons"
                " where monitor = 'trip_duration'"
            )
        ).all()
    assert (found.days, found.rows) == (3, sum(row.row_count for row in rows))
    weights = [row.row_count for row in rows]
    mean = np.average([row.difference for row in rows], weights=weights)
    assert found.difference == pytest.approx(mean)
    assert found.lower < found.difference < found.upper
    better = Comparison("a", "b", "mae", -1.0, -2.0, -0.5, 3, 100)
    assert better.words == "better"
    assert Comparison("a", "b", "mae", 1.0, -2.0, 3.0, 3, 100).words.startswith(
        "no significant difference"
    )


def test_a_version_is_promoted_and_retired(chain: Chain, challengers: dict[str, str]) -> None:
    query = sa.text(
        "select model_version, is_active, is_challenger from metrics.model_versions"
        " where monitor = 'trip_tip'"
    )
    version = challengers["trip_tip"]

    def states() -> dict[str, tuple[bool, bool]]:
        with chain.engine.connect() as session:
            return {name: (active, beside) for name, active, beside in session.execute(query)}

    before = states()
    (first,) = [name for name, (active, _) in before.items() if active]
    assert before[version] == (False, True)
    assert promote(chain.engine, version) == "trip_tip"
    assert states() == {**before, version: (True, False), first: (False, False)}
    promote(chain.engine, first)
    retire(chain.engine, version)
    assert states() == {**before, version: (False, False), first: (True, False)}
    with pytest.raises(DriftmeterError, match="there is no version 'nonsense'"):
        promote(chain.engine, "nonsense")


def test_what_is_active_is_no_challenger_of_itself(chain: Chain) -> None:
    january = Days(**{"from": "2019-01-01", "to": "2019-01-31"})
    with pytest.raises(DriftmeterError, match="is already the active version"):
        train_challenger("trip_duration", january, chain.engine, "files")
    with pytest.raises(DriftmeterError, match="no model that the example trains"):
        train_challenger("somebody_elses", january, chain.engine, "files")


def test_an_incident_proposes_to_train_again_only_where_the_policy_says_so() -> None:
    declared = monitors()["trip_duration"]
    policy = declared.model_copy(update={"retrain": Retrain(days=14)})
    silent = declared.model_copy(update={"retrain": None})
    drift = Breach("concept_drift", "the relation is another", "duration_minutes", ("duration",))
    missing = Breach("missing_values", "fare_usd is missing", "fare_usd", ("fare_usd",))
    incidents = {each.first.kind: each for each in fold({DAY: [drift, missing]})}
    proposal = "driftmeter versions train --monitor trip_duration --from 2019-03-20 --to 2019-04-02"
    assert proposal in str(_row(policy, incidents["concept_drift"])["evidence"])
    for monitor, kind in ((silent, "concept_drift"), (policy, "missing_values")):
        assert "proposal" not in str(_row(monitor, incidents[kind])["evidence"])
