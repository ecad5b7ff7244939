-- What alert rules read: rows that are always there, 0 or 1, and end in 0 when an
-- incident closes. One row an incident that is open or closed lately, and one a
-- monitor. Labels are what stays while it is open; `kind`, `diagnosis` and
-- `report` may change, and are none.
select
    incidents.monitor,
    incidents.kind,
    incidents.severity,
    incidents.incident_id::text as incident,
    incidents.diagnosis,
    coalesce(incidents.report_url, '') as report,
    (incidents.closed_on is null)::integer as firing,
    monitors.owner,
    coalesce(incidents.family, incidents.kind) as family,
    incidents.opened_on::text as opened_on
from metrics.incidents
inner join metrics.monitors on incidents.monitor = monitors.monitor
where
    incidents.closed_on is null
    or incidents.closed_on >= (
        select max(partitions.partition_date) - 7 from metrics.partitions
        where partitions.monitor = incidents.monitor
    )
union all
select
    monitor,
    'none' as kind,
    'none' as severity,
    '0' as incident,
    'no incident' as diagnosis,
    '' as report,
    0 as firing,
    owner,
    'none' as family,
    'never' as opened_on
from metrics.monitors
