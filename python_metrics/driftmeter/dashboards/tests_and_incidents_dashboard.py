"""Tests and incidents: failing tests, the incidents of each monitor, and their reports."""

from driftmeter.dashboards.clauses import DAYS, IN_RANGE, MONITOR, TIME
from driftmeter.dashboards.dashboard import Dashboard
from driftmeter.dashboards.overview_dashboard import INCIDENTS, NO_INCIDENT, SEVERITIES
from driftmeter.dashboards.panels import (
    COUNT,
    GREEN,
    ORANGE,
    PLAIN,
    RED,
    link,
    override,
    row,
    stat,
    state_timeline,
    steps,
    table,
    timeseries,
    to_dashboard,
    words,
)

OPEN = f"""
select count(*) as "open" from metrics.incidents
where {MONITOR} and closed_on is null and opened_on <= $__timeTo()::date
"""
FAILED_TESTS = f"""
select count(*) as "failing" from metrics.failing_tests
where {MONITOR} and partition_date = (
    select max(partition_date) from metrics.test_results where {MONITOR} and {DAYS})
"""
OVER_TIME = f"""
select {TIME}, test || ' (' || source || ')' as test, count(*) as "failing"
from metrics.failing_tests
where {MONITOR} and {DAYS}
group by partition_date, test, source order by 1, 2
"""
INCIDENT_TABLE = f"""
select incident_id as id, kind, severity, opened_on::text, last_seen_on::text, days,
    coalesce(closed_on::text, 'open') as closed_on, column_name as "column", diagnosis,
    array_to_string(columns[2:], ', ') as other_columns,
    coalesce(acknowledged_by, '') as acknowledged_by, coalesce(report_url, '') as report
from metrics.incidents
where {MONITOR} and {IN_RANGE}
order by closed_on is null desc, opened_on desc, incident_id
"""
BREACHES = f"""
select {TIME}, family as cause, count(*) as breaches from metrics.breaches
where {MONITOR} and {DAYS} group by partition_date, family order by 1, 2
"""
RANKING = f"""
select column_name as "column", max(score_ratio) as score_ratio, max(importance) as importance,
    max(weight) as weight
from metrics.drift_ranking where {MONITOR} and {DAYS}
group by column_name order by 4 desc, 2 desc limit 30
"""
HISTORY = f"""
select to_char(at, 'YYYY-MM-DD HH24:MI') as at, incident_id as id, event, on_date::text as day,
    kind, author, coalesce(note, '') as note, diagnosis
from metrics.incident_events
where {MONITOR} and on_date between $__timeFrom()::date and $__timeTo()::date
order by event_id desc limit 200
"""
LATEST = f"""
select tests.partition_date::text as day, tests.column_name as "column", test, source, status,
    tests.severity, observed, expected, reason, coalesce(incidents.report_url, '') as report
from metrics.failing_tests as tests left join metrics.incidents
    on tests.monitor = incidents.monitor and tests.column_name = any(incidents.columns)
    and tests.partition_date between incidents.opened_on and incidents.last_seen_on
where tests.{MONITOR} and tests.{DAYS}
order by tests.partition_date desc, test, 2 limit 200
"""

REPORT = override(
    "report", links=[link("Open the stored report", "${__value.raw}")], custom__width=160
)
COLUMN = override(
    "column",
    links=[link("Open this column", to_dashboard("drift", column="${__data.fields.column}"))],
)
SEVERITY = override(
    "severity",
    mappings=words(warn=ORANGE, error=RED),
    custom__cellOptions={"type": "color-text"},
)

TESTS_AND_INCIDENTS = Dashboard(
    name="tests-and-incidents",
    title="Tests and incidents",
    description="Incidents with their reports, failing tests over time, and the latest failures.",
    uses=("monitor",),
    panels=[
        row("Incidents of $monitor"),
        stat(
            "How many incidents are open?",
            "Incidents that opened by the end of the time range and are not closed.",
            OPEN,
            unit=COUNT,
            width=4,
            height=6,
            thresholds=steps((None, GREEN), (1, RED)),
        ),
        state_timeline(
            "Which incidents were open, and when?",
            "One line for each incident, from the day it opened to the day it closed. An open "
            "incident goes on to the end of the time range.",
            INCIDENTS,
            mappings=SEVERITIES,
            label="incident",
            width=20,
            no_data=NO_INCIDENT,
        ),
        table(
            "What happened?",
            "The diagnosis of each incident, with its stored report. Open incidents come first.",
            INCIDENT_TABLE,
            no_data=NO_INCIDENT,
            overrides=[
                SEVERITY,
                REPORT,
                COLUMN,
                override("id", unit=PLAIN, custom__width=60),
                override("days", unit=PLAIN, custom__width=60),
                override("diagnosis", custom__width=520),
            ],
        ),
        timeseries(
            "What was wrong on which day?",
            "Number of breaches on each day, by the family of their cause. An incident combines "
            "the breaches of one cause.",
            BREACHES,
            unit=COUNT,
            bars=True,
            stacked=True,
            width=12,
            height=8,
            lowest=0,
            label="cause",
            no_data="There is no breach in this time range.",
        ),
        table(
            "Which drift matters to the model?",
            "Columns that raised an alarm, ranked by weight: the score divided by its threshold,"
            " times the importance of the column for the prediction.",
            RANKING,
            width=12,
            height=8,
            no_data="No column raised an alarm in this time range.",
            overrides=[COLUMN, override("importance", unit="percentunit")],
        ),
        table(
            "Who did what about incidents?",
            "The history of incidents, the newest event first: opened, closed, acknowledged, "
            "excluded, accepted.",
            HISTORY,
            height=8,
            no_data="No incident changed in this time range.",
            overrides=[override("id", unit=PLAIN, custom__width=60)],
        ),
        row("Tests of $monitor"),
        stat(
            "How many tests fail now?",
            "Failing tests of the newest day in the time range. Evidently's default verdicts on "
            "drift are not counted; they are stored for comparison only.",
            FAILED_TESTS,
            unit=COUNT,
            width=4,
            height=8,
            thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
        timeseries(
            "Which tests fail, and since when?",
            "Failing tests of dbt and Evidently on each day. A test that fails for several "
            "columns counts once for each.",
            OVER_TIME,
            unit=COUNT,
            bars=True,
            stacked=True,
            width=20,
            lowest=0,
            label="test",
            no_data="No test failed in this time range.",
        ),
        table(
            "Which tests failed last?",
            "The latest 200 failures, with the observed and the expected value.",
            LATEST,
            height=12,
            no_data="No test failed in this time range.",
            overrides=[SEVERITY, REPORT, COLUMN, override("observed", decimals=3)],
        ),
    ],
)
