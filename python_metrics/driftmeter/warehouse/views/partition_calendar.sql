-- Every day, week or month from a monitor's first to its last: one that nobody ever
-- computed is missing too. One row a monitor and batch.
with spans as (

    select
        monitor,
        min(partition_date) as first_day,
        max(partition_date) as last_day
    from metrics.partitions
    group by monitor

),

days as (

    select
        spans.monitor,
        generate_series(
            spans.first_day,
            spans.last_day,
            ('1 ' || coalesce(monitors.every, 'day'))::interval
        )::date as partition_date
    from spans
    left join metrics.monitors on spans.monitor = monitors.monitor

)

select
    days.monitor,
    days.partition_date,
    coalesce(partitions.state, 'missing') as state,
    case
        when partitions.state is null then 'this batch was never measured'
        else partitions.reason
    end as reason,
    partitions.row_count,
    partitions.duration_seconds,
    partitions.computed_at
from days
left join metrics.partitions
    on
        days.monitor = partitions.monitor
        and days.partition_date = partitions.partition_date
