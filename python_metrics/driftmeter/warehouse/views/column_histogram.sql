select
    summary.monitor,
    summary.model_version,
    summary.partition_date,
    summary.partition_start,
    summary.segment,
    summary.segment_value,
    summary.column_name,
    bins.bin,
    bins.bin_low,
    bins.bin_high,
    bins.category,
    bins.row_count
from metrics.column_summary as summary
cross join lateral unnest(
    summary.bins,
    summary.bin_lows,
    summary.bin_highs,
    summary.categories,
    summary.bin_counts
) as bins (bin, bin_low, bin_high, category, row_count)
