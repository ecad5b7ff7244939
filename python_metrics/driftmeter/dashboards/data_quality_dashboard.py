"""Data quality: missing values, distributions, new and impossible values, and number of rows."""

from driftmeter.dashboards.clauses import (
    ALL_ROWS,
    COLUMN,
    DAYS,
    KNOWN_COLUMN,
    MONITOR,
    SEGMENT,
    TIME,
    VERSION,
)
from driftmeter.dashboards.dashboard import Dashboard
from driftmeter.dashboards.panels import (
    BLUE,
    COUNT,
    GREEN,
    ORANGE,
    RED,
    SHARE,
    Json,
    link,
    override,
    panel_link,
    row,
    stat,
    steps,
    timeseries,
    to_dashboard,
)

OF_SEGMENT = f"{MONITOR} and {SEGMENT} and {DAYS} and {VERSION}"
OPEN_COLUMN = link(
    "Open this column", to_dashboard("data-quality", column="${__field.labels.column}")
)
PERCENTILES = ("p05", "p25", "p50", "p75", "p95")
RANGES = ("min", "p01", "p99", "max")


def by_column(metric: str) -> str:
    """The ten columns with the highest values of a metric, by day."""
    return f"""
select {TIME}, column_name as "column", avg(value) as "value"
from metrics.column_profile
where {OF_SEGMENT} and metric = '{metric}' and {KNOWN_COLUMN} and column_name in (
    select column_name from metrics.column_profile
    where {OF_SEGMENT} and metric = '{metric}' and {KNOWN_COLUMN}
    group by column_name having max(value) > 0 order by max(value) desc limit 10)
group by partition_date, column_name having avg(value) is not null order by 1, 2
"""


def of_column(*metrics: str) -> str:
    """Metrics of the chosen column side by side, by day."""
    values = ", ".join(
        f"avg(value) filter (where metric = '{metric}') as \"{metric}\"" for metric in metrics
    )
    return f"""
select {TIME}, {values}
from metrics.column_profile
where {OF_SEGMENT} and {COLUMN} and metric in ({", ".join(map(repr, metrics))})
group by partition_date having count(value) > 0 order by 1
"""


def band(upper: str, lower: str, opacity: int) -> Json:
    """Fill between two quantiles."""
    return override(
        upper,
        custom__fillBelowTo=lower,
        custom__fillOpacity=opacity,
        custom__lineWidth=0,
        custom__showPoints="never",
        color={"mode": "fixed", "fixedColor": BLUE},
    )


def edge(name: str) -> Json:
    """The lower edge of a band."""
    return override(
        name,
        custom__lineWidth=0,
        custom__showPoints="never",
        color={"mode": "fixed", "fixedColor": BLUE},
    )


VOLUME = f"""
select {TIME}, avg(value) as "rows"
from metrics.column_profile
where {OF_SEGMENT} and metric = 'row_count' and column_name is null
group by partition_date order by 1
"""
DUPLICATES = f"""
select {TIME}, avg(value) as "duplicate rows"
from metrics.column_profile
where {MONITOR} and {ALL_ROWS} and {DAYS} and {VERSION} and metric = 'duplicate_share'
    and column_name is null
group by partition_date having count(value) > 0 order by 1
"""
FRESHNESS = f"""
select max(partition_date) - max(partition_date) filter (where state = 'fresh') as "days behind"
from metrics.partition_calendar where {MONITOR} and {DAYS}
"""
MISSING_BY_SEGMENT = f"""
select {TIME}, metrics.segment_label(segment, segment_value) as "part", avg(value) as "value"
from metrics.column_profile
where {MONITOR} and metric = 'null_share' and {DAYS} and {VERSION} and {COLUMN}
    and (segment, segment_value) in (
        select segment, segment_value from metrics.column_profile
        where {MONITOR} and metric = 'row_count' and {DAYS} and segment is not null
        and column_name is null group by 1, 2 order by sum(value) desc limit 8)
group by partition_date, segment, segment_value having avg(value) is not null order by 1, 2
"""

