-- Whether new days still come. A monitor is live where its newest day was new when
-- it was computed: history that is replayed is never late; a live monitor is late
-- 36 hours, and a batch that is longer than a day, after a computation that none has
-- followed. A daily monitor without rows on weekends has its next day three days after
-- a Friday: what the reference period usually shows after such a weekday is waited
-- for. An hourly monitor is late two hours after the longest step that was usual from
-- one computation to the next in its last two weeks, which is a night or a weekend
-- without rows, or a day where hours are computed once a day; as long as there are no
-- such steps, after 36 hours. One row a monitor.
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
        and newest.computed_at < now() - coalesce(
            rhythm.length + interval '2 hours',
            interval '12 hours' + greatest(newest.length, interval '1 day')
            + pause.length
        ),
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
left join lateral (
    -- Days without rows after such a weekday: the median, for one may be a holiday.
    select
        coalesce(percentile_disc(0.5) within group (order by steps.days) - 1, 0)
        * interval '1 day' as length
    from (
        select
            summary.partition_date,
            lead(summary.partition_date) over (order by summary.partition_date)
            - summary.partition_date as days
        from (
            select
                baselines.from_date,
                baselines.to_date
            from metrics.baselines
            where baselines.monitor = monitors.monitor and baselines.kind = 'fixed'
            order by baselines.computed_at desc
            limit 1
        ) as reference
        inner join metrics.column_summary as summary
            on
                monitors.monitor = summary.monitor
                -- As the index has it.
                and metrics.segment_label(summary.segment, summary.segment_value)
                = 'all rows'
                and summary.partition_date
                between reference.from_date and reference.to_date
        where summary.column_name is null and summary.row_count > 0
        group by summary.partition_date
    ) as steps
    where
        monitors.every = 'day'
        and extract(isodow from steps.partition_date)
        = extract(isodow from newest.partition_date)
) as pause on true
left join lateral (
    -- The second longest: the longest may be an outage. Hours of one run make no step.
    select steps.length
    from (
        select
            partitions.computed_at - lag(partitions.computed_at)
                over (order by partitions.partition_start) as length
        from metrics.partitions
        where
            partitions.monitor = monitors.monitor
            and partitions.partition_start > newest.partition_start - interval '15 days'
    ) as steps
    where monitors.every = 'hour' and steps.length > interval '30 minutes'
    order by steps.length desc
    limit 1 offset 1
) as rhythm on true
