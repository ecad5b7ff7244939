"""What panels said that was not so, each held against rows that would show it again."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from driftmeter.dashboards.preview.charts import figure
from driftmeter.dashboards.preview.frames import Scope
from driftmeter.warehouse import connection
from driftmeter.warehouse.reader import set_reader_password
from tests.cases import over
from tests.dashboards.answers import Answer
from tests.dashboards.grafana_files import PANELS, queries

EVERY_QUERY = dict(queries())


def sql_of(title: str) -> str:
    (panel,) = [panel for _, panel in PANELS if panel["title"] == title]
    return str(panel["targets"][0]["rawSql"])


@pytest.fixture
def all_versions(scope: Scope) -> Scope:
    """All is chosen: Grafana puts the variable's allValue into the query as it is written."""
    return replace(scope, values={**scope.values, "model_version": ["every version"]})


@pytest.fixture
def empty_reader(warehouse: sa.Engine):
    """A warehouse in which no monitor ever ran, with the tables that dbt makes."""
    with warehouse.begin() as session:
        session.exec_driver_sql(
            "create table metrics.reference_bins (monitor text, column_name text, bin integer,"
            " bin_low double precision, bin_high double precision, category text)"
        )
    engine = connection.engine(set_reader_password(warehouse))
    yield engine
    engine.dispose()


@over("where", EVERY_QUERY)
def test_a_query_stands_a_warehouse_in_which_nothing_ran(
    empty_reader: sa.Engine, all_versions: Scope, where: str
) -> None:
    Answer(empty_reader, EVERY_QUERY[where], all_versions)


# All of a panel that compares versions has challengers too, which the variable does not list.
COMPARES = "performance: Which version is better?"


@over("where", [where for where in EVERY_QUERY if where != COMPARES])
def test_all_versions_answer_as_every_one_of_them_chosen(
    reader: sa.Engine, all_versions: Scope, where: str
) -> None:
    query = "select distinct model_version from metrics.model_version_starts"
    with reader.connect() as session:
        known = list(session.scalars(sa.text(query)))
    chosen = replace(all_versions, values={**all_versions.values, "model_version": known})
    sql = EVERY_QUERY[where]
    assert Answer(reader, sql, all_versions).rows == Answer(reader, sql, chosen).rows


def test_an_open_incident_goes_on_to_the_end_of_the_range(
    reader: sa.Engine, all_versions: Scope
) -> None:
    with reader.connect() as session:
        still_open = set(
            session.scalars(
                sa.text(
                    "select kind || ' #' || incident_id from metrics.incidents"
                    " where closed_on is null and monitor = 'trip_duration'"
                )
            )
        )
    assert still_open
    answer = Answer(reader, sql_of_first("Which incidents were open, and when?"), all_versions)
    frame = pd.DataFrame(answer.rows, columns=answer.names)
    newest = frame[frame["time"] == frame["time"].max()].dropna()
    assert set(newest["incident"]) == still_open


def sql_of_first(title: str) -> str:
    return str(next(p for _, p in PANELS if p["title"] == title)["targets"][0]["rawSql"])


def test_the_overview_calls_a_day_with_an_alarm_no_calm_one(
    reader: sa.Engine, all_versions: Scope
) -> None:
    with reader.connect() as session:
        alarm = session.scalar(
            sa.text("select max(partition_date) from metrics.alarm_days where monitor = 'trip_tip'")
        )
    last = dt.datetime.combine(alarm, dt.time.max, dt.timezone.utc)
    values = {**all_versions.values, "monitor": "trip_tip"}
    scope = replace(all_versions, last=last, values=values)
    assert Answer(reader, sql_of("Is the monitor calm?"), scope).column("state") == ["alarm"]


def test_the_missing_share_of_the_table_and_of_the_tile_are_one(
    reader: sa.Engine, all_versions: Scope
) -> None:
    table = Answer(reader, sql_of("Which monitor needs attention?"), all_versions)
    tile = Answer(reader, sql_of("What share of values is missing?"), all_versions)
    place = table.column("monitor").index("trip_duration")
    assert table.column("missing_share")[place] == pytest.approx(tile.column("missing values")[-1])


def test_columns_that_moved_most_come_first_and_skipped_ones_never(
    reader: sa.Engine, all_versions: Scope
) -> None:
    answer = Answer(reader, sql_of("Which columns drifted, and since when?"), all_versions)
    with reader.connect() as session:
        worst = session.scalar(
            sa.text(
                "select column_name from metrics.drift_scored where monitor = 'trip_duration'"
                " and segment is null and column_name is not null and status = 'ok'"
                " and partition_date between '2019-04-01' and '2019-04-21'"
                " order by score_ratio desc limit 1"
            )
        )
    assert worst in answer.column("column")
    assert None not in answer.column("score over threshold")


def test_bins_of_a_column_stay_apart_though_their_bounds_round_to_one_number(
    demo: sa.Engine, reader: sa.Engine, all_versions: Scope
) -> None:
    title = "How is $column distributed, now and in the reference period?"
    with demo.connect() as session:
        bins = session.scalar(
            sa.text(
                "select count(distinct bin) from metrics.column_histogram"
                " where monitor = 'trip_duration' and column_name = 'fare_usd'"
                " and segment is null and partition_date between '2019-02-01' and '2019-04-21'"
            )
        )
    answer = Answer(reader, sql_of(title), all_versions)
    assert len(answer.column("bin")) == bins
    for series in ("reference", "time range"):
        shares = [float(share) for share in answer.column(series) if share is not None]
        assert sum(shares) == pytest.approx(1)


