-- How well each class is predicted on each day, beside the whole reference period. A
-- share over no rows is null.
-- One row a monitor, version, day and class.
with sides as (
    select
        monitor,
        model_version,
        partition_date,
        partition_start,
        actual as class,
        row_count as actual_count,
        0 as predicted_count,
        case when actual = predicted then row_count else 0 end as right_count,
        reference_count as reference_actual,
        0 as reference_predicted,
        case when actual = predicted then reference_count else 0 end
            as reference_right
    from metrics.confusion
    union all
    select
        monitor,
        model_version,
        partition_date,
        partition_start,
        predicted as class,
        0 as actual_count,
        row_count as predicted_count,
        0 as right_count,
        0 as reference_actual,
        reference_count as reference_predicted,
        0 as reference_right
    from metrics.confusion
),

by_class as (
    select
        monitor,
        model_version,
        partition_date,
        partition_start,
        class,
        sum(actual_count)::bigint as actual_count,
        sum(predicted_count)::bigint as predicted_count,
        sum(right_count)::double precision as right_count,
        sum(reference_actual) as reference_actual,
        sum(reference_predicted) as reference_predicted,
        sum(reference_right)::double precision as reference_right
    from sides
    group by monitor, model_version, partition_date, partition_start, class
)

select
    monitor,
    model_version,
    partition_date,
    partition_start,
    class,
    actual_count,
    predicted_count,
    right_count / nullif(actual_count, 0) as recall,
    right_count / nullif(predicted_count, 0) as precision,
    reference_right / nullif(reference_actual, 0) as reference_recall,
    reference_right / nullif(reference_predicted, 0) as reference_precision
from by_class
