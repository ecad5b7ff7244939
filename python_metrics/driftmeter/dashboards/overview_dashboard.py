"""The overview dashboard: the state of every monitor, what changed, and since when."""

from driftmeter.dashboards.clauses import (
    ACTED_ON,
    ALL_ROWS,
    DAYS,
    IN_RANGE,
    KNOWN_COLUMN,
    MONITOR,
    TIME,
    VERSION,
)
from driftmeter.dashboards.dashboard import DAGSTER, Dashboard
from driftmeter.dashboards.panels import (
    BLUE,
    COUNT,
    GREEN,
    GREY,
    ORANGE,
    PLAIN,
    RED,
    SHARE,
    UID_PREFIX,
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
    words,
)
from driftmeter.dashboards.states import STATE_WORDS
from driftmeter.incidents.next_step import NEXT_STEP

OVER_THRESHOLD = steps((None, GREEN), (0.8, YELLOW), (1, ORANGE), (2, RED))
NOT_SHOWN = {"viz": True, "legend": False, "tooltip": False}
SEVERITIES = numbered_words(("warn", ORANGE), ("error", RED))
NO_INCIDENT = "No incident in this time range."
NOT_MEASURED = "waits for labels"

EVERY_MONITOR = """
select state.monitor, state.state, newest_day::text, last_fresh_day::text, row_count,
    drifted_columns, away_columns as columns_still_shifted, compared_columns,
    missing.share as missing_share, open_incidents,
    alarm_days_this_month, alarm_budget, owner, not_judged,
    extract(epoch from newest_day - interval '29 days') * 1000 as first_ms,
    extract(epoch from newest_day + interval '1 day') * 1000 - 1 as last_ms
from metrics.monitor_state as state left join lateral (
    select avg(value) as share from metrics.column_profile where monitor = state.monitor
    and metric = 'null_share' and segment is null and partition_date = newest_day and column_name
    in (select column_name from metrics.reference_bins where monitor = state.monitor)
) as missing on true order by state.state, state.monitor
"""
STATE = f"""
select case when retired_at is not null then 'retired' when state <> 'fresh' then state
    when exists (select from metrics.incidents where {MONITOR} and partition_date
        between opened_on and coalesce(closed_on, 'infinity')) then 'alarm'
    when alarms > 0 then 'alarm' when verdicts.is_away then 'away'
    when verdicts.is_away is null then 'not judged' else 'calm' end as state
from metrics.partitions join metrics.monitors using (monitor) left join metrics.alarm_days
using (monitor, partition_date) left join lateral (select bool_or(is_away) as is_away
    from metrics.drift_scored as drift where drift.monitor = partitions.monitor and column_name
    is not null and status = 'ok' and drift.partition_date = partitions.partition_date
) as verdicts on true where {MONITOR} and {DAYS} order by partition_date desc limit 1
"""
OPEN_EVERYWHERE = f"""
select incident_id as id, incidents.monitor, owner, kind, severity, diagnosis,
    nullif(evidence -> 'latest' ->> 'diagnosis', diagnosis) as newest_day_says,
    opened_on::text as since, last_seen_on::text as last_seen,
    newest_day - opened_on + 1 as age_in_days,
    coalesce(acknowledged_by, 'nobody') as acknowledged_by, coalesce(report_url, '') as report,
    {NEXT_STEP} as next_step
from metrics.incidents join metrics.monitor_state as state using (monitor)
where closed_on is null and state <> 'retired'
order by family = 'performance' desc, severity, opened_on, id
"""
OPEN_INCIDENTS = f"""
select count(*) as open_incidents from metrics.incidents
where {MONITOR} and closed_on is null and opened_on <= $__timeTo()::date
"""
LAST_FRESH = f"""
select max(partition_date)::text as last_fresh_day from metrics.partitions
where {MONITOR} and {DAYS} and state = 'fresh'
"""
ALARM_DAYS = f"""
select count(alarms) as "days with an alarm",
    max(false_alarms_per_month) * count(*) / 30.4 as "false alarms accepted"
from metrics.partitions join metrics.monitors using (monitor)
left join metrics.alarm_days using (monitor, partition_date)
where {MONITOR} and {DAYS} and state = 'fresh'
"""
DRIFTED = f"""
select {TIME}, count(*) filter (where is_drifted) as "drifted columns",
    count(*) filter (where is_away and not is_drifted) as "still shifted"
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
where {MONITOR} and {ALL_ROWS} and {DAYS} and {VERSION} and {ACTED_ON} and kind = 'realised'
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
    case when days.day between opened_on and coalesce(closed_on, 'infinity')
        then case severity when 'warn' then 1 else 2 end end as severity
from metrics.incidents cross join lateral generate_series(
    $__timeFrom()::date::timestamp, $__timeTo()::date, interval '1 day') as days (day)
where {MONITOR} and {IN_RANGE} order by 1, 2
"""

