-- How well each class is predicted on each day, beside the whole reference period. A
-- share over no rows is null.
-- One row a monitor, version, day and class.
with by_class as (
    select
        confusion.monitor,
        confusion.model_version,
        confusion.partition_date,
        classes.class,
        sum(confusion.row_count) filter (
            where confusion.actual = classes.class
        ) as actual_count,
        sum(confusion.row_count) filter (
            where confusion.predicted = classes.class
        ) as predicted_count,
        sum(confusion.row_count) filter (
            where confusion.actual = classes.class
            and confusion.predicted = classes.class
        ) as right_count,
        sum(confusion.reference_count) filter (
            where confusion.actual = classes.class
        ) as reference_actual,
        sum(confusion.reference_count) filter (
            where confusion.predicted = classes.class
        ) as reference_predicted,
        sum(confusion.reference_count) filter (
            where confusion.actual = classes.class
            and confusion.predicted = classes.class
        ) as reference_right
    from metrics.confusion
    cross join lateral (
        select confusion.actual as class
        union
        select confusion.predicted as class
    ) as classes
    group by 1, 2, 3, 4
)

select
    monitor,
    model_version,
    partition_date,
    class,
    coalesce(actual_count, 0) as actual_count,
    coalesce(predicted_count, 0) as predicted_count,
    coalesce(right_count, 0)::double precision / nullif(actual_count, 0) as recall,
    coalesce(right_count, 0)::double precision
    / nullif(predicted_count, 0) as "precision",
    coalesce(reference_right, 0)::double precision
    / nullif(reference_actual, 0) as reference_recall,
    coalesce(reference_right, 0)::double precision
    / nullif(reference_predicted, 0) as reference_precision
from by_class
