"""Every query of every panel, variable, annotation and rule, as Grafana's role, on the demo."""

import datetime as dt
import re
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from driftmeter.dashboards.preview.frames import Scope
from tests.cases import over
from tests.dashboards.answers import (
    TIMESTAMPTZ,
    Answer,
    check_alerts,
    check_shape,
    firing,
    with_values,
)
from tests.dashboards.choices import check_choices
from tests.dashboards.grafana_files import (
    DASHBOARDS,
    OF_OTHERS,
    PANEL_IDS,
    PANELS,
    queries,
    rules,
    variables,
)

EVERY_QUERY = dict(queries())


@pytest.fixture
def opened(reader: sa.Engine, scope: Scope) -> Scope:
    """The dashboards as they open, every version that there is chosen one by one."""
    versions = Answer(reader, variables()["model_version"]["query"], scope).column("model_version")
    assert versions
    return replace(scope, values={**scope.values, "model_version": versions})


@over(("uid", "panel"), PANELS, ids=PANEL_IDS)
def test_a_panel_gets_rows_of_the_shape_that_its_kind_needs(
    reader: sa.Engine, opened: Scope, uid: str, panel: dict[str, Any]
) -> None:
    answer = Answer(reader, panel["targets"][0]["rawSql"], opened)
    reason = OF_OTHERS.get(f"{uid}: {panel['title']}")
    assert bool(answer.rows) == (reason is None)
    assert reason is None or reason in panel["fieldConfig"]["defaults"]["noValue"]
    check_shape(panel, answer, opened)


@over(("uid", "panel"), PANELS, ids=PANEL_IDS)
def test_an_override_or_a_label_names_a_column_that_is_there(
    reader: sa.Engine, opened: Scope, uid: str, panel: dict[str, Any]
) -> None:
    answer = Answer(reader, panel["targets"][0]["rawSql"], opened)
    named = {entry["matcher"]["options"] for entry in panel["fieldConfig"]["overrides"]}
    for entry in panel["fieldConfig"]["overrides"]:
        for item in entry["properties"]:
            if item["id"] == "custom.fillBelowTo":
                named.add(item["value"])
    shown = panel["fieldConfig"]["defaults"].get("displayName", "")
    if shown:
        named.update(re.findall(r"\$\{__field\.labels\.(\w+)\}", shown))
    assert named <= set(answer.names)


@over("where", EVERY_QUERY)
def test_a_query_stands_any_choice_of_variables(
    reader: sa.Engine, opened: Scope, where: str
) -> None:
    sql, versions = EVERY_QUERY[where], list(opened.values["model_version"])
    for values in (
        {"monitor": "trip_tip", "model_version": [*versions, "other"], "metric": "log_loss"},
        {"segment": "pickup_borough = Queens", "model_version": versions[:1]},
        {"column": "payment_type"},
    ):
        Answer(reader, sql, with_values(opened, **values))
    # A value may hold what ends a string.
    quoted = dict.fromkeys(("monitor", "segment", "column", "metric"), "it's; select '1")
    Answer(reader, sql, with_values(opened, **quoted, model_version=["it's", 'a"b']))


@over("where", EVERY_QUERY)
def test_a_query_answers_in_shape_of_any_monitor_versions_and_range(
    reader: sa.Engine, opened: Scope, where: str
) -> None:
    check_choices(reader, where, opened, ["trip_duration", "trip_tip"])


def test_a_variable_lists_its_values_and_opens_on_one_of_them(
    reader: sa.Engine, opened: Scope
) -> None:
    for name, variable in variables().items():
        values = [row[0] for row in Answer(reader, variable["query"], opened).rows]
        assert values, name
        assert len(set(values)) == len(values), name
        current = variable["current"]["value"]
        assert current == ["$__all"] or current in values, name


def test_segments_begin_with_all_rows_and_hold_every_declared_one(
    reader: sa.Engine, opened: Scope
) -> None:
    segments = Answer(reader, variables()["segment"]["query"], opened).column("segment")
    assert segments[0] == "all rows"
    assert {name.split(" = ")[0] for name in segments[1:]} == {"pickup_borough", "payment_type"}


@over("uid", DASHBOARDS)
def test_an_annotation_has_a_time_and_a_text(reader: sa.Engine, opened: Scope, uid: str) -> None:
    for annotation in DASHBOARDS[uid]["annotations"]["list"]:
        answer = Answer(reader, annotation["target"]["rawSql"], opened)
        assert answer.rows, annotation["name"]
        assert answer.types["time"] == TIMESTAMPTZ
        assert answer.types.get("timeend", TIMESTAMPTZ) == TIMESTAMPTZ
        assert None not in answer.column("time")
        assert None not in answer.column("text")


@over("rule", rules(), ids=lambda rule: rule["uid"])
def test_a_rule_reads_one_number_and_labels_that_tell_its_alerts_apart(
    reader: sa.Engine, opened: Scope, rule: dict[str, Any]
) -> None:
    answer = Answer(reader, rule["data"][0]["model"]["rawSql"], opened)
    check_alerts(rule, answer)


