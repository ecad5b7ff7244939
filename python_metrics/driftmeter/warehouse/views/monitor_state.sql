-- How each monitor is on its newest day. One row a monitor.
select
    monitors.monitor,
    monitors.owner,
    case
        when monitors.retired_at is not null then 'retired'
        when coalesce(newest.state, 'missing') <> 'fresh'
            then coalesce(newest.state, 'missing')
        when verdicts.drifted_columns > 0 or incidents.open_incidents > 0 then 'alarm'
        when verdicts.away_columns > 0 then 'away'
        when verdicts.compared_columns = 0 then 'not judged'
        else 'calm'
    end as state,
    newest.partition_date as newest_day,
    newest.partition_start as newest_start,
    metrics.batch_name(
        monitors.monitor, newest.partition_date, newest.partition_start
    ) as newest_name,
    fresh.last_day as last_fresh_day,
    fresh.last_start as last_fresh_start,
    metrics.batch_name(
        monitors.monitor, fresh.last_day, fresh.last_start
    ) as last_fresh_name,
    newest.row_count,
    verdicts.drifted_columns,
    verdicts.compared_columns,
    incidents.open_incidents,
    (
        select count(*) from metrics.alarm_days
        where
            alarm_days.monitor = monitors.monitor
            and alarm_days.partition_date
            between date_trunc('month', newest.partition_date)::date
            and newest.partition_date
    ) as alarm_days_this_month,
    monitors.false_alarms_per_month as alarm_budget,
    newest.computed_at,
    verdicts.away_columns,
    (
        select
            string_agg(
                case
                    when not_judged.is_every_column then 'every column'
                    else array_to_string(not_judged.column_names, ', ')
                end || ': ' || not_judged.reason || '.',
                ' '
                order by not_judged.reason
            )
        from metrics.not_judged
        where not_judged.monitor = monitors.monitor
    ) as not_judged
from metrics.monitors
left join lateral (
    select
        partitions.partition_date,
        partitions.partition_start,
        partitions.state,
        partitions.row_count,
        partitions.computed_at
    from metrics.partitions
    where partitions.monitor = monitors.monitor
    order by partitions.partition_start desc
    limit 1
) as newest on true
left join lateral (
    select
        count(*) filter (where drift.is_drifted) as drifted_columns,
        count(*) filter (where drift.status = 'ok') as compared_columns,
        count(*) filter (where drift.is_away) as away_columns
    from metrics.drift_scored as drift
    where
        drift.monitor = monitors.monitor
        and drift.partition_date = newest.partition_date
        and drift.partition_start = newest.partition_start
        and drift.segment is null
        and drift.column_name is not null
) as verdicts on true
left join lateral (
    select
        max(partitions.partition_date) as last_day,
        max(partitions.partition_start) as last_start
    from metrics.partitions
    where partitions.monitor = monitors.monitor and partitions.state = 'fresh'
) as fresh on true
left join lateral (
    select count(*) as open_incidents from metrics.incidents
    where incidents.monitor = monitors.monitor and incidents.closed_on is null
) as incidents on true
