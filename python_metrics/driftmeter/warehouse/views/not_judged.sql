-- Columns, metrics of the team's own and groups that must be treated alike, that were
-- not judged on a monitor's newest fresh day, and why. Labels that are still to come
-- are left out: they are judged once they are due.
-- One row a monitor and reason.
select
    monitors.monitor,
    newest.partition_date,
    newest.partition_start,
    unjudged.reason,
    unjudged.column_names,
    unjudged.reason like 'its reference period%' as is_every_column
from metrics.monitors
inner join lateral (
    select
        partitions.partition_date,
        partitions.partition_start
    from metrics.partitions
    where partitions.monitor = monitors.monitor and partitions.state = 'fresh'
    order by partitions.partition_start desc
    limit 1
) as newest on true
inner join lateral (
    select
        drift.reason,
        array_agg(distinct drift.column_name order by drift.column_name)
            as column_names
    from metrics.drift
    where
        drift.monitor = monitors.monitor
        and drift.partition_date = newest.partition_date
        and drift.partition_start = newest.partition_start
        and drift.method = 'day_level'
        and drift.segment is null
        and drift.status = 'skipped'
        and drift.reason not like 'labels are due%'
    group by drift.reason
    union all
    select
        own.reason,
        array_agg(distinct own.metric order by own.metric) as column_names
    from metrics.custom_metric_verdicts as own
    where
        own.monitor = monitors.monitor
        and own.partition_date = newest.partition_date
        and own.partition_start = newest.partition_start
        and own.segment is null
        and own.reason not like 'labels are due%'
    group by own.reason
    union all
    select
        groups.reason,
        array_agg(
            distinct replace(groups.metric, '_', ' ')
            || ' of ' || groups.column_name || ' = ' || groups.group_value
        ) as column_names
    from metrics.group_verdicts as groups
    where
        groups.monitor = monitors.monitor
        and groups.partition_date = newest.partition_date
        and groups.reason not like 'labels are due%'
    group by groups.reason
) as unjudged on true
where monitors.retired_at is null
