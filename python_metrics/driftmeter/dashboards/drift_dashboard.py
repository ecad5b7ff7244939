"""Drift: which columns moved, how far beyond their own threshold, and how they look now."""

from driftmeter.dashboards.clauses import COLUMN, DAYS, MONITOR, SEGMENT, TIME, VERSION
from driftmeter.dashboards.dashboard import Dashboard
from driftmeter.dashboards.overview_dashboard import OVER_THRESHOLD
from driftmeter.dashboards.panels import (
    COUNT,
    GREEN,
    ORANGE,
    RED,
    SHARE,
    bar_chart,
    link,
    override,
    panel_link,
    row,
    stat,
    status_history,
    steps,
    table,
    timeseries,
    to_dashboard,
)

OPEN_COLUMN = link("Open this column", to_dashboard("drift", column="${__field.labels.column}"))
COMPARED = f"{MONITOR} and {DAYS} and {VERSION} and {SEGMENT} and status = 'ok'"

EVERY_COLUMN = f"""
select {TIME}, column_name as "column", max(score_ratio) as "score over threshold"
from metrics.drift_scored
where {COMPARED} and column_name is not null
group by partition_date, column_name order by 1, 2
"""
RANKED = f"""
select column_name as "column", count(*) filter (where is_drifted) as days_drifted,
    count(*) filter (where is_slow) as days_still_shifted, count(*) as days_compared,
    max(score_ratio) as highest_score_over_threshold,
    (array_agg(partition_date::text order by score_ratio desc nulls last))[1] as on_day,
    (array_agg(statistic order by score_ratio desc nulls last))[1] as what_changed,
    (array_agg(effect order by score_ratio desc nulls last))[1] as by_how_much,
    (array_agg(unit order by score_ratio desc nulls last))[1] as unit
from metrics.drift_scored where {COMPARED} and column_name is not null
group by column_name order by highest_score_over_threshold desc nulls last, 1
"""
ONE_COLUMN = f"""
select {TIME}, max(score) as "score", max(threshold) as "threshold",
    max(threshold) as "calm", 0 as "floor"
from metrics.drift_scored where {COMPARED} and {COLUMN}
group by partition_date order by 1
"""
DISTRIBUTION = f"""
with bins as (select *, partition_date between reference_from and reference_to as in_reference,
    {DAYS} as is_shown, metrics.bin_label(bin, bin_low, category) as label
    from metrics.column_histogram join metrics.monitors using (monitor)
    where {MONITOR} and {COLUMN} and {SEGMENT} and {VERSION})
select label as bin,
    sum(row_count) filter (where in_reference)
        / sum(sum(row_count) filter (where in_reference)) over () as "reference",
    sum(row_count) filter (where is_shown)
        / sum(sum(row_count) filter (where is_shown)) over () as "shown days"
from bins where in_reference or is_shown group by 1 order by min(bin) limit 60
"""
DAY_BEFORE = f"""
with shares as (select partition_date, bin, category,
    sum(row_count) / sum(sum(row_count)) over (partition by partition_date) as share
    from metrics.column_histogram where {MONITOR} and {COLUMN} and {SEGMENT} and {VERSION}
    and partition_date between $__timeFrom()::date - 1 and $__timeTo()::date group by 1, 2, 3)
select metrics.chart_time(today.partition_date) as "time",
    1 - sum(least(today.share, coalesce(before.share, 0))) as "share of rows in other bins"
from shares as today left join shares as before on today.partition_date - 1 = before.partition_date
    and today.bin = before.bin and coalesce(today.category, '') = coalesce(before.category, '')
where today.partition_date - 1 in (select partition_date from shares) group by 1 order by 1
"""
OUTCOME = f"""
select {TIME}, role || ': ' || column_name as "column", max(score_ratio) as "score over threshold"
from metrics.drift_scored join metrics.monitored_columns using (monitor, column_name)
where {COMPARED} and role in ('prediction', 'target')
group by partition_date, role, column_name order by 1, 2
"""
WHOLE = f"""
select {TIME}, max(score) as "area under the ROC curve", max(threshold) as "threshold"
from metrics.drift_scored where {COMPARED} and column_name is null
group by partition_date order by 1
"""
PEERS = f"""
select {TIME},
    count(*) filter (where is_drifted and engine like 'driftmeter%') as "Driftmeter's alarms",
    count(*) filter (where is_drifted and engine like '%evidently%')
        as "Evidently's default verdicts"
from metrics.drift where {MONITOR} and {DAYS} and {VERSION} and segment is null
    and column_name is not null
group by partition_date order by 1
"""
SEGMENTS = f"""
select segment_label as segment, count(*) filter (where is_drifted) as days_drifted,
    count(*) as days_compared, max(score_ratio) as highest_score_over_threshold,
    (array_agg(partition_date::text order by score_ratio desc nulls last))[1] as on_day
from metrics.drift_scored
where {MONITOR} and {DAYS} and {VERSION} and {COLUMN} and status = 'ok'
group by segment_label order by highest_score_over_threshold desc nulls last, 1 limit 30
"""
SKIPPED = f"""
select column_name as "column", segment_label as segment, reason, count(*) as days,
    max(partition_date)::text as last_day
from metrics.drift_scored
where {MONITOR} and {DAYS} and {VERSION} and column_name is not null and status <> 'ok'
group by column_name, segment_label, reason
order by segment_label <> 'all rows', days desc, 1 limit 200
"""
DRIFTED_NOW = f"""
select column_name as "column", score_ratio from metrics.drift_scored
where {COMPARED} and column_name is not null
    and partition_date = (select max(partition_date) from metrics.drift_scored
        where {MONITOR} and {DAYS} and status = 'ok')
order by score_ratio desc nulls last limit 1
"""