def test_an_open_incident_fires_and_stops_when_it_closes(
    demo: sa.Engine, reader: sa.Engine, opened: Scope
) -> None:
    query = "select monitor, family, incident_id from metrics.incidents where closed_on is null"
    with demo.connect() as session:
        rows = session.exec_driver_sql(query).all()
    # One alert an incident, not one a column; that of the missing day ended when rows came.
    known = {(row.monitor, row.family) for row in rows}
    assert ("trip_duration", "empty_day") in known
    assert ("trip_duration", "missing_day") not in known
    assert firing(reader, opened, "open-incident") == known
    numbers = ", ".join(str(row.incident_id) for row in rows)
    close = "update metrics.incidents set closed_on = {} where incident_id in (" + numbers + ")"
    try:
        with demo.begin() as session:
            session.exec_driver_sql(close.format("'2019-04-21'"))
        assert firing(reader, opened, "open-incident") == set()
    finally:
        with demo.begin() as session:
            session.exec_driver_sql(close.format("null"))


def test_a_missing_day_fires_as_its_incident_and_not_twice_and_history_is_never_late(
    demo: sa.Engine, reader: sa.Engine, opened: Scope
) -> None:
    assert firing(reader, opened, "partitions-not-fresh") == set()
    close = "update metrics.incidents set closed_by = {} where kind = 'missing_day'"
    try:
        with demo.begin() as session:
            session.exec_driver_sql(close.format("'ada'"))
        # Somebody closed it, and the day is missing still.
        assert firing(reader, opened, "partitions-not-fresh") == {
            ("trip_duration", "missing"),
            ("trip_tip", "missing"),
        }
    finally:
        with demo.begin() as session:
            session.exec_driver_sql(close.format("null"))
    assert firing(reader, opened, "no-new-day") == set()


def test_lines_are_interrupted_where_a_batch_of_the_monitors_cadence_is_missing(
    demo: sa.Engine, reader: sa.Engine, opened: Scope
) -> None:
    titles = (
        "What share of values was missing, over time?",
        "In which segment is the error largest?",
    )
    chosen = [panel["targets"][0]["rawSql"] for _, panel in PANELS if panel["title"] in titles]
    assert len(chosen) == 2
    change = "update metrics.monitors set every = '{}' where monitor = 'trip_duration'"
    hour = dt.timedelta(hours=1)
    try:
        whole = {}
        for every in ("week", "hour"):
            with demo.begin() as session:
                session.exec_driver_sql(change.format(every))
            for sql in chosen:
                shown = Answer(reader, sql, opened)
                # No week is missing between two days; of hours all are but the first of a day.
                days = whole.setdefault(sql, shown)
                times = sorted(set(days.column("time")))
                gaps = [row for row in shown.rows if row not in days.rows]
                expected = [time + hour for time in times[:-1]] if every == "hour" else []
                assert [row[0] for row in gaps] == expected
                assert {row[-1] for row in gaps} <= {None}
                # A series that is there: another one would be in the legend.
                assert {row[1:-1] for row in gaps} <= {row[1:-1] for row in days.rows}
    finally:
        with demo.begin() as session:
            session.exec_driver_sql(change.format("day"))


def test_a_live_monitor_is_late_once_nothing_follows_its_newest_day(
    demo: sa.Engine, reader: sa.Engine, opened: Scope
) -> None:
    # The demo's newest day as if it had been computed on time, two thousand days ago.
    move = "update metrics.partitions set computed_at = {} where monitor = 'trip_tip'"
    with demo.begin() as session:
        before = session.exec_driver_sql(
            "select max(computed_at) from metrics.partitions where monitor = 'trip_tip'"
        ).scalar()
        session.exec_driver_sql(move.format("partition_date + interval '1 day'"))
    try:
        assert firing(reader, opened, "no-new-day") == {("trip_tip", "no_new_day")}
    finally:
        with demo.begin() as session:
            session.exec_driver_sql(move.format(f"'{before}'"))


def test_the_overview_tells_the_state_of_every_monitor_right(
    demo: sa.Engine, reader: sa.Engine, opened: Scope
) -> None:
    panel = next(
        panel for uid, panel in PANELS if panel["title"] == "Which monitor needs attention?"
    )
    answer = Answer(reader, panel["targets"][0]["rawSql"], opened)
    assert answer.column("monitor") == ["trip_duration", "trip_tip"]
    with demo.connect() as session:
        for place, monitor in enumerate(answer.column("monitor")):
            drifted, days = session.exec_driver_sql(
                "select count(*) filter (where partition_date = '2019-04-21' and segment is null"
                " and method = 'day_level'), (select count(distinct partition_date)"
                " from metrics.alarms where monitor = drift.monitor) from metrics.drift"
                f" where monitor = '{monitor}' and is_drifted group by monitor"
            ).one()
            assert answer.column("drifted_columns")[place] == drifted
            assert answer.column("alarms_this_month")[place] == days
            open_now = session.exec_driver_sql(
                "select count(*) from metrics.incidents where closed_on is null"
                f" and monitor = '{monitor}'"
            ).scalar()
            assert answer.column("open_incidents")[place] == open_now
    assert answer.column("newest_batch") == answer.column("last_fresh") == ["2019-04-21"] * 2
