"""Overview: is every model fine, what changed, since when, and what to open next."""

from python_metrics.dashboards.clauses import (
    ALL_ROWS,
    DAYS,
    KNOWN_COLUMN,
    MONITOR,
    TIME,
    VERSION,
)
from python_metrics.dashboards.dashboard import Dashboard
from python_metrics.dashboards.panels import (
    BLUE,
    COUNT,
    GREEN,
    GREY,
    ORANGE,
    PLAIN,
    RED,
    SHARE,
    YELLOW,
    link,
    numbered_words,
    override,
    row,
    stat,
    state_timeline,
    status_history,
    steps,
    table,
    timeseries,
    to_dashboard,
)
from python_metrics.dashboards.states import STATE_WORDS

OVER_THRESHOLD = steps((None, GREEN), (0.8, YELLOW), (1, ORANGE), (2, RED))
NOT_SHOWN = {"viz": True, "legend": False, "tooltip": False}
OVER_BUDGET = steps((None, GREEN), (1, YELLOW), (1.001, RED))
SEVERITIES = numbered_words(("warn", ORANGE), ("error", RED))
NO_INCIDENT = "No incident in this range."
NOT_MEASURED = "waits for labels"

EVERY_MONITOR = """
select state.monitor, state.state, newest_day::text, last_fresh_day::text, row_count,
    drifted_columns, away_columns, compared_columns, missing.share as missing_share, open_incidents,
    alarm_days_this_month, alarm_budget, owner,
    extract(epoch from newest_day - interval '29 days') * 1000 as first_ms,
    extract(epoch from newest_day + interval '1 day') * 1000 - 1 as last_ms
from metrics.monitor_state as state left join lateral (
    select avg(value) as share from metrics.column_profile where monitor = state.monitor
    and metric = 'null_share' and metrics.segment_label(segment, segment_value) = 'all rows'
    and partition_date = newest_day) as missing on true order by state.state, state.monitor
"""
STATE = f"""
select case when retired_at is null then state else 'retired' end as state,
    partition_date::text as day
from metrics.partitions join metrics.monitors using (monitor)
where {MONITOR} and {DAYS} order by partition_date desc limit 1
"""
OPEN_INCIDENTS = f"""
select count(*) as open_incidents from metrics.incidents
where {MONITOR} and closed_on is null and opened_on <= $__timeTo()::date
"""
LAST_FRESH = f"""
select max(partition_date)::text as last_fresh_day from metrics.partitions
where {MONITOR} and {DAYS} and state = 'fresh'
"""
ALARM_DAYS = """
select alarm_days_this_month as "days with an alarm",
    alarm_days_this_month / alarm_budget as "of the budget"
from metrics.monitor_state where monitor = '$monitor'
"""
DRIFTED = f"""
select {TIME}, count(*) filter (where is_drifted) as "drifted columns",
    count(*) filter (where is_away and not is_drifted) as "away since before"
from metrics.drift_scored
where {MONITOR} and {DAYS} and {VERSION}
    and column_name is not null and segment is null and status = 'ok'
group by partition_date order by 1
"""
MISSING = f"""
select {TIME}, avg(value) as "missing values"
from metrics.column_profile
where {MONITOR} and metric = 'null_share' and {ALL_ROWS} and {DAYS} and {VERSION}
    and {KNOWN_COLUMN}
group by partition_date order by 1
"""
ROWS = f"""
select {TIME}, row_count as "rows"
from metrics.partitions where {MONITOR} and {DAYS} order by 1
"""
PERFORMANCE = f"""
select {TIME}, avg(value) as "error"
from metrics.performance
where {MONITOR} and {ALL_ROWS} and {DAYS} and {VERSION} and kind = 'realised'
    and metric = (select case task when 'regression' then 'mae' else 'log_loss' end
        from metrics.monitors where {MONITOR})
group by partition_date order by 1
"""
WHAT_MOVED = f"""
select {TIME}, column_name as "column", max(score_ratio) as "score over threshold"
from metrics.drift_scored
where {MONITOR} and {DAYS} and {VERSION} and segment is null and status = 'ok'
    and column_name in (
        select column_name from metrics.drift_scored
        where {MONITOR} and {DAYS} and segment is null and column_name is not null
        group by column_name order by max(score_ratio) desc nulls last limit 12)
group by partition_date, column_name order by 1, 2
"""
# Days without the incident are rows without a value: a bar ends where the incident does.
INCIDENTS = f"""
select metrics.chart_time(days.day::date) as "time", kind || ' #' || incident_id as incident,
    case when days.day between opened_on and coalesce(closed_on, last_seen_on)
        then case severity when 'warn' then 1 else 2 end end as severity
from metrics.incidents cross join lateral generate_series(
    $__timeFrom()::date::timestamp, $__timeTo()::date, interval '1 day') as days (day)
where {MONITOR} and opened_on <= $__timeTo()::date
    and coalesce(closed_on, last_seen_on) >= $__timeFrom()::date order by 1, 2
"""