THRESHOLD_LINE = override(
    "threshold",
    color={"mode": "fixed", "fixedColor": RED},
    custom__lineStyle={"fill": "dash", "dash": [10, 10]},
    custom__showPoints="never",
)
UNLISTED = {"legend": True, "tooltip": True, "viz": False}
CALM_BAND = [
    override(
        "calm",
        color={"mode": "fixed", "fixedColor": GREEN},
        custom__fillBelowTo="floor",
        custom__fillOpacity=12,
        custom__lineWidth=0,
        custom__showPoints="never",
        custom__hideFrom=UNLISTED,
    ),
    override(
        "floor",
        custom__lineWidth=0,
        custom__showPoints="never",
        custom__hideFrom=UNLISTED,
    ),
]

DRIFT = Dashboard(
    name="drift",
    title="Drift",
    description="Which columns drifted, since when, and how they differ from the reference period.",
    uses=("monitor", "model_version", "segment", "column"),
    panels=[
        row("Every column of $monitor, $segment"),
        status_history(
            "Which columns are above their threshold, and since when?",
            "Drift score divided by the column's threshold: 1 or more is an alarm. An empty cell "
            "was not judged; the last table says why. Click a cell to open the column.",
            EVERY_COLUMN,
            unit=COUNT,
            thresholds=OVER_THRESHOLD,
            label="column",
            height=16,
            field_links=[OPEN_COLUMN],
        ),
        table(
            "Which columns drifted most?",
            "Ranked by the highest score divided by its threshold in the time range.",
            RANKED,
            width=16,
            height=10,
            overrides=[
                override(
                    "column",
                    links=[
                        link(
                            "Open this column",
                            to_dashboard("drift", column="${__data.fields.column}"),
                        )
                    ],
                ),
                override(
                    "highest_score_over_threshold",
                    decimals=2,
                    thresholds=OVER_THRESHOLD,
                    custom__cellOptions={"type": "color-background", "mode": "basic"},
                ),
                override("by_how_much", decimals=3),
            ],
        ),
        timeseries(
            "Do all columns together differ from the reference?",
            "A classifier tries to tell the day's rows from the reference period's rows by all "
            "columns together. The chart shows its area under the ROC curve; 0.5 means that they "
            "do not differ. It also sees changes that no single column shows, such as a lost "
            "correlation.",
            WHOLE,
            unit=COUNT,
            width=8,
            height=10,
            overrides=[THRESHOLD_LINE],
            no_data="All columns together are judged only for all rows: choose the segment `all "
            "rows`.",
        ),
        row("$column of $monitor, $segment"),
        timeseries(
            "How far is $column from the reference period?",
            "Drift score of each day: how far the day is from the reference period, in standard "
            "deviations. The dashed line is the threshold that the alarm budget gives; a day below "
            "it raises no alarm.",
            ONE_COLUMN,
            unit=COUNT,
            height=9,
            lowest=0,
            overrides=[THRESHOLD_LINE, *CALM_BAND],
            no_data="This column was not judged in this time range; the last table says why.",
            links=[panel_link("Its values", to_dashboard("data-quality"))],
        ),
        bar_chart(
            "How is $column distributed, now and in the reference period?",
            "Share of rows in each bin: over the reference period, and over the days of the time "
            "range. To see a single day, choose it as the time range.",
            DISTRIBUTION,
            x="bin",
            unit=SHARE,
            height=9,
            overrides=[
                override("reference", color={"mode": "fixed", "fixedColor": "text"}),
                override("shown days", color={"mode": "fixed", "fixedColor": ORANGE}),
            ],
        ),
        timeseries(
            "How much did $column change from day to day?",
            "Share of a day's rows that lie in other bins than on the day before (total variation "
            "distance): 0 means the same distribution, 1 means that no bin is shared.",
            DAY_BEFORE,
            unit=SHARE,
            width=24,
            height=6,
            lowest=0,
            no_data="No two consecutive days have rows in this time range.",
        ),
        row("Prediction, target and segments"),
        timeseries(
            "Did the prediction or the target drift?",
            "Drift score divided by its threshold: 1 or more is an alarm. Inputs can drift without "
            "harm to the model; drift of the prediction or the target is a stronger sign.",
            OUTCOME,
            unit=COUNT,
            width=9,
            lowest=0,
            label="column",
            thresholds=steps((None, GREEN), (1, RED)),
        ),
        table(
            "In which segment did $column drift?",
            "Every segment that was judged, the highest score first. A segment is judged if it has "
            "enough rows on most days of the reference period.",
            SEGMENTS,
            width=9,
            overrides=[override("highest_score_over_threshold", decimals=2)],
        ),
        stat(
            "Which column drifts most now?",
            "The column with the highest score divided by its threshold, on the newest judged day.",
            DRIFTED_NOW,
            unit=COUNT,
            width=6,
            height=8,
            field="/.*/",
            decimals=2,
            thresholds=OVER_THRESHOLD,
        ),
        timeseries(
            "How many columns alarm, compared with Evidently's defaults?",
            "Columns with an alarm of Driftmeter, which keeps the monitor's alarm budget, and "
            "columns that Evidently calls drifted by default. The second number is for comparison "
            "and raises no alarm.",
            PEERS,
            unit=COUNT,
            height=7,
            bars=True,
            lowest=0,
        ),
        table(
            "What was not judged, and why?",
            "Columns that were not judged, with the reason: too few known values, a constant "
            "column, or an error. All rows come first, then segments.",
            SKIPPED,
            width=12,
            height=7,
            no_data="Every column was judged, over all rows and in each segment.",
        ),
    ],
)