def test_the_distance_to_the_day_before_is_the_total_variation(
    demo: sa.Engine, reader: sa.Engine, all_versions: Scope
) -> None:
    answer = Answer(
        reader, sql_of("How much did $column change from one batch to the next?"), all_versions
    )
    query = (
        "select partition_date, bin, coalesce(category, '') as category, sum(row_count)::float as n"
        " from metrics.column_histogram where monitor = 'trip_duration'"
        " and column_name = 'fare_usd' and segment is null group by 1, 2, 3"
    )
    with demo.connect() as session:
        rows = pd.DataFrame(session.execute(sa.text(query)).all(), columns=["day", "bin", "c", "n"])
    counts = rows.pivot_table(index="day", columns=["bin", "c"], values="n").fillna(0)
    shares = counts.div(counts.sum(axis=1), axis=0)
    # A day without a distance breaks the line where days are missing.
    told = [(time.date(), distance) for time, distance in answer.rows if distance is not None]
    assert len(told) > 15
    for day, distance in told:
        before = shares.loc[day - dt.timedelta(days=1)]
        expected = (shares.loc[day] - before).abs().sum() / 2
        assert float(distance) == pytest.approx(expected)
    # The missing and the empty day have no neighbour.
    missing = {dt.date(2019, 4, day) for day in (17, 18, 19)}
    assert missing.isdisjoint(day for day, _ in told)


def test_evidentlys_default_verdicts_are_no_failing_tests(
    demo: sa.Engine, reader: sa.Engine, all_versions: Scope
) -> None:
    with demo.connect() as session:
        compared = session.scalar(
            sa.text(
                "select count(*) from metrics.test_results"
                " where source = 'evidently' and test = 'drift' and status = 'fail'"
            )
        )
    assert compared
    shown = Answer(reader, sql_of("Which tests fail, and since when?"), all_versions)
    assert "drift (evidently)" not in shown.column("test")


def test_every_open_incident_has_an_owner_a_sentence_and_a_command(
    reader: sa.Engine, all_versions: Scope
) -> None:
    answer = Answer(reader, sql_of("Which incidents are open, and what is next?"), all_versions)
    with reader.connect() as session:
        query = "select count(*) from metrics.incidents where closed_on is null"
        assert len(answer.rows) == session.scalar(sa.text(query))
    for number, step in zip(answer.column("id"), answer.column("next_step"), strict=True):
        assert step in (
            f"driftmeter incidents ack {number}",
            f"driftmeter incidents close {number}",
        )
    assert all(answer.column("owner"))
    assert all(answer.column("diagnosis"))
    assert all(age > 0 for age in answer.column("age_in_days"))


def panel_named(title: str, kind: str) -> dict[str, Any]:
    (panel,) = [panel for _, panel in PANELS if panel["title"] == title and panel["type"] == kind]
    return panel


def test_a_chart_of_the_static_page_is_as_wide_as_the_range(scope: Scope) -> None:
    panel = panel_named("What was wrong, and when?", "timeseries")
    frame = pd.DataFrame({"time": pd.to_datetime(["2019-04-07"], utc=True), "segment": [1.0]})
    drawn = figure(panel, frame, scope)
    left, right = map(pd.Timestamp, drawn.layout.xaxis.range)
    assert left <= pd.Timestamp(scope.first) < pd.Timestamp(scope.last) <= right
    (bar,) = drawn.data
    assert pd.Timedelta(hours=12) < pd.Timedelta(milliseconds=bar.width) < pd.Timedelta(days=1)
    # A tick is a day at least, even where the page shows one day.
    day = replace(scope, last=scope.first + pd.Timedelta(hours=23))
    assert figure(panel, frame, day).layout.xaxis.dtick == 86_400_000


def test_the_rows_of_a_static_chart_have_room_for_their_names(scope: Scope) -> None:
    panel = next(panel for _, panel in PANELS if panel["type"] == "state-timeline")
    names = [f"shape_shift #{number}" for number in range(40)]
    frame = pd.DataFrame({"time": pd.Timestamp("2019-04-07", tz="UTC"), "name": names, "open": 1})
    drawn = figure(panel, frame, scope)
    assert drawn.layout.height >= 16 * len(names)
    assert figure(panel, frame[:2], scope).layout.height == 30 * panel["gridPos"]["h"]


def test_a_band_of_the_static_page_ends_where_days_are_missing(scope: Scope) -> None:
    panel = panel_named("Is the model still right?", "timeseries")
    days = [f"2019-04-{number:02}" for number in (1, 2, 3, 6, 7)]
    frame = pd.DataFrame({"time": pd.to_datetime(days, utc=True)})
    for name in ("realised", "estimated"):
        for edge in ("", ", low", ", high"):
            frame[name + edge] = 1.0
    drawn = figure(panel, frame, scope)
    bands = [trace for trace in drawn.data if trace.fill == "toself"]
    assert len(bands) == 4
