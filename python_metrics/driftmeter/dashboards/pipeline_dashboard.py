"""Pipeline: which partitions are there, how long they took, and what came in."""

from driftmeter.dashboards.clauses import DAYS, TIME
from driftmeter.dashboards.dashboard import Dashboard
from driftmeter.dashboards.panels import (
    BLUE,
    CALM,
    COUNT,
    GREEN,
    PLAIN,
    SECONDS,
    override,
    row,
    stat,
    status_history,
    steps,
    table,
    timeseries,
)
from driftmeter.dashboards.states import NUMBERED_STATES, STATE_NUMBER, STATE_WORDS, STATES

EVERY_DAY = f"""
select {TIME}, monitor, {STATE_NUMBER} as "state"
from metrics.partition_calendar where {DAYS} order by 1, 2
"""
SECONDS_EACH = f"""
select {TIME}, monitor, duration_seconds as "seconds"
from metrics.partitions where {DAYS} order by 1, 2
"""
ARRIVED = f"""
select {TIME}, sum(row_count) as "rows", sum(labelled_count) as "with a label"
from metrics.partitions where {DAYS} group by partition_date order by 1
"""
NOT_FRESH = f"""
select partition_date::text as day, monitor, state, reason, row_count, computed_at
from metrics.partition_calendar where {DAYS} and state <> 'fresh'
order by partition_date desc, monitor limit 200
"""


def count_of(state: str) -> str:
    """Days of all monitors in a state."""
    return f"""
select count(*) as "{state}" from metrics.partition_calendar
where {DAYS} and state = '{state}'
"""


PIPELINE = Dashboard(
    name="pipeline",
    title="Pipeline",
    description="The state of every partition, how long each took, and how many rows and labels "
    "came.",
    uses=(),
    panels=[
        row("Partitions of every monitor"),
        *(
            stat(
                f"How many days are {state}?",
                description,
                count_of(state),
                unit=COUNT,
                width=width,
                thresholds=CALM if state == "fresh" else steps((None, GREEN), (1, STATES[state])),
            )
            for state, width, description in (
                ("fresh", 4, "All steps have measured the rows that are there now."),
                ("empty", 5, "The day was measured and has no rows."),
                (
                    "stale",
                    5,
                    "Rows, labels or configuration changed since the day was measured, or a run "
                    "did not finish.",
                ),
                ("missing", 5, "Rows were due and none came, or the day was never measured."),
                ("failed", 5, "The day could not be measured. Its earlier results stay."),
            )
        ),
        status_history(
            "What is the state of each day?",
            "State of each day of each monitor.",
            EVERY_DAY,
            unit=PLAIN,
            mappings=NUMBERED_STATES,
            label="monitor",
            height=6,
        ),
        table(
            "Which days are not fresh, and why?",
            "The newest 200 days that are not fresh, with the reason. Run such a day again with "
            "`driftmeter run`, or in Dagster.",
            NOT_FRESH,
            height=7,
            no_data="Every day in this time range is fresh.",
            overrides=[
                override(
                    "state",
                    mappings=STATE_WORDS,
                    custom__cellOptions={"type": "color-background", "mode": "basic"},
                ),
                override("computed_at", unit="dateTimeAsIso"),
            ],
        ),
        row("Duration and number of rows"),
        timeseries(
            "How long does a partition take?",
            "Seconds to measure the drift of one day, without dbt.",
            SECONDS_EACH,
            unit=SECONDS,
            lowest=0,
            label="monitor",
        ),
        timeseries(
            "How many rows came, and how many have a label?",
            "Rows of all monitors when each day was last measured, and how many of them have a "
            "label.",
            ARRIVED,
            unit=COUNT,
            lowest=0,
            overrides=[
                override("rows", color={"mode": "fixed", "fixedColor": BLUE}),
                override("with a label", color={"mode": "fixed", "fixedColor": GREEN}),
            ],
        ),
    ],
)
