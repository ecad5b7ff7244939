select
    summary.monitor,
    summary.model_version,
    summary.partition_date,
    summary.segment,
    summary.segment_value,
    summary.column_name,
    named.metric,
    named.value
from metrics.column_summary as summary
cross join
    lateral (
        values
        (
            nullif(summary.row_count, 0)::double precision,
            nullif(summary.row_count - summary.null_count, 0)::double precision
        )
    ) as counts (all_rows, known_rows)
cross join
    lateral (
        values
        ('row_count', summary.row_count, summary.column_name is null),
        (
            'duplicate_share',
            1 - summary.distinct_count / counts.known_rows,
            summary.column_name is null
        ),
        ('null_count', summary.null_count, summary.column_name is not null),
        (
            'null_share',
            summary.null_count / counts.all_rows,
            summary.column_name is not null
        ),
        ('distinct_count', summary.distinct_count, summary.column_name is not null),
        (
            'zero_share',
            summary.zero_count / counts.known_rows,
            summary.kind = 'numerical'
        ),
        ('mean', summary.mean, summary.kind = 'numerical'),
        ('stddev', summary.stddev, summary.kind = 'numerical'),
        ('min', summary.minimum, summary.kind = 'numerical'),
        ('max', summary.maximum, summary.kind = 'numerical'),
        ('p01', summary.p01, summary.kind = 'numerical'),
        ('p05', summary.p05, summary.kind = 'numerical'),
        ('p25', summary.p25, summary.kind = 'numerical'),
        ('p50', summary.p50, summary.kind = 'numerical'),
        ('p75', summary.p75, summary.kind = 'numerical'),
        ('p95', summary.p95, summary.kind = 'numerical'),
        ('p99', summary.p99, summary.kind = 'numerical'),
        (
            'out_of_range_share',
            summary.out_of_range_count / counts.known_rows,
            summary.out_of_range_count is not null
        ),
        (
            'unaccepted_share',
            summary.unaccepted_count / counts.known_rows,
            summary.unaccepted_count is not null
        ),
        (
            'unseen_share',
            summary.unseen_count / counts.known_rows,
            summary.kind = 'categorical' and counts.known_rows > 0
        )
    ) as named (metric, value, is_measured)
where named.is_measured
