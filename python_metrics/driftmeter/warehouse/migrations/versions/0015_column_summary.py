"""One row a column and part of a day, in place of one a metric and one a bin.

The table holds what `column_profile` and `column_histogram` held, in an eighth of the space; both
are views of it now. dbt fills it; it is made here, since the views need it before dbt's first run.
Where only dbt ran before, it is there already, with the same columns by dbt's contract.
"""

from alembic import op

revision = "0015"
down_revision = "0014"

TABLE = """
create table if not exists metrics.column_summary (
    monitor text, model_version text, partition_date date, segment text, segment_value text,
    column_name text, kind text,
    row_count bigint, null_count bigint, distinct_count bigint, zero_count bigint,
    out_of_range_count bigint, unaccepted_count bigint, unseen_count bigint,
    mean double precision, stddev double precision,
    minimum double precision, maximum double precision,
    p01 double precision, p05 double precision, p25 double precision, p50 double precision,
    p75 double precision, p95 double precision, p99 double precision,
    bins integer[], bin_lows double precision[], bin_highs double precision[],
    categories text[], bin_counts bigint[]
)
"""
INDEXES = [
    "create index if not exists column_summary_by_day on metrics.column_summary (partition_date)",
    """
    create index if not exists column_summary_by_column on metrics.column_summary
    (monitor, metrics.segment_label(segment, segment_value), column_name, partition_date)
    """,
]
METRICS = (
    "null_count", "distinct_count", "mean", "stddev", "min", "max",
    "p01", "p05", "p25", "p50", "p75", "p95", "p99",
)  # fmt: skip
KEYS = "monitor, model_version, partition_date, segment, segment_value, column_name"
# Nulls among the keys, in a form that can be joined.
JOINED = (
    "coalesce(segment, '') as segment_key, coalesce(segment_value, '') as value_key,"
    " coalesce(model_version, '') as version_key"
)
SHARES = ("zero", "out_of_range", "unaccepted", "unseen")
SHARES_OF_METRICS = ", ".join(
    f"max(value) filter (where metric = '{name}_share') as {name},"
    f" bool_or(metric = '{name}_share') as has_{name}"
    for name in SHARES
)
# What was kept as a share of known values comes back whole; of no values it is 0.
COUNTS = ", ".join(
    f"case when has_{name} then coalesce(round({name} * counts.known_rows), 0) end"
    for name in SHARES
)
MOVE = f"""
insert into metrics.column_summary
with profiles as (
    select {KEYS}, {JOINED},
        {", ".join(f"max(value) filter (where metric = '{name}') as {name}" for name in METRICS)},
        {SHARES_OF_METRICS},
        max(value) filter (where metric = 'duplicate_share') as duplicates,
        max(value) filter (where metric = 'row_count') as row_count,
        bool_or(metric = 'mean') as is_number
    from metrics.column_profile group by {KEYS}
), histograms as (
    select {KEYS}, {JOINED}, sum(row_count) as row_count,
        array_agg(bin order by bin, category) as bins,
        array_agg(bin_low order by bin, category) as bin_lows,
        array_agg(bin_high order by bin, category) as bin_highs,
        array_agg(category order by bin, category) as categories,
        array_agg(row_count order by bin, category) as bin_counts
    from metrics.column_histogram group by {KEYS}
)
select monitor, profiles.model_version, partition_date, profiles.segment, profiles.segment_value,
    profiles.column_name,
    case when column_name is not null
        then case when is_number then 'numerical' else 'categorical' end end,
    counts.all_rows,
    case when column_name is null then counts.all_rows - counts.known_rows else null_count end,
    case when column_name is null then round((1 - duplicates) * counts.known_rows)
        else distinct_count end,
    {COUNTS},
    mean, stddev, min, max, p01, p05, p25, p50, p75, p95, p99,
    bins, case when is_number then bin_lows end, case when is_number then bin_highs end,
    case when not is_number then categories end, bin_counts
from profiles
left join histograms using (
    monitor, partition_date, column_name, segment_key, value_key, version_key
)
cross join lateral (
    select coalesce(profiles.row_count, histograms.row_count, 0) as all_rows,
        coalesce(profiles.row_count, histograms.row_count, 0) - coalesce(null_count, 0)
        as known_rows
) as counts
"""


def upgrade() -> None:
    """Make the table, and move what the two others hold."""
    op.execute(TABLE)
    for index in INDEXES:
        op.execute(index)
    if op.get_bind().exec_driver_sql("select to_regclass('metrics.column_profile')").scalar():
        op.execute(MOVE)
        op.execute("drop table metrics.column_profile, metrics.column_histogram")
