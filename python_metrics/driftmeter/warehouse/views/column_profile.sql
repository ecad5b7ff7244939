select
    summary.monitor,
    summary.model_version,
    summary.partition_date,
    summary.partition_start,
    summary.segment,
    summary.segment_value,
    summary.column_name,
    named.metric,
    case named.metric
        when 'row_count' then summary.row_count
        when 'null_count' then summary.null_count
        when 'distinct_count' then summary.distinct_count
        when 'null_share'
            then summary.null_count / nullif(summary.row_count, 0)::double precision
        when 'mean' then summary.mean
        when 'stddev' then summary.stddev
        when 'min' then summary.minimum
        when 'max' then summary.maximum
        when 'p01' then summary.p01
        when 'p05' then summary.p05
        when 'p25' then summary.p25
        when 'p50' then summary.p50
        when 'p75' then summary.p75
        when 'p95' then summary.p95
        when 'p99' then summary.p99
        -- The others are shares of known values.
        else
            case named.metric
                when 'duplicate_share'
                    then
                        summary.row_count - summary.null_count
                        - summary.distinct_count
                when 'zero_share' then summary.zero_count
                when 'out_of_range_share' then summary.out_of_range_count
                when 'unaccepted_share' then summary.unaccepted_count
                when 'unseen_share' then summary.unseen_count
            end
            / nullif(summary.row_count - summary.null_count, 0)::double precision
    end as value
from metrics.column_summary as summary
-- Values apart from the rows: of a query for one metric Postgres reads one.
cross join (
    values
    ('row_count', 'row'),
    ('duplicate_share', 'row'),
    ('null_count', 'column'),
    ('null_share', 'column'),
    ('distinct_count', 'column'),
    ('zero_share', 'number'),
    ('mean', 'number'),
    ('stddev', 'number'),
    ('min', 'number'),
    ('max', 'number'),
    ('p01', 'number'),
    ('p05', 'number'),
    ('p25', 'number'),
    ('p50', 'number'),
    ('p75', 'number'),
    ('p95', 'number'),
    ('p99', 'number'),
    ('out_of_range_share', 'range'),
    ('unaccepted_share', 'accepted'),
    ('unseen_share', 'category')
) as named (metric, measured_of)
where
    case named.measured_of
        when 'row' then summary.column_name is null
        when 'column' then summary.column_name is not null
        when 'number' then summary.kind = 'numerical'
        when 'range' then summary.out_of_range_count is not null
        when 'accepted' then summary.unaccepted_count is not null
        else summary.kind = 'categorical' and summary.row_count > summary.null_count
    end