DATA_QUALITY = Dashboard(
    name="data-quality",
    title="Data quality",
    description="Missing values, quantiles, new categories, values out of range, and number of "
    "rows.",
    uses=("monitor", "model_version", "segment", "column"),
    panels=[
        row("Missing values of $monitor, $segment"),
        timeseries(
            "Which columns have missing values?",
            "Share of missing values, for the ten columns with the largest share.",
            by_column("null_share"),
            unit=SHARE,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="No value is missing in this time range.",
        ),
        timeseries(
            "How many values are missing?",
            "Number of missing values, for the ten columns with the most.",
            by_column("null_count"),
            unit=COUNT,
            bars=True,
            stacked=True,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="No value is missing in this time range.",
        ),
        row("$column of $monitor, $segment"),
        timeseries(
            "How are the values of $column distributed?",
            "The bold line is the median. The inner band holds half of the values (p25 to p75), "
            "the outer band 90% (p05 to p95), in the column's own unit.",
            of_column(*PERCENTILES),
            unit=COUNT,
            height=9,
            no_data="This column is not numeric, or has no value in this time range.",
            overrides=[
                band("p95", "p75", 12),
                band("p75", "p25", 35),
                band("p25", "p05", 12),
                edge("p05"),
                override("p50", custom__lineWidth=3, color={"mode": "fixed", "fixedColor": BLUE}),
            ],
            links=[panel_link("Its drift", to_dashboard("drift"))],
        ),
        timeseries(
            "What are the extreme values of $column?",
            "Lowest and highest value, and the 1st and 99th percentile, which a few outliers "
            "hardly change.",
            of_column(*RANGES),
            unit=COUNT,
            height=9,
            no_data="This column is not numeric, or has no value in this time range.",
        ),
        timeseries(
            "How much of $column is missing in each segment?",
            "Share of missing values in each of the eight largest segments. A fault of one "
            "source of rows shows here.",
            MISSING_BY_SEGMENT,
            unit=SHARE,
            lowest=0,
            label="part",
            no_data="This monitor declares no segments.",
        ),
        timeseries(
            "How much of $column is invalid?",
            "Share of values outside the declared range, of categories that are not declared, and "
            "of categories that the reference period never had.",
            of_column("out_of_range_share", "unaccepted_share", "unseen_share"),
            unit=SHARE,
            lowest=0,
            no_data="This column declares no range, or was not measured in this time range.",
        ),
        row("New and impossible values of $monitor, $segment"),
        timeseries(
            "Which columns have new categories?",
            "Share of values whose category the reference period never had.",
            by_column("unseen_share"),
            unit=SHARE,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="No new category appeared in this time range.",
        ),
        timeseries(
            "Which columns are out of range?",
            "Share of values outside the range that the monitor declares for the column.",
            by_column("out_of_range_share"),
            unit=SHARE,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="Every value is in the declared range, or no column declares one.",
        ),
        row("Volume and freshness"),
        timeseries(
            "How many rows came?",
            "Rows of the segment on each day. 0 means that the day is empty or missing.",
            VOLUME,
            unit=COUNT,
            bars=True,
            width=12,
            lowest=0,
            overrides=[override("rows", color={"mode": "fixed", "fixedColor": BLUE})],
        ),
        timeseries(
            "How many rows are duplicates?",
            "Share of rows that have the same id as an earlier row of the day. A load that ran "
            "twice causes them, or a join to more than one row.",
            DUPLICATES,
            unit=SHARE,
            width=8,
            lowest=0,
        ),
        stat(
            "How many days behind are the metrics?",
            "Number of days from the last fresh day to the newest day in the time range.",
            FRESHNESS,
            unit=COUNT,
            width=4,
            height=8,
            thresholds=steps((None, GREEN), (1, ORANGE), (3, RED)),
            no_data="never fresh",
            url=to_dashboard("pipeline"),
        ),
    ],
)
