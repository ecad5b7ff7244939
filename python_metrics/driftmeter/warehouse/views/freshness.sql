-- Whether new days still come. A monitor is live where its newest day was new when
-- it was computed: history that is replayed is never late; a live monitor is late
-- 36 hours, and a batch that is longer than a day, after a computation that none has
-- followed. One row a monitor.
select
    monitors.monitor,
    newest.partition_date as newest_day,
    newest.partition_start as newest_start,
    newest.computed_at,
    coalesce(newest.computed_at < newest.live_until, false) as is_live,
    extract(epoch from now() - newest.computed_at) / 3600 as hours_since,
    coalesce(
        monitors.retired_at is null
        and newest.computed_at < newest.live_until
        and newest.computed_at < now()
        - interval '12 hours' - greatest(newest.length, interval '1 day'),
        false
    )::integer as is_late,
    monitors.owner
from metrics.monitors
left join lateral (
    select
        partitions.partition_date,
        partitions.partition_start,
        partitions.computed_at,
        batch.length,
        interval '7 days' + batch.length + case monitors.every
            when 'hour' then partitions.partition_start
            else partitions.partition_date
        end as live_until
    from metrics.partitions
    cross join (select ('1 ' || monitors.every)::interval as length) as batch
    where partitions.monitor = monitors.monitor
    order by partitions.partition_start desc
    limit 1
) as newest on true