OVERVIEW = Dashboard(
    uid="overview",
    title="Overview",
    description="Every monitor's state now, what changed, since when, and what to open next.",
    uses=("monitor", "model_version"),
    panels=[
        row("Every monitor, on its newest day"),
        table(
            "Which monitor needs me?",
            "One row a monitor, on its own newest day, whatever the time range above. A day with "
            "an alarm is one in metrics.alarms; the budget is what the team tolerates. "
            "A monitor's name shows its newest 30 days.",
            EVERY_MONITOR,
            height=5,
            no_data="No monitor has run yet: materialize a day in Dagster, or `driftmeter run`.",
            overrides=[
                override(
                    "monitor",
                    links=[
                        link(
                            "Show its newest 30 days",
                            "/d/overview?var-monitor=${__data.fields.monitor}"
                            "&from=${__data.fields.first_ms}&to=${__data.fields.last_ms}",
                        )
                    ],
                ),
                override(
                    "state",
                    mappings=STATE_WORDS,
                    custom__cellOptions={"type": "color-background", "mode": "basic"},
                ),
                override("missing_share", unit=SHARE, decimals=1),
                override("row_count", unit=COUNT),
                override(
                    "drifted_columns",
                    thresholds=steps((None, GREEN), (1, ORANGE)),
                    custom__cellOptions={"type": "color-text"},
                ),
                override(
                    "away_columns",
                    thresholds=steps((None, GREEN), (1, ORANGE)),
                    custom__cellOptions={"type": "color-text"},
                ),
                override(
                    "open_incidents",
                    thresholds=steps((None, GREEN), (1, RED)),
                    custom__cellOptions={"type": "color-text"},
                ),
                override("first_ms", custom__hideFrom=NOT_SHOWN),
                override("last_ms", custom__hideFrom=NOT_SHOWN),
            ],
        ),
        row("$monitor, up to the end of the time range"),
        stat(
            "Is it fine?",
            "State of the newest partition in the range: fresh, empty, stale, missing or failed.",
            STATE,
            unit=PLAIN,
            field="/^state$/",
            mappings=STATE_WORDS,
            no_data="no day",
            url=to_dashboard("pipeline"),
        ),
        stat(
            "How many incidents are open?",
            "Incidents opened by the end of the range and not closed since.",
            OPEN_INCIDENTS,
            unit=COUNT,
            thresholds=steps((None, GREEN), (1, RED)),
            url=to_dashboard("tests-and-incidents"),
        ),
        stat(
            "When was it last fresh?",
            "The newest day in the range whose metrics are complete and up to date.",
            LAST_FRESH,
            unit=PLAIN,
            field="/.*/",
            no_data="never",
            url=to_dashboard("pipeline"),
        ),
        stat(
            "Is the alarm budget kept this month?",
            "Days of the newest month with an alarm of a column, a segment, all columns together, "
            "the error or the number of rows, beside the false alarms a month that the monitor's "
            "owner tolerates: over 100% the budget is spent.",
            ALARM_DAYS,
            unit=COUNT,
            overrides=[
                override("days with an alarm", color={"mode": "fixed", "fixedColor": GREY}),
                override("of the budget", unit=SHARE, decimals=0, thresholds=OVER_BUDGET),
            ],
            text="value_and_name",
            url=to_dashboard("drift"),
        ),
        stat(
            "How many columns drifted?",
            "Columns in alarm on the newest day and the days before, and columns that are still "
            "away from the reference though it is no longer news.",
            DRIFTED,
            unit=COUNT,
            trend=True,
            text="value_and_name",
            thresholds=steps((None, GREEN), (1, ORANGE)),
            url=to_dashboard("drift"),
        ),
        stat(
            "How much is missing?",
            "Share of missing values over the columns that the reference knows.",
            MISSING,
            unit=SHARE,
            trend=True,
            decimals=1,
            url=to_dashboard("data-quality"),
        ),
        stat(
            "How many rows came?",
            "Rows of the day in the inference table.",
            ROWS,
            unit=COUNT,
            trend=True,
            url=to_dashboard("data-quality"),
        ),
        stat(
            "Is the model still right?",
            "Realised error (mae, or log loss of a classifier). It is filled once performance is "
            "measured against labels.",
            PERFORMANCE,
            unit=COUNT,
            trend=True,
            decimals=2,
            no_data=NOT_MEASURED,
            url=to_dashboard("performance"),
        ),
        row("What changed, and since when"),
        status_history(
            "Which columns moved, and since when?",
            "Drift score over its own threshold, for the twelve columns that moved most in the "
            "range: 1 and above is an alarm. A click opens the column.",
            WHAT_MOVED,
            unit=COUNT,
            thresholds=OVER_THRESHOLD,
            label="column",
            height=11,
            field_links=[
                link("Open this column", to_dashboard("drift", column="${__field.labels.column}"))
            ],
        ),
        timeseries(
            "How many columns drifted each day?",
            "Columns in alarm, and columns still away from the reference that are no longer news.",
            DRIFTED,
            unit=COUNT,
            bars=True,
            width=8,
            lowest=0,
            overrides=[
                override("drifted columns", color={"mode": "fixed", "fixedColor": ORANGE}),
                override("away since before", color={"mode": "fixed", "fixedColor": GREY}),
            ],
        ),
        timeseries(
            "How much was missing each day?",
            "Share of missing values over the columns that the reference knows.",
            MISSING,
            unit=SHARE,
            width=8,
            lowest=0,
        ),
        timeseries(
            "How many rows came each day?",
            "Rows in the inference table; 0 is a day that came empty or not at all.",
            ROWS,
            unit=COUNT,
            bars=True,
            width=8,
            lowest=0,
            overrides=[override("rows", color={"mode": "fixed", "fixedColor": BLUE})],
        ),
        state_timeline(
            "Which incidents were open, and when?",
            "One line an incident, from the day it opened to the day it closed or was last seen.",
            INCIDENTS,
            mappings=SEVERITIES,
            label="incident",
            no_data=NO_INCIDENT,
            field_links=[link("All incidents", to_dashboard("tests-and-incidents"))],
        ),
    ],
)
