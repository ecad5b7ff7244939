-- Days of the last week, hours of the last day, or the last two batches, that are
-- failed, missing or stale and that no open incident speaks of; a day whose steps are
-- on their way is none yet. An incident of missing days closes when rows come, and has
-- spoken of them. Days on which no rows were due have no partition. One row a monitor
-- and state: a retired monitor has rows of 0 days, for silence would be an alert of its
-- own.
select
    monitors.monitor,
    kinds.state as kind,
    kinds.severity,
    count(partitions.partition_date)::integer as days,
    monitors.owner
from metrics.monitors
cross join (
    values ('failed', 'error'), ('missing', 'warn'), ('stale', 'warn')
) as kinds (state, severity)
left join metrics.partitions
    on
        monitors.monitor = partitions.monitor
        and monitors.retired_at is null
        and kinds.state = partitions.state
        and case monitors.every
            when 'hour' then partitions.partition_start
            else partitions.partition_date
        end > (
            select
                case monitors.every
                    when 'hour' then max(days.partition_start) - interval '1 day'
                    when 'day' then max(days.partition_date) - interval '7 days'
                    else max(days.partition_date) - ('2 ' || monitors.every)::interval
                end
            from metrics.partitions as days
            where days.monitor = monitors.monitor
        )
        and not exists (
            select 1
            from metrics.partitions as days
            inner join metrics.measured_inputs as inputs
                on
                    days.monitor = inputs.monitor
                    and days.partition_date = inputs.partition_date
                    and days.partition_start = inputs.partition_start
            where
                days.monitor = partitions.monitor
                and days.partition_date = partitions.partition_date
                and days.partition_start = partitions.partition_start
                and days.drift_state not in ('stale', 'failed')
                and days.state = 'stale'
                and inputs.measured_at > now() - interval '1 hour'
        )
        and not exists (
            select 1
            from metrics.breaches
            inner join metrics.incidents on breaches.monitor = incidents.monitor
            where
                breaches.monitor = partitions.monitor
                and breaches.partition_date = partitions.partition_date
                and breaches.partition_start = partitions.partition_start
                and breaches.kind in ('missing_day', 'late_data', 'schema_change')
                and (
                    incidents.closed_on is null
                    or (
                        incidents.family = 'missing_day'
                        and incidents.closed_by is null
                    )
                )
                and incidents.family = breaches.family
                and breaches.partition_start
                between incidents.opened_start and incidents.last_seen_start
        )
group by monitors.monitor, monitors.owner, kinds.state, kinds.severity
