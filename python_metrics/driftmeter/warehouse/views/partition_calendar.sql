-- Every hour, day, week or month from a monitor's first to its last: one that nobody
-- ever computed is missing too. One row a monitor and batch.
with spans as (

    select
        partitions.monitor,
        coalesce(monitors.every, 'day') as every,
        min(partitions.partition_date) as first_day,
        max(partitions.partition_date) as last_day,
        min(partitions.partition_start) as first_start,
        max(partitions.partition_start) as last_start,
        min(monitors.timezone) as timezone
    from metrics.partitions
    left join metrics.monitors on partitions.monitor = monitors.monitor
    group by partitions.monitor, monitors.every

),

days as (

    select
        monitor,
        batch::date as partition_date,
        metrics.batch_start(monitor, batch::date) as partition_start
    from spans
    cross join
        lateral generate_series(
            first_day, last_day, ('1 ' || every)::interval
        ) as batch
    where every <> 'hour'
    union all
    select
        monitor,
        (batch at time zone timezone)::date as partition_date,
        batch as partition_start
    from spans
    cross join
        lateral generate_series(
            first_start, last_start, interval '1 hour'
        ) as batch
    where every = 'hour'

)

select
    days.monitor,
    days.partition_date,
    days.partition_start,
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
        and days.partition_start = partitions.partition_start
