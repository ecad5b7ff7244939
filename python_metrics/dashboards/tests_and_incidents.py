"""Tests and incidents: what failed, what it was grouped into, and the report that shows it."""

from python_metrics.dashboards.clauses import DAYS, MONITOR, TIME
from python_metrics.dashboards.dashboard import Dashboard
from python_metrics.dashboards.overview import INCIDENTS, NO_INCIDENT, SEVERITIES
from python_metrics.dashboards.panels import (
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

FAILING = "status not in ('pass', 'skipped')"

OPEN = f"""
select count(*) as "open" from metrics.incidents
where {MONITOR} and closed_on is null and opened_on <= $__timeTo()::date
"""
FAILED_TESTS = f"""
select count(*) as "failing" from metrics.test_results
where {MONITOR} and {FAILING} and partition_date = (
    select max(partition_date) from metrics.test_results where {MONITOR} and {DAYS})
"""
OVER_TIME = f"""
select {TIME}, test || ' (' || source || ')' as test, count(*) as "failing"
from metrics.test_results
where {MONITOR} and {DAYS} and {FAILING}
group by partition_date, test, source order by 1, 2
"""
INCIDENT_TABLE = f"""
select incident_id as id, kind, severity, opened_on::text, last_seen_on::text,
    coalesce(closed_on::text, 'open') as closed_on, column_name as "column",
    metrics.segment_label(segment, segment_value) as segment, diagnosis,
    coalesce(acknowledged_by, '') as acknowledged_by, coalesce(report_url, '') as report
from metrics.incidents
where {MONITOR} and opened_on <= $__timeTo()::date
    and coalesce(closed_on, last_seen_on) >= $__timeFrom()::date
order by closed_on is null desc, opened_on desc, incident_id
"""
LATEST = f"""
select tests.partition_date::text as day, tests.column_name as "column", test, source, status,
    tests.severity, observed, expected, reason, coalesce(incidents.report_url, '') as report
from metrics.test_results as tests left join metrics.incidents
    on tests.monitor = incidents.monitor and tests.column_name = incidents.column_name
    and tests.partition_date between incidents.opened_on and incidents.last_seen_on
where tests.{MONITOR} and tests.{DAYS} and tests.{FAILING}
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
    uid="tests-and-incidents",
    title="Tests and incidents",
    description="Failing tests over time, the latest failures and incidents with their reports.",
    uses=("monitor",),
    panels=[
        row("Incidents of $monitor"),
        stat(
            "How many incidents are open?",
            "Opened by the end of the range, and not closed since.",
            OPEN,
            unit=COUNT,
            width=4,
            height=6,
            thresholds=steps((None, GREEN), (1, RED)),
        ),
        state_timeline(
            "Which incidents were open, and when?",
            "One line an incident, from the day it opened to the day it closed or was last seen.",
            INCIDENTS,
            mappings=SEVERITIES,
            label="incident",
            width=20,
            no_data=NO_INCIDENT,
        ),
        table(
            "What happened?",
            "Each incident's diagnosis in a sentence, open ones first, with its stored report.",
            INCIDENT_TABLE,
            no_data=NO_INCIDENT,
            overrides=[
                SEVERITY,
                REPORT,
                COLUMN,
                override("id", unit=PLAIN, custom__width=60),
                override("diagnosis", custom__width=520),
            ],
        ),
        row("Tests of $monitor"),
        stat(
            "How many tests fail now?",
            "Failing tests of the newest day in the range.",
            FAILED_TESTS,
            unit=COUNT,
            width=4,
            height=8,
            thresholds=steps((None, GREEN), (1, ORANGE)),
        ),
        timeseries(
            "Which tests fail, and since when?",
            "Failing tests by day, dbt's and Evidently's; a bar's height counts columns.",
            OVER_TIME,
            unit=COUNT,
            bars=True,
            stacked=True,
            width=20,
            lowest=0,
            label="test",
            no_data="No test fails in this range.",
        ),
        table(
            "What failed last?",
            "The latest 200 failures, with what was seen and what was expected.",
            LATEST,
            height=12,
            no_data="No test fails in this range.",
            overrides=[SEVERITY, REPORT, COLUMN, override("observed", decimals=3)],
        ),
    ],
)
