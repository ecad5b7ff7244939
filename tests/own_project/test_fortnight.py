"""A team's own project and tables: what its people see of a fortnight, step by step."""

import datetime as dt

import pytest

from tests.own_project.farm import HERE, Farm
from tests.own_project.fortnight import LAST_DAY, changed_since, states_of


def test_the_project_is_three_files_and_no_taxi() -> None:
    files = [path for path in (HERE / "project").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == [
        "bearing_failure.sql",
        "dbt_project.yml",
        "turbine_power.sql",
    ]


def test_init_declares_a_monitor_of_numbers_only_and_leaves_comments(farm: Farm) -> None:
    declared = farm.declared("turbine_power")
    assert {column["kind"] for column in declared["features"].values()} == {"numerical"}
    roles = [declared[role] for role in ("id", "timestamp", "model_version", "target", "task")]
    assert roles == ["reading", "observed_at", "version", "actual_kw", "regression"]
    assert declared["segments"] == []
    assert "driftmeter run --monitor turbine_power" in farm.shown["init"]
    assert (
        "+schema: scoring  # beside the marts" in (farm.directory / "dbt_project.yml").read_text()
    )


def test_a_classifier_is_split_by_what_is_no_feature(farm: Farm) -> None:
    declared = farm.declared("bearing_watch")
    assert declared["segments"] == ["site"]
    assert "site" not in declared["features"]
    measured = farm.rows(
        "select distinct segment, segment_value from metrics.drift_scored"
        " where monitor = 'bearing_watch' and segment is not null and status = 'ok'"
    )
    assert set(measured) == {("site", "north"), ("site", "south"), ("site", "coast")}


def test_everything_lies_in_the_teams_schema_and_in_metrics(farm: Farm) -> None:
    schemas = farm.rows(
        "select distinct table_schema from information_schema.tables"
        " where table_schema not in ('pg_catalog', 'information_schema')"
    )
    ours = {"metrics", "dagster", "test_failures"}
    assert {schema for (schema,) in schemas} - ours == {"wind_scoring", "scada"}
    assert farm.rows("select count(*) from metrics.model_versions") == [(0,)]


def test_every_day_is_measured_and_the_empty_one_says_so(farm: Farm) -> None:
    states = states_of(farm)
    days = [str(dt.date(2026, 4, 13) + dt.timedelta(days=number)) for number in range(14)]
    monitors = ("turbine_power", "bearing_watch")
    assert set(states) == {(monitor, day) for monitor in monitors for day in days}
    not_fresh = {key: state for key, state in states.items() if state != "fresh"}
    assert not_fresh == {("turbine_power", "2026-04-22"): "empty"}


@pytest.mark.parametrize(
    ("monitor", "day", "kind", "column"),
    [
        ("turbine_power", "2026-04-16", "unit_change", "wind_speed"),
        ("turbine_power", "2026-04-19", "missing_values", "air_temperature"),
        ("turbine_power", "2026-04-21", "shape_shift", "pitch_degrees"),
        ("turbine_power", "2026-04-22", "empty_day", None),
        ("turbine_power", "2026-04-23", "concept_drift", None),
        ("bearing_watch", "2026-04-17", "unseen_category", "maker"),
        ("bearing_watch", "2026-04-20", "segment", "vibration"),
        ("bearing_watch", "2026-04-23", "volume", None),
    ],
)
def test_a_planted_fault_is_an_incident_with_its_diagnosis(
    farm: Farm, monitor: str, day: str, kind: str, column: str | None
) -> None:
    opened = farm.rows(
        "select monitor, opened_on::text, kind, column_name from metrics.incidents"
        f" where monitor = '{monitor}' and opened_on = '{day}'"
    )
    assert (monitor, day, kind, column) in [
        (*row[:3], row[3] if column else None) for row in opened
    ]


def test_a_fault_of_one_site_names_the_site_though_it_is_no_feature(farm: Farm) -> None:
    ((segment, value, diagnosis),) = farm.rows(
        "select segment, segment_value, diagnosis from metrics.incidents"
        " where monitor = 'bearing_watch' and opened_on = '2026-04-20'"
    )
    assert (segment, value) == ("site", "coast")
    assert "only where site = coast" in diagnosis


def test_a_day_without_any_label_yet_is_not_judged_by_its_labels(farm: Farm) -> None:
    ((status, reason, drifted),) = farm.rows(
        "select status, reason, is_drifted from metrics.drift where monitor = 'bearing_watch'"
        " and column_name = 'has_failed' and method = 'day_level' and segment is null"
        f" and partition_date = '{LAST_DAY}'"
    )
    assert (status, reason, drifted) == ("skipped", "labels are due on 2026-04-28", None)


def test_incidents_are_listed_with_no_blanks_at_the_end_of_a_line(farm: Farm) -> None:
    lines = farm.shown["incidents"].splitlines()
    assert any("only where site = coast" in line for line in lines)
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_new_day_is_measured_without_naming_it_and_then_nothing_is_new(farm: Farm) -> None:
    assert "including the reference period" in farm.shown["run"]
    monitors = ("turbine_power", "bearing_watch")
    assert changed_since(farm, "new day") == {(monitor, "2026-04-25") for monitor in monitors}
    assert "no day is new, and no day changed" in farm.shown["nothing new"]


def test_runs_leave_nothing_of_dbt_behind_but_its_own_target(farm: Farm) -> None:
    target = farm.directory / "target"
    assert (target / "manifest.json").exists()
    assert [*target.glob("dbt_models-*")] == []


def test_nothing_of_the_example_is_run_or_offered(farm: Farm) -> None:
    assert not any("planted" in shown for shown in farm.shown.values())
    commands = farm.run("driftmeter", "--help")
    assert "\n  run " in commands
    assert "\n  demo " not in commands
    with pytest.raises(AssertionError, match="use one of bearing_watch, turbine_power"):
        farm.run("driftmeter", "run", "--monitor", "trip_duration")


def test_versions_are_listed_since_their_first_day_and_a_challenger_is_judged(farm: Farm) -> None:
    listed = farm.run("driftmeter", "versions")
    assert "v2  predicts turbine_power since 2026-04-18" in listed
    assert "trial compared with v1: worse, mae" in listed
    status = farm.run("driftmeter", "status")
    assert [line.split()[3] for line in status.splitlines() if line[1:8] == " model "] == [
        "b2",
        "v2",
    ]


def test_late_and_vanished_rows_measure_exactly_their_own_days_again(farm: Farm) -> None:
    days = {("turbine_power", "2026-04-14"), ("turbine_power", "2026-04-15")}
    assert changed_since(farm, "late rows") == days
    assert "2026-04-14 to 2026-04-15" in farm.shown["stale"]
    counted = farm.rows(
        "select partition_date::text, row_count from metrics.partitions"
        " where monitor = 'turbine_power' and partition_date in ('2026-04-14', '2026-04-15')"
    )
    assert dict(counted) == {"2026-04-14": 160, "2026-04-15": 160}


def test_a_run_of_one_monitor_drops_no_view_of_another_or_of_the_team(farm: Farm) -> None:
    # Postgres drops a view with the one under it, which dbt swaps for a new one.
    views = {"bearing_failure", "bearing_watch", "turbine_power", "turbine_board"}
    assert farm.views_after_stale >= views


def test_models_that_no_monitor_is_made_of_are_the_teams_to_build(farm: Farm) -> None:
    assert "unrelated" not in farm.views_after_stale


def test_a_challenger_stands_beside_the_version_that_is_acted_on(farm: Farm) -> None:
    compared = farm.rows(
        "select champion, challenger, partition_date::text, difference > 0, row_count"
        " from metrics.version_comparisons where monitor = 'turbine_power' order by 3"
    )
    assert compared == [
        ("v1", "trial", "2026-04-14", True, 160),
        ("v1", "trial", "2026-04-15", True, 160),
        ("v2", "trial", LAST_DAY, True, 160),
    ]
    realised = farm.rows(
        "select distinct model_version from metrics.performance"
        " where monitor = 'turbine_power' and kind = 'realised' and metric = 'mae'"
        " and partition_date = '2026-04-14'"
    )
    assert set(realised) == {("v1",), ("trial",)}


def test_labels_that_land_make_a_day_final(farm: Farm) -> None:
    states = farm.rows(
        "select partition_date::text, state, label_coverage from metrics.performance"
        " where monitor = 'bearing_watch' and kind = 'realised' and metric = 'log_loss'"
        " and segment is null and partition_date >= '2026-04-24' order by 1"
    )
    assert states == [
        ("2026-04-24", "final", 1.0),
        ("2026-04-25", "final", 1.0),
        (LAST_DAY, "provisional", 0.0),
    ]
    history = farm.rows(
        "select distinct state from metrics.performance_history where monitor = 'bearing_watch'"
        " and partition_date = '2026-04-25' and metric = 'log_loss'"
    )
    assert {state for (state,) in history} >= {"provisional", "final"}


def test_what_is_accepted_is_the_normal_of_the_next_day(farm: Farm) -> None:
    assert "pitch_degrees" in farm.shown["accept"]
    ((baseline, drifted),) = farm.rows(
        "select baseline, is_drifted from metrics.drift where monitor = 'turbine_power'"
        " and column_name = 'pitch_degrees' and method = 'day_level'"
        f" and partition_date = '{LAST_DAY}'"
    )
    assert (baseline, drifted or False) == ("accepted", False)


def test_an_incident_is_told_to_people_once(farm: Farm) -> None:
    titles = [message["title"] for message in farm.messages]
    assert "[opened] turbine_power: concept_drift" in titles
    assert len(titles) == len(set(titles)) > 5
