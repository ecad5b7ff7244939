"""The laws of a partition, through the whole chain: Dagster, dbt, Evidently, real Postgres."""

import sqlalchemy as sa

from dagster_driftmeter.dbt.project_manifest import monitors
from tests.integration.conftest import Chain
from tests.integration.pipeline import keep_rows, rows_of

APRIL = "yellow_tripdata_2019-04.parquet"


def test_every_feature_prediction_and_target_has_a_drift_row_each_day(chain: Chain) -> None:
    query = sa.text(
        "select partition_date::text, array_agg(column_name order by column_name)"
        " from metrics.drift where monitor = :monitor and column_name is not null"
        " and segment is null and engine like :engine group by 1"
    )
    for name, monitor in monitors().items():
        for engine in ("%evidently%", "driftmeter%"):
            of = {"monitor": name, "engine": engine}
            with chain.engine.connect() as session:
                found = {day: columns for day, columns in session.execute(query, of)}
            assert list(found) == ["2019-04-01", "2019-04-02", "2019-04-03"]
            assert all(columns == sorted(monitor.columns) for columns in found.values())


def test_a_rerun_changes_nothing(chain: Chain) -> None:
    before = rows_of(chain.engine)
    chain.run("2019-04-01", "2019-04-03")
    assert rows_of(chain.engine) == before
    assert all(before[table] for table in before if table != "raw.rejected_trips")


def test_a_range_equals_its_days_one_by_one(chain: Chain) -> None:
    before = rows_of(chain.engine)
    with chain.engine.begin() as session:
        for table in before:
            session.execute(sa.text(f"delete from {table} where partition_date >= '2019-04-01'"))
    for day in ("2019-04-02", "2019-04-01", "2019-04-03"):
        chain.run(day)
    assert rows_of(chain.engine) == before


def test_vanished_rows_vanish_and_other_days_stay(chain: Chain) -> None:
    first, second = rows_of(chain.engine, "2019-04-01"), rows_of(chain.engine, "2019-04-02")
    keep_rows(chain.directory / APRIL, "2019-04-02", share=0.5)
    chain.run("2019-04-02")
    halved = rows_of(chain.engine, "2019-04-02")
    for table in ("raw.trips", "features.trip_features", "inference.trip_duration"):
        assert len(halved[table]) == len(second[table]) // 2
    assert rows_of(chain.engine, "2019-04-01") == first


def test_an_empty_day_is_a_row_that_says_so(chain: Chain) -> None:
    keep_rows(chain.directory / APRIL, "2019-04-03", share=0)
    chain.run("2019-04-03")
    with chain.engine.connect() as session:
        states = session.execute(
            sa.text(
                "select monitor, state, row_count from metrics.partitions"
                " where partition_date = '2019-04-03' order by monitor"
            )
        ).all()
        counts = session.execute(
            sa.text(
                "select monitor, value from metrics.column_profile"
                " where partition_date = '2019-04-03' and metric = 'row_count' order by monitor"
            )
        ).all()
        shares = session.scalars(
            sa.text(
                "select value from metrics.column_profile"
                " where partition_date = '2019-04-03' and metric = 'null_share'"
            )
        ).all()
        reasons = session.scalars(
            sa.text(
                "select distinct reason from metrics.drift"
                " where partition_date = '2019-04-03' and column_name is not null"
            )
        ).all()
    assert states == [("trip_duration", "empty", 0), ("trip_tip", "empty", 0)]
    assert counts == [("trip_duration", 0.0), ("trip_tip", 0.0)]
    assert shares
    assert set(shares) == {None}
    assert reasons == ["the day has no rows"]


def test_one_monitor_alone_leaves_the_other_as_it_was(chain: Chain) -> None:
    def of_tips() -> dict[str, list[str]]:
        with chain.engine.connect() as session:
            return {
                table: sorted(
                    session.scalars(
                        sa.text(
                            f"select ({table}.*)::text from metrics.{table}"
                            " where monitor = 'trip_tip'"
                        )
                    )
                )
                for table in ("drift", "partitions", "column_summary")
            }

    before = of_tips()
    chain.run("2019-04-01", only="trip_duration")
    assert of_tips() == before


def test_a_day_that_the_source_does_not_have_is_missing(chain: Chain) -> None:
    chain.run("2019-04-30", "2019-05-01")
    with chain.engine.connect() as session:
        states = session.execute(
            sa.text(
                "select partition_date::text, state from metrics.partitions"
                " where monitor = 'trip_tip' and partition_date >= '2019-04-30' order by 1"
            )
        ).all()
    assert states == [("2019-04-30", "fresh"), ("2019-05-01", "missing")]
