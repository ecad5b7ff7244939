-- Days of the last week that are failed, missing or stale. One row a monitor and
-- state: a retired monitor has rows of 0 days, for silence would be an alert of
-- its own.
select
    monitors.monitor,
    kinds.state as kind,
    kinds.severity,
    count(partitions.partition_date)::integer as days
from metrics.monitors
cross join (
    values ('failed', 'error'), ('missing', 'warn'), ('stale', 'warn')
) as kinds (state, severity)
left join metrics.partition_calendar as partitions
    on
        monitors.monitor = partitions.monitor
        and monitors.retired_at is null
        and kinds.state = partitions.state
        and partitions.partition_date > (
            select max(days.partition_date) - 7 from metrics.partitions as days
            where days.monitor = monitors.monitor
        )
group by monitors.monitor, kinds.state, kinds.severity
