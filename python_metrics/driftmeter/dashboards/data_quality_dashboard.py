"""Data quality: missing values, where values lie, what is new, and how much came."""

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
    description="Missing values, quantile bands, unseen categories and volume.",
    uses=("monitor", "model_version", "segment", "column"),
    panels=[
        row("Missing values of $monitor, $segment"),
        timeseries(
            "Which columns miss values, and how much?",
            "Share of missing values, for the ten columns of the reference that miss most.",
            by_column("null_share"),
            unit=SHARE,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="Nothing is missing in this range.",
        ),
        timeseries(
            "How many values are missing?",
            "Count of missing values, for the ten columns of the reference that miss most.",
            by_column("null_count"),
            unit=COUNT,
            bars=True,
            stacked=True,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="Nothing is missing in this range.",
        ),
        row("$column of $monitor, $segment"),
        timeseries(
            "Where do the values of $column lie?",
            "The median in bold, half of the values in the inner band (p25 to p75) and nine of "
            "ten in the outer (p05 to p95), in the column's own unit.",
            of_column(*PERCENTILES),
            unit=COUNT,
            height=9,
            no_data="This column is no number, or has no value in the range.",
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
            "How far do the extremes of $column reach?",
            "Lowest and highest value, and p01 and p99, which outliers do not move.",
            of_column(*RANGES),
            unit=COUNT,
            height=9,
            no_data="This column is no number, or has no value in the range.",
        ),
        timeseries(
            "How much of $column is missing, in each segment?",
            "Share of missing values in the eight largest segments: one bad vendor shows here.",
            MISSING_BY_SEGMENT,
            unit=SHARE,
            lowest=0,
            label="part",
            no_data="This monitor declares no segments.",
        ),
        timeseries(
            "How much of $column is not as declared?",
            "Share outside the declared range, of categories that are not accepted, and of values "
            "the reference never had.",
            of_column("out_of_range_share", "unaccepted_share", "unseen_share"),
            unit=SHARE,
            lowest=0,
            no_data="Nothing was measured, or this number has no declared range to be out of.",
        ),
        row("New and impossible values of $monitor, $segment"),
        timeseries(
            "Which columns have categories never seen?",
            "Share of values whose category the reference never had.",
            by_column("unseen_share"),
            unit=SHARE,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="No unseen category in this range.",
        ),
        timeseries(
            "Which columns leave their range?",
            "Share of values outside the plausible range that the monitor declares.",
            by_column("out_of_range_share"),
            unit=SHARE,
            lowest=0,
            label="column",
            field_links=[OPEN_COLUMN],
            no_data="Every value is in its declared range, or no column declares one.",
        ),
        row("Volume and freshness"),
        timeseries(
            "How many rows came?",
            "Rows of the segment by day; 0 is a day that came empty or not at all.",
            VOLUME,
            unit=COUNT,
            bars=True,
            width=12,
            lowest=0,
            overrides=[override("rows", color={"mode": "fixed", "fixedColor": BLUE})],
        ),
        timeseries(
            "How many rows came twice?",
            "Share of rows whose id another row of the day has already, alike in other columns or "
            "not: loaded twice, or joined to more than one row.",
            DUPLICATES,
            unit=SHARE,
            width=8,
            lowest=0,
        ),
        stat(
            "How many days behind?",
            "Days from the last fresh day to the newest day in the range.",
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