OVERVIEW = Dashboard(
    name="overview",
    title="Overview",
    description="The state of every monitor, what changed, and since when.",
    uses=("monitor", "model_version"),
    more_variables=(DAGSTER,),
    panels=[
        row("Every monitor, on its newest day"),
        table(
            "Which monitor needs attention?",
            "Each row shows a monitor on its newest day; the time range above does not matter. "
            "alarm_budget is how many false alarms a month the team accepts. A column that is not "
            "judged cannot alarm; not_judged says why it is not. Click a monitor's name to see its "
            "newest 30 days.",
            EVERY_MONITOR,
            height=5,
            no_data="No monitor has run yet: run `driftmeter run`, or materialize a day in "
            "Dagster.",
            overrides=[
                override(
                    "monitor",
                    links=[
                        link(
                            "Show its newest 30 days",
                            f"/d/{UID_PREFIX}overview?"
                            "var-monitor=${__data.fields.monitor}"
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
                    "columns_still_shifted",
                    thresholds=steps((None, GREEN), (1, ORANGE)),
                    custom__cellOptions={"type": "color-text"},
                ),
                override(
                    "open_incidents",
                    thresholds=steps((None, GREEN), (1, RED)),
                    custom__cellOptions={"type": "color-text"},
                ),
                override("not_judged", custom__width=420),
                override("first_ms", custom__hideFrom=NOT_SHOWN),
                override("last_ms", custom__hideFrom=NOT_SHOWN),
            ],
        ),
        table(
            "Which incidents are open, and what is next?",
            "Open incidents of every monitor, the most severe and oldest first. Click an id to "
            "open the incident's newest day in Dagster. next_step is the command that "
            "the incident asks for. Incidents of the error come first.",
            OPEN_EVERYWHERE,
            height=6,
            no_data="No incident is open.",
            overrides=[
                override(
                    "id",
                    unit=PLAIN,
                    custom__width=60,
                    links=[
                        link(
                            "Open its newest day in Dagster",
                            "${dagster}/assets/incidents/${__data.fields.monitor}"
                            "?view=partitions&partition=${__data.fields.last_seen}",
                        )
                    ],
                ),
                override(
                    "severity",
                    mappings=words(warn=ORANGE, error=RED),
                    custom__cellOptions={"type": "color-text"},
                ),
                override("diagnosis", custom__width=420),
                override("newest_day_says", custom__width=280),
                override("report", links=[link("Open the stored report", "${__value.raw}")]),
            ],
        ),
        row("$monitor in the time range"),
        stat(
            "Is the monitor calm?",
            "State of the newest day in the time range. alarm: the day has an alarm or lies in an "
            "incident. still shifted: a column differs from its baseline, but that is not new. not "
            "judged: no column could be judged. stale, empty, missing and failed are explained on "
            "the dashboard Pipeline.",
            STATE,
            unit=PLAIN,
            field="/^state$/",
            mappings=STATE_WORDS,
            no_data="no day",
            url=to_dashboard("pipeline"),
        ),
        stat(
            "How many incidents are open?",
            "Incidents that opened by the end of the time range and are not closed.",
            OPEN_INCIDENTS,
            unit=COUNT,
            thresholds=steps((None, GREEN), (1, RED)),
            url=to_dashboard("tests-and-incidents"),
        ),
        stat(
            "What was the last fresh day?",
            "The newest day in the time range whose metrics are complete and up to date.",
            LAST_FRESH,
            unit=PLAIN,
            field="/.*/",
            no_data="never",
            url=to_dashboard("pipeline"),
        ),
        stat(
            "Are there more alarms than chance explains?",
            "Days in the time range with an alarm, and the number of days with a false alarm that "
            "the alarm budget accepts in that time. If the first number is clearly higher, "
            "something changed.",
            ALARM_DAYS,
            unit=COUNT,
            overrides=[
                override("days with an alarm", color={"mode": "fixed", "fixedColor": BLUE}),
                override(
                    "false alarms accepted", decimals=1, color={"mode": "fixed", "fixedColor": GREY}
                ),
            ],
            text="value_and_name",
            url=to_dashboard("drift"),
        ),
        stat(
            "How many columns drifted?",
            "Columns that raised an alarm on the newest day, and columns that are still shifted "
            "from an earlier day. The line shows the days before.",
            DRIFTED,
            unit=COUNT,
            trend=True,
            text="value_and_name",
            thresholds=steps((None, GREEN), (1, ORANGE)),
            url=to_dashboard("drift"),
        ),
        stat(
            "What share of values is missing?",
            "Share of missing values over all columns that have values in the reference period.",
            MISSING,
            unit=SHARE,
            trend=True,
            decimals=1,
            url=to_dashboard("data-quality"),
        ),
        stat(
            "How many rows came?",
            "Rows of the newest day in the inference table.",
            ROWS,
            unit=COUNT,
            trend=True,
            url=to_dashboard("data-quality"),
        ),
        stat(
            "Is the model still right?",
            "Realised error: the mean absolute error of a regression, the log loss of a "
            "classification. The panel is empty until labels come.",
            PERFORMANCE,
            unit=COUNT,
            trend=True,
            decimals=2,
            no_data=NOT_MEASURED,
            url=to_dashboard("performance"),
        ),
        row("What changed, and since when"),
        status_history(
            "Which columns drifted, and since when?",
            "Drift score divided by its threshold, for the twelve columns that drifted most in the "
            "time range: 1 or more is an alarm. Click a cell to open the column.",
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
            "Columns that raised an alarm, and columns that are still shifted from an earlier day.",
            DRIFTED,
            unit=COUNT,
            bars=True,
            width=8,
            lowest=0,
            overrides=[
                override("drifted columns", color={"mode": "fixed", "fixedColor": ORANGE}),
                override("still shifted", color={"mode": "fixed", "fixedColor": GREY}),
            ],
        ),
        timeseries(
            "What share of values was missing each day?",
            "Share of missing values over all columns that have values in the reference period.",
            MISSING,
            unit=SHARE,
            width=8,
            lowest=0,
        ),
        timeseries(
            "How many rows came each day?",
            "Rows in the inference table. 0 means that the day is empty or missing.",
            ROWS,
            unit=COUNT,
            bars=True,
            width=8,
            lowest=0,
            overrides=[override("rows", color={"mode": "fixed", "fixedColor": BLUE})],
        ),
        state_timeline(
            "Which incidents were open, and when?",
            "One line for each incident, from the day it opened to the day it closed. An open "
            "incident goes on to the end of the time range.",
            INCIDENTS,
            mappings=SEVERITIES,
            label="incident",
            no_data=NO_INCIDENT,
            field_links=[link("All incidents", to_dashboard("tests-and-incidents"))],
        ),
    ],
)
